# otp_timezone NAME: the zone of the site; an emergency password ends at its midnight.
use strict;
use warnings;
use lib 't/lib';
use POSIX 'strftime';
use Test::More;
use OtpTest;

my $portal = 'location /otp/ { otp_portal; }';

for my $good ('Europe/Paris', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+12') {
    my ($text, $status) = check_config(http => "otp_timezone $good;", server => $portal);
    is($status, 0, "$good is known") or diag($text);
}

# [ what is wrong, the name, what the message says beside the line ]
for my $case (
    [ 'a zone nobody knows',       'Europe/Entenhausen',  qr{Europe/Entenhausen.*say one as "Europe/Paris"} ],
    [ 'an abbreviation',           'CESTO',               qr/CESTO/ ],
    [ 'a way out of the folder',   '../../../etc/passwd', qr{etc/passwd" cannot be the name} ],
    [ 'an absolute path',          '/etc/localtime',      qr{/etc/localtime} ],
    [ 'a folder',                  'Europe',              qr/Europe/ ],
    [ 'a file that is no zone',    'zone.tab',            qr/zone\.tab/ ],
    [ 'a zone without a name',     '""',                  qr/cannot be the name/ ],
    [ 'a name that is too long',   'A' x 300,             qr/cannot be the name/ ],
) {
    my ($what, $name, $message) = @$case;
    my ($text, $status) = check_config(http => "otp_timezone $name;", server => $portal);
    isnt($status, 0, "$what: refused");
    like($text, qr/\[emerg\].*$message.*nginx\.conf:\d+/, 'with the reason and the line');
}
my ($text, $status) = check_config(http => "otp_timezone UTC;\notp_timezone UTC;", server => $portal);
like($text, qr/\[emerg\].*duplicate.*nginx\.conf:\d+/, 'not twice');
($text, $status) = check_config(server => 'location /otp/ { otp_portal; otp_timezone UTC; }');
like($text, qr/\[emerg\].*not allowed here/, 'not in a location');
is((check_config(server => $portal))[1], 0, 'without it the zone of the system');

# The same day has another end in each zone.
for my $zone ("Pacific/Kiritimati", "Pacific/Pago_Pago") {      # UTC+14, UTC-11: always another day
    my $nginx = start_nginx(3, http => "otp_timezone $zone; otp_helpdesk group=helpdesk;", server => $portal);
    my $uid = new_uid();
    my $answer = helpdesk_agent()->at($nginx)->act("user/$uid/emergency", note => "forgot the key at home");
    is($answer->status, 200, "$zone: issued") or diag($answer->{raw});
    my ($end) = OtpTest::run(undef, "env", "TZ=$zone", "date", "-d", "@" . ($answer->json->{expires} // 0), "+%F %T");
    my ($today) = OtpTest::run(undef, "env", "TZ=$zone", "date", "+%F");
    chomp($end, $today);
    is($end, "$today 23:59:59", "$zone: until the end of the day there");
    $nginx->stop;
}
done_testing();
