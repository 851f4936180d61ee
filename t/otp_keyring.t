# otp_keyring FILE: the only secret; without the right one nothing of Redis is believed.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $server = '
    location /otp/ { otp_portal; }
    location /app/ { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }';
sub new_key_holder { my $uid = new_uid(); new_key($uid); return $uid }

my $other = world('keyring.other');
unlink $other;
my (undef, $status) = otpctl('keyring', 'init', $other);
is($status, 0, 'otpctl keyring init');
is((stat $other)[2] & 0777, 0600, 'makes a file that only its owner reads');

my $cookie = password_cookie('marie.dupont');
my $nginx = start_nginx(3, http => "otp_keyring $other;", server => $server);
my $answer = $nginx->browser->get('/app/', Cookie => $cookie);
is($answer->status, 401, "a session of another ring is no session") or diag($answer->{raw});
unlike($answer->{raw}, qr/X-Application/);
is($nginx->browser->login_passcode(new_key_holder(), '407112345' . int rand 10)->status, 503, 'nor is an account an account');
like($nginx->log, qr/unavailable although Redis answered: .*cannot be read with this key ring/, 'which the log says');
$nginx->stop;

# A rotated ring still reads what the older key made.
system 'cp', '-p', world('keyring'), "$other.rotated";
(undef, $status) = otpctl('keyring', 'rotate', "$other.rotated");
is($status, 0, 'otpctl keyring rotate');
$nginx = start_nginx(3, http => "otp_keyring $other.rotated;", server => $server);
is($nginx->browser->get('/app/', Cookie => $cookie)->status, 200, 'sessions survive a rotation');
$nginx->stop;

# A record moved to another name, or changed by one byte, is not believed.
my $browser = browser();
$browser->login('jean.martin', password());
my ($value) = $browser->session_cookie =~ /=(.*)/;
my $hash = Digest::SHA::sha256_hex($value);
my ($name) = redis_cli('--scan', '--pattern', "otp:*$hash*") =~ /^(otp:sess:.*)$/m;
$name //= '';
my $record = redis_cli('--raw', 'get', $name);
chomp $record;
ok(length $record, 'the record of a session is where the documentation says') or diag($hash);
$nginx = start_nginx(3, server => $server);
is($nginx->browser->get('/app/', Cookie => 'otp=' . $value)->status, 200, 'as it is');
my $planted = 'A' x 42 . 'E';
OtpTest::run($record, 'redis-cli', '-s', world('redis.sock'), '-x', 'set', $name =~ s/\Q$hash/Digest::SHA::sha256_hex($planted)/er);
is($nginx->browser->get('/app/', Cookie => "otp=$planted")->status, 401, 'moved to another name: no session');
my @believed;
for (my $place = 0; $place < length $record; $place += 5) {
    my $forged = $record;
    substr($forged, $place, 1) = substr($forged, $place, 1) eq '1' ? '2' : '1';
    OtpTest::run($forged, 'redis-cli', '-s', world('redis.sock'), '-x', 'set', $name);
    push @believed, $place if $nginx->browser->get('/app/', Cookie => 'otp=' . $value)->status != 401;
}
is_deeply(\@believed, [], 'one byte changed, wherever: no session');

done_testing();
