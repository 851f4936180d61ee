# otp_limits: the numbers of the policy.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

sub gateway { start_nginx(3, http => "otp_limits address_free=100000 $_[0];\n", server => 'location /otp/ { otp_portal; }') }

# Somebody whose key is in use: the next step is unused.
sub enrolled {
    my ($nginx, $pin) = @_;
    my $uid = new_uid();
    my $key = new_key($uid);
    $nginx->browser->first_use($uid, $key, $pin // '4071');
    return ($uid, $key);
}

subtest 'next_code: after so many bad ones a good passcode must bring the next code, too' => sub {
    my $nginx = gateway('next_code=2');
    my ($uid, $key) = enrolled($nginx);
    $nginx->browser->login_passcode($uid, '4071000000') for 1 .. 2;
    my $browser = $nginx->browser;
    my $answer = $browser->login_passcode($uid, '4071' . code($key, $key->{step} + 1));
    is($answer->json->{verdict}, 'next_code') or diag($answer->{raw});
    like($answer->location, qr{/otp/passcode$});
    is($browser->session->status, 401, 'no session yet');
    is($browser->get('/otp/passcode')->json->{state}, 'next_code');
    isnt($browser->passcode(code($key, $key->{step} + 1))->json->{verdict}, 'ok', 'the same code is not the next one');
    $nginx->stop;
};

subtest 'next_code: the code that follows proves the key' => sub {
    my $nginx = gateway('next_code=1');
    my ($uid, $key) = enrolled($nginx);
    $nginx->browser->login_passcode($uid, '4071000000');
    my $browser = $nginx->browser;
    is($browser->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'next_code');
    my $answer = $browser->passcode(code($key, $key->{step} + 2));
    is($answer->json->{verdict}, 'ok', 'six digits alone') or diag($answer->{raw});
    is($browser->session->json->{level}, 'otp');
    $nginx->stop;
};

subtest 'lock: after so many bad ones no passcode is accepted' => sub {
    my $nginx = gateway('next_code=2 lock=3 lock_time=1h');
    my ($uid, $key) = enrolled($nginx);
    $nginx->browser->login_passcode($uid, '4071000000') for 1 .. 3;
    my $answer = $nginx->browser->login_passcode($uid, '4071' . code($key, $key->{step} + 1));
    is($answer->status, 401);
    is($answer->json->{verdict}, 'denied', 'and a stranger is not told that it is locked');
    is(OtpTest::browser()->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'denied',
        'on the other gateway, too: the count is shared');
    is($nginx->browser->login($uid, password())->json->{verdict}, 'ok', 'passwords are not locked');
    $nginx->stop;
};

subtest 'lock: a right password does not clear the count' => sub {
    my $nginx = gateway('next_code=4 lock=4 lock_time=1h');
    my ($uid, $key) = enrolled($nginx);
    for (1 .. 4) {
        $nginx->browser->login($uid, password());
        $nginx->browser->login_passcode($uid, '4071000000');
    }
    isnt($nginx->browser->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'ok');
    $nginx->stop;
};

subtest 'lock_time: then it opens again' => sub {
    my $nginx = gateway('next_code=2 lock=2 lock_time=2s');
    my ($uid, $key) = enrolled($nginx);
    $nginx->browser->login_passcode($uid, '4071000000') for 1 .. 2;
    sleep 3;
    is($nginx->browser->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'next_code',
        'with two consecutive codes');
    $nginx->stop;
};

subtest 'replays do not lock the owner out' => sub {
    my $nginx = gateway('next_code=3 lock=3 lock_time=1h');
    my ($uid, $key) = enrolled($nginx);
    $nginx->browser->login_passcode($uid, '4071' . code($key, $key->{step})) for 1 .. 6;
    is($nginx->browser->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'ok');
    $nginx->stop;
};

subtest 'pin_min and pin_max' => sub {
    my $nginx = gateway('pin_min=5 pin_max=6');
    my $uid = new_uid();
    my $key = new_key($uid);
    wait_for_quiet_step(60);
    my $browser = $nginx->browser;
    my $step = int(time / 60);
    $browser->login_passcode($uid, code($key, $step - 1));
    is($browser->pin('4071')->json->{reason}, 'length', 'four are too few');
    is($browser->pin('4071852')->json->{reason}, 'length', 'seven are too many');
    is($browser->pin('40718')->json->{verdict}, 'wait_next_code', 'five are right');
    is($browser->passcode('40718' . code($key, $step))->json->{verdict}, 'ok');
    $nginx->stop;
};

subtest 'pin_page: the PIN page closes' => sub {
    my $nginx = gateway('pin_page=1s');
    my $uid = new_uid();
    my $key = new_key($uid);
    wait_for_quiet_step(60);
    my $browser = $nginx->browser;
    my $step = int(time / 60);
    $browser->login_passcode($uid, code($key, $step - 1));
    my $csrf = $browser->get('/otp/pin')->json->{csrf};
    sleep 2;
    my $answer = $browser->post('/otp/pin', { csrf => $csrf, pin => '4071', pin_confirm => '4071' });
    isnt($answer->json->{verdict} // '', 'wait_next_code') or diag($answer->{raw});
    $nginx->stop;
};

subtest 'look_ahead: presses of the button whose codes nobody has typed in' => sub {
    my $nginx = gateway('look_ahead=2 look_ahead_wide=4 next_code=50 lock=50');
    my $uid = new_uid();
    my $key = new_key($uid, type => 'hotp');
    my $browser = $nginx->browser;
    is($browser->login_passcode($uid, code($key, 0))->json->{verdict}, 'pin_required', 'the first press');
    is($browser->pin('4071')->json->{verdict}, 'wait_next_code');
    is($browser->passcode('4071' . code($key, 1))->json->{verdict}, 'ok', 'the second');
    my $try = sub { $nginx->browser->login_passcode($uid, '4071' . code($key, shift))->json->{verdict} };
    is($try->(3), 'ok', 'two on: one press was for nothing');
    is($try->(2), 'already_used', 'the one for nothing, afterwards');
    is($try->(40), 'denied', 'many presses');
    $browser = $nginx->browser;
    is($browser->login_passcode($uid, '4071' . code($key, 7))->json->{verdict}, 'next_code', 'four on: the next one, too');
    is($browser->passcode(code($key, 8))->json->{verdict}, 'ok', 'with it');
    is($try->(9), 'ok', 'and it goes on from there');
    $nginx->stop;
};

subtest 'passwords of one account are throttled, never locked' => sub {
    my $nginx = gateway('password_free=2');
    my $uid = new_uid();
    my @status = map { $nginx->browser->login($uid, 'wrong')->status } 1 .. 4;
    is($status[0], 401, 'the first ones without delay');
    is($status[-1], 429, 'then later ones are asked to wait');
    my $answer = $nginx->browser->login($uid, password());
    is($answer->status, 429, 'whoever asks');
    ok($answer->json->{retry_after} > 0, 'and is told how long');
    like($answer->header('Retry-After'), qr/^\d+$/, 'in the header, too');
    sleep $answer->json->{retry_after} + 1 if $answer->json->{retry_after} < 10;
    is($nginx->browser->login($uid, password())->status, 200, 'afterwards the right one signs in');
    $nginx->stop;
};

done_testing();
