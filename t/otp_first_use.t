# otp_first_use any|password: whether first use of a key may happen without a password.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

sub gateway { start_nginx(3, http => $_[0], server => 'location /otp/ { otp_portal; }') }

subtest 'any, the default: six digits open the PIN page' => sub {
    my $nginx = gateway('');
    my $uid = new_uid();
    my $key = new_key($uid);
    wait_for_quiet_step(60);
    is($nginx->browser->login_passcode($uid, code($key))->json->{verdict}, 'pin_required');
    $nginx->stop;
};

subtest 'password: not without it' => sub {
    my $nginx = gateway('otp_first_use password;');
    my $uid = new_uid();
    my $key = new_key($uid);
    wait_for_quiet_step(60);
    my $step = int(time / 60);
    my $answer = $nginx->browser->login_passcode($uid, code($key, $step - 1));
    is($answer->status, 401);
    is($answer->json->{verdict}, 'denied', 'the answer of every refusal');
    my $browser = $nginx->browser;
    is($browser->login($uid, password())->json->{verdict}, 'ok');
    is($browser->passcode(code($key, $step))->json->{verdict}, 'pin_required', 'with it') or diag('');
    is($browser->pin('4071')->json->{verdict}, 'wait_next_code');
    is($browser->passcode('4071' . code($key, $step + 1))->json->{verdict}, 'ok');
    $nginx->stop;
};

done_testing();
