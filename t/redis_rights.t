# The rights that lua-free-conf/redis/otp.acl gives to the gateways are enough for all that they do.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

open my $acl, '<', 'lua-free-conf/redis/otp.acl' or die;
my ($rights) = map { /^user otp-gateway on #0+ (.*)$/ ? $1 : () } <$acl>;
ok($rights, 'the user of the gateways is there');
my $secret = world('gateway-secret');
open my $file, '>', $secret or die;
print $file "gateway\n";
close $file;
chmod 0600, $secret;
redis_cli(qw(acl setuser otp-gateway reset on >gateway), split ' ', $rights);
redis_cli(qw(acl log reset));

my $nginx = start_nginx(3, http => 'otp_redis unix:' . world('redis.sock') . " user=otp-gateway password_file=$secret;
    otp_helpdesk group=helpdesk;
    otp_audit_retention age=30d;", server => '
    location /otp/ { otp_portal; }
    location /app/ { otp_require otp; proxy_pass http://127.0.0.1:' . port(2) . '; }');

my ($uid, $key) = (new_uid(), undef);
$key = new_key($uid);
my $free = new_key(new_uid());
otpctl('key', 'unassign', $free->{serial});
my $agent = helpdesk_agent()->at($nginx);
my $act = sub { my ($action, %fields) = @_; $agent->act("user/$uid/$action", note => 'x', %fields) };

is($nginx->browser->get('/otp/health')->status, 200, 'health');
is($nginx->browser->login($uid, 'wrong')->json->{verdict}, 'denied', 'a bad password');
is($nginx->browser->login_passcode($uid, '4071000000')->json->{verdict}, 'denied', 'a bad passcode');
is($nginx->browser->login('nobody.at.all', 'wrong')->json->{verdict}, 'denied', 'nobody');
my $person = $nginx->browser->first_use($uid, $key, '4071');
is($person->get('/app/')->status, 200, 'first use, and the application');
is($person->get("/otp/$_")->status, 200, "GET $_") for '', 'session', 'key', 'activity', 'key/pin';
is($person->send('signals')->status, 200, 'signals');
is($person->send('key', serial => $free->{serial}, code => code($free))->json->{verdict}, 'requested', 'a request');
is($agent->get("/otp/$_")->status, 200, "GET $_") for 'helpdesk', "helpdesk?q=$uid", "helpdesk?q=$key->{serial}",
    "helpdesk/user/$uid", 'helpdesk/requests';
is($agent->get("/otp/$_", Accept => 'text/html')->status, 200, "GET $_, the page") for 'helpdesk', "helpdesk?q=$uid",
    "helpdesk/user/$uid", 'helpdesk/requests', "helpdesk/user/$uid/pin-clear";
is($agent->act("requests/$free->{serial}/reject", reason => 'x')->status, 200, 'reject');
is($person->send('key', serial => $free->{serial}, code => code($free, int(time / 60) + 1))->json->{verdict}, 'requested', 'again');
is($agent->act("requests/$free->{serial}/approve", note => 'x')->status, 200, 'approve');
is($act->('key-disable', serial => $key->{serial}, reason => 'lost')->status, 200, 'key-disable');
is($act->('key-enable', serial => $key->{serial})->status, 200, 'key-enable');
is($act->('pin-clear')->status, 200, 'pin-clear');
is($act->('unlock')->status, 200, 'unlock');
is($act->('key-unassign', serial => $free->{serial})->status, 200, 'key-unassign');
is($act->('key-assign', serial => $free->{serial})->status, 200, 'key-assign');
my $issued = $act->('emergency');
is($issued->status, 200, 'emergency');
my $second = $nginx->browser;
$second->login($uid, password());
is($second->passcode($issued->json->{password})->json->{verdict}, 'ok', 'used');
is($second->send('key/lost', serial => $key->{serial})->status, 200, 'key/lost');
is($second->send('activity/end', all => 1)->status, 200, 'activity/end');
is($act->('emergency-revoke')->status, 200, 'emergency-revoke');
is($act->('sessions-revoke')->status, 200, 'sessions-revoke');
my $third = $nginx->browser;
$third->login($uid, password());
is($third->submit('logout')->status, 200, 'logout');
sleep 4;    # the first round of otp_audit_retention

for my $command ([qw(wait 1 500)], [qw(script load x)], [qw(cluster slots)], ['asking']) {
    like(redis_cli(qw(acl dryrun otp-gateway), @$command), qr/^OK/, "@$command: for replicas= and cluster");
}
my @denied = grep { /otp-gateway/ } split /(?=^\d+\) )/m, scalar redis_cli(qw(--no-raw acl log));
is(scalar @denied, 0, 'Redis has refused nothing') or diag(@denied);
unlike($nginx->log, qr/NOPERM|\[(error|crit|alert|emerg)\]/, 'nor is there a complaint');
$nginx->stop;
redis_cli(qw(acl deluser otp-gateway));
done_testing();
