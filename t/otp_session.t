# otp_session [idle=30m] [lifetime=10h]: how long a session lasts.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $application = 'proxy_pass http://127.0.0.1:' . port(2) . ';';

sub gateway {
    my ($setting) = @_;
    return start_nginx(3, http => defined $setting ? "otp_session $setting;\n" : '', server => "
        location /otp/ { otp_portal; }
        location /app/ { otp_require password; $application }");
}

sub signed_in { my $browser = shift->browser; $browser->login('marie.dupont', password()); $browser }

subtest 'the default: 30 minutes without a request, 10 hours in all' => sub {
    my $nginx = gateway();
    my $session = signed_in($nginx)->session->json;
    cmp_ok(abs($session->{idle_expires} - time - 1800), '<=', 5, 'idle_expires');
    cmp_ok(abs($session->{expires} - time - 36000), '<=', 5, 'expires');
    $nginx->stop;
};

subtest 'numbers of the operator' => sub {
    my $nginx = gateway('idle=5m lifetime=1h');
    my $session = signed_in($nginx)->session->json;
    cmp_ok(abs($session->{idle_expires} - time - 300), '<=', 5, 'idle_expires');
    cmp_ok(abs($session->{expires} - time - 3600), '<=', 5, 'expires');
    $nginx->stop;
};

subtest 'the end of the lifetime' => sub {
    my $nginx = gateway('idle=2s lifetime=2s');
    my $browser = signed_in($nginx);
    is($browser->get('/app/')->status, 200, 'before');
    sleep 3;
    is($browser->get('/app/')->status, 401, 'after: although it was used');
    is($browser->session->status, 401);
    $nginx->stop;
};

subtest 'idle' => sub {
    my $nginx = gateway('idle=2s');
    my $browser = signed_in($nginx);
    is($browser->get('/app/')->status, 200, 'before');
    sleep 4;
    is($browser->get('/app/')->status, 401, 'after');
    $nginx->stop;
};

subtest 'nothing is left in Redis of a session that ended' => sub {
    my $nginx = gateway('idle=2s lifetime=2s');
    my $before = () = redis_cli('--scan', '--pattern', 'otp:sess:*') =~ /^/mg;
    signed_in($nginx);
    sleep 4;
    my $after = () = redis_cli('--scan', '--pattern', 'otp:sess:*') =~ /^/mg;
    cmp_ok($after, '<=', $before, 'the record has a time to live');
    $nginx->stop;
};

done_testing();
