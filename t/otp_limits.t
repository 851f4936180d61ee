# otp_limits: the numbers of the policy.
use strict;
use warnings;
use lib 't/lib';
use POSIX ();
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

# People with passwords that take long to check, in a file of their own.
sub slow_people {
    my ($rounds, @uid) = @_;
    my $file = world('slow-people');
    my $hash = crypt password(), "\$6\$rounds=$rounds\$salt";
    open my $out, '>', $file or die;
    print $out "$_:$hash\n" for @uid;
    close $out;
    chmod 0600, $file;
    return "otp_password_file $file;\n";
}

# Everybody has the form, then everybody sends it at once: the answers' status and Retry-After.
sub at_once {
    my ($nginx, @uid) = @_;
    my @answer;
    for my $uid (@uid) {
        my $browser = $nginx->browser;
        my %form = (username => $uid, method => 'password', password => password(), csrf => $browser->get('/otp/login')->json->{csrf});
        my $pid = open my $out, '-|';
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            my $answer = eval { $browser->post('/otp/login', \%form) };
            syswrite STDOUT, $answer ? $answer->status . ' ' . $answer->header('Retry-After') : "0 $@";
            POSIX::_exit(0);
        }
        push @answer, $out;
    }
    return map { local $/; [ split ' ', scalar <$_> ] } @answer;
}

subtest 'hash_queue: who finds no place is told at once, and the others are served' => sub {
    my @uid = map { "slow$_" } 1 .. 8;
    my $nginx = gateway('hash_queue=1 password_free=1000;' . "\n" . slow_people(300000, @uid) . '#');
    my %count;
    for my $answer (at_once($nginx, @uid)) {
        $count{ $answer->[0] }++;
        like($answer->[1], qr/^[1-9]\d*$/, 'and when to come again') if $answer->[0] != 200;
    }
    cmp_ok($count{200} // 0, '>', 0, 'somebody signs in');
    cmp_ok($count{429} // 0, '>', 0, 'one address has the one place only once');
    is(($count{200} // 0) + ($count{429} // 0), 8, 'nothing else happens') or diag(explain(\%count));
    is($nginx->browser->login('slow1', password())->status, 200, 'afterwards there is a place');
    $nginx->stop;
};

subtest 'hash_wait: who has waited that long gets 503' => sub {
    my @uid = map { "slow$_" } 1 .. 6;
    my $nginx = gateway('hash_wait=1s password_free=1000;' . "\n" . slow_people(4000000, @uid) . '#');
    my %count;
    $count{ $_->[0] }++ for at_once($nginx, @uid);
    cmp_ok($count{200} // 0, '>', 0, 'those whose hash was begun in time');
    cmp_ok($count{503} // 0, '>', 0, 'and the others');
    is(($count{200} // 0) + ($count{503} // 0), 6, 'nothing else happens') or diag(explain(\%count));
    $nginx->stop;
};

done_testing();
