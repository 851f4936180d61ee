# otp_metrics: Prometheus text.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, http => 'otp_helpdesk group=helpdesk;', server => '
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
my %series;
$series{$_}++ for $answer->body =~ /^(otp_\S+) /mg;
is_deeply([ grep { $series{$_} > 1 } sort keys %series ], [], 'no figure is there twice');
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

sub figure {
    my ($name) = @_;
    my ($value) = $nginx->browser->get('/metrics')->body =~ /^\Q$name\E (\d+)$/m;
    return $value;
}

is(figure('otp_actions_total{event="emergency",verdict="ok"}'), 0, 'actions begin at 0');
is(figure('otp_mails_queued_total'), 0, 'mails, too');
my $agent = helpdesk_agent()->at($nginx);
my $uid = new_uid();
my $key = new_key($uid);
is($agent->act("user/$uid/emergency", note => 'x')->status, 200) for 1 .. 2;
is($agent->act("user/$uid/key-disable", serial => $key->{serial}, reason => 'lost')->status, 200);
is($agent->act("user/agent.second/unlock", note => 'x')->status, 403);
is(figure('otp_actions_total{event="emergency",verdict="ok"}'), 2, 'two emergency passwords');
is(figure('otp_actions_total{event="key_disable",verdict="ok"}'), 1, 'a key');
is(figure('otp_actions_total{event="user_unlock",verdict="forbidden"}'), 1, 'what was not allowed');
is(figure('otp_portal_requests_total{verdict="forbidden"}'), 1, 'among the answers of the portal, too');
cmp_ok(figure('otp_mails_queued_total'), '>=', 1, 'a mail is due');
unlike($nginx->browser->get('/metrics')->body, qr/agent|\Q$uid\E|\Q$key->{serial}\E/, 'still nobody is named');
$nginx->stop;
done_testing();
