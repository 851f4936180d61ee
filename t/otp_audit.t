# otp_audit FILE|syslog:…|off: one JSON object a line, one an event, never a secret.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use OtpTest;

my $path = world('audit.log');
unlink $path;
my $nginx = start_nginx(3, http => "otp_audit $path;", server => 'location /otp/ { otp_portal; }');

my $uid = new_uid();
my $key = new_key($uid);
my $browser = $nginx->browser;
$browser->login('marie.dupont', 'wrong-password-typed');
$browser->login('marie.dupont', password());
$browser->submit('logout');
my $owner = $nginx->browser;
$owner->first_use($uid, $key, '4071');
my $spent = '4071' . code($key, $key->{step});
$nginx->browser->login_passcode($uid, $spent);
select undef, undef, undef, 0.3;

open my $file, '<', $path or die "$path: $!";
my @line = <$file>;
cmp_ok(scalar @line, '>=', 6, 'a line for each event');
my @event = map { my $event = eval { decode_json($_) }; ok($event, 'is a JSON object') or diag($_); $event // {} } @line;
for my $event (@event) {
    ok($event->{event} && $event->{verdict}, 'what, and the verdict') or diag(explain $event);
    ok($event->{time} || $event->{time_ms} || $event->{ts}, 'when');
    is($event->{address} // $event->{ip}, '127.0.0.1', 'from where');
}
my @of = grep { ($_->{user} // '') eq 'marie.dupont' } @event;
is_deeply([ map { $_->{verdict} } @of[ 0, 1 ] ], [ 'denied', 'ok' ], 'the refused password, then the right one');
ok((grep { $_->{event} eq 'logout' } @of), 'the sign-out');
ok((grep { ($_->{serial} // '') eq $key->{serial} } @event), "the key's serial");
ok((grep { ($_->{verdict} // '') eq 'already_used' || ($_->{signal} // '') eq 'replay' } @event), 'the spent code');
my $all = join '', @line;
unlike($all, qr/wrong-password|craie-et/, 'no password');
unlike($all, qr/4071/, 'no PIN, no passcode');
(my $cookie = $owner->session_cookie) =~ s/.*=//;
unlike($all, qr/\Q$cookie\E/, 'no cookie');
$nginx->stop;

# The order in one account is the order in the stream of Redis, too.
like(redis_cli('--scan', '--pattern', 'otp:*'), qr/event|stream|audit/, 'events are in Redis as well');

my $syslog = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => port(5), Proto => 'udp') or die $!;
$nginx = start_nginx(3, http => 'otp_audit syslog:server=127.0.0.1:' . port(5) . ',tag=otp;', server => 'location /otp/ { otp_portal; }');
$nginx->browser->login('marie.dupont', password());
my $packet = '';
eval { local $SIG{ALRM} = sub { die }; alarm 3; recv $syslog, $packet, 65536, 0; alarm 0 };
like($packet, qr/otp: .*"user": ?"marie\.dupont"/, 'syslog');
done_testing();
