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

# logrotate: moved away, then USR1.
rename $path, "$path.1" or die;
$nginx->signal('USR1');
for (1 .. 50) { last if -e $path; select undef, undef, undef, 0.1 }
ok(-e $path, 'USR1: the file is made anew');
select undef, undef, undef, 0.3;
$nginx->browser->login('jean.martin', password());
select undef, undef, undef, 0.2;
open $file, '<', $path or die;
like(join('', <$file>), qr/"jean\.martin"/, 'and gets what comes then');
open $file, '<', "$path.1" or die;
unlike(join('', <$file>), qr/"jean\.martin"/, 'the old one does not');
$nginx->stop;

# The order in one account is the order in the stream of Redis, too.
like(redis_cli('--scan', '--pattern', 'otp:*'), qr/event|stream|audit/, 'events are in Redis as well');

my $syslog = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => port(5), Proto => 'udp') or die $!;
$nginx = start_nginx(3, http => 'otp_audit syslog:server=127.0.0.1:' . port(5) . ',tag=otp;', server => 'location /otp/ { otp_portal; }');
$nginx->browser->login('marie.dupont', password());
my $packet = '';
eval { local $SIG{ALRM} = sub { die }; alarm 3; recv $syslog, $packet, 65536, 0; alarm 0 };
like($packet, qr/otp: .*"user": ?"marie\.dupont"/, 'syslog');
$nginx->stop;

# What an agent does is there as well: who, for whom, why.
unlink $path;
$nginx = start_nginx(3, http => "otp_audit $path;\notp_helpdesk group=helpdesk;", server => 'location /otp/ { otp_portal; }');
my $agent = helpdesk_agent()->at($nginx);
my $note = 'said « non » on the telephone, "twice"';
is($agent->act("user/$uid/key-disable", serial => $key->{serial}, reason => 'lost', note => $note)->status, 200);
is($agent->act("user/$uid/emergency", note => 'x')->status, 200);
my $forbidden = $agent->act('user/agent.second/emergency', note => 'x');
is($forbidden->status, 403);
select undef, undef, undef, 0.2;
open $file, '<', $path or die;
@event = map { eval { decode_json($_) } // {} } <$file>;
my ($disabled) = grep { ($_->{event} // '') eq 'key_disable' && $_->{verdict} eq 'ok' } @event;
is($disabled->{user}, $uid, 'key_disable: whose') or diag(explain \@event);
is($disabled->{actor}, 'agent.support', 'by whom');
is($disabled->{serial}, $key->{serial}, 'which key');
is($disabled->{reason}, 'lost', 'the reason');
is($disabled->{note}, decode_json('["' . $note =~ s/"/\\"/gr . '"]')->[0], 'why');
ok($disabled->{request}, 'in which request');
my ($emergency) = grep { ($_->{event} // '') eq 'emergency' && $_->{verdict} eq 'ok' } @event;
is($emergency->{actor}, 'agent.support', 'emergency: by whom');
ok((grep { ($_->{verdict} // '') eq 'forbidden' && ($_->{user} // '') eq 'agent.second' } @event), 'what was not allowed');
$nginx->stop;

for my $wrong ([ 'otp_audit /nowhere/audit.log;', qr{/nowhere} ], [ 'otp_audit /tmp;', qr{"/tmp" is a folder} ],
    [ 'otp_audit "";', qr/needs a file/ ], [ "otp_audit off;\notp_audit off;", qr/duplicate/ ]) {
    my ($text, $status) = check_config(http => $wrong->[0], server => 'location /otp/ { otp_portal; }');
    isnt($status, 0, "$wrong->[0] is refused");
    like($text, qr/\[emerg\].*$wrong->[1].*nginx\.conf:\d+/, 'with the reason and the line') or diag($text);
}
done_testing();
