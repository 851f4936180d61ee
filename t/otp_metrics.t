# otp_metrics: Prometheus text.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, server => '
    location /otp/ { otp_portal; }
    location /metrics { otp_metrics; }
    location /app/ { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }');

my $browser = $nginx->browser;
$browser->login('marie.dupont', 'wrong');
$browser->login('marie.dupont', password());
$browser->get('/app/');
$nginx->browser->get('/app/');

my $answer = $nginx->browser->get('/metrics', Accept => '*/*');
is($answer->status, 200);
like($answer->header('Content-Type'), qr{^text/plain; *version=0\.0\.4}, 'the type that Prometheus knows');
my $sample = qr/[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+/;
my @bad = grep { !/^(# (HELP|TYPE) otp_\w+ .+|$sample|)$/ } split /\n/, $answer->body;
is_deeply(\@bad, [], 'every line has the form of the exposition format');
my %type = $answer->body =~ /^# TYPE (\w+) (\w+)$/mg;
ok(scalar keys %type, 'figures have types');
for my $name ($answer->body =~ /^(otp_\w+?)(?:_bucket|_sum|_count)?[ {]/mg) {
    ok($type{$name} || $type{"${name}_total"} || $type{"${name}_count"}, "$name has a type");
    last;
}
like($answer->body, qr/^otp_\w+\{[^}]*"denied"[^}]*\} [1-9]/m, 'the refused password is counted');
like($answer->body, qr/^otp_guard\w+\{[^}]*"ok"[^}]*\} [1-9]/m, 'the request that the guard let through, too');
unlike($answer->body, qr/marie|127\.0\.0\.1/, 'nobody is named');
is($nginx->browser->request('POST', '/metrics', [ 'Content-Length' => 0 ])->status, 405, 'GET and HEAD only');
done_testing();
