# The key at the portal: first use, step-up, direct sign-in, codes that are spent, repeated forms.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, server => '
    location /otp/ { otp_portal; }
    location /app/ { otp_require otp; proxy_pass http://127.0.0.1:' . port(2) . '; }');
my $now = sub { int(time / 60) };

subtest 'first use after a password, then the application' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    my $browser = $nginx->browser;
    wait_for_quiet_step(60);
    my $step = $now->();

    $browser->login($uid, password(), rd => '/app/');
    my $cookie = $browser->session_cookie;
    is($browser->get('/app/')->json->{error}, 'otp_required', 'the application asks for the key');
    is($browser->get('/otp/passcode')->json->{state}, 'first_use', 'the page knows that it is the first time');

    my $answer = $browser->passcode(code($key, $step - 1), rd => '/app/');
    is($answer->json->{verdict}, 'pin_required');
    like($answer->location, qr{/otp/pin$});
    isnt($browser->get('/app/')->status, 200, 'six digits alone open nothing');

    for my $refused ([ mismatch => '4071', '4072' ], [ length => '407' ], [ length => '4071852' ], [ digits => '40a1' ],
        [ repeated => '7777' ], [ sequence => '1234' ], [ sequence => '4321' ], [ date => '2512' ], [ date => '1984' ]) {
        $answer = $browser->pin(@$refused[ 1 .. $#$refused ]);
        is($answer->status, 422, "the PIN $refused->[1] is refused");
        is($answer->json->{reason}, $refused->[0], 'and why');
    }
    $answer = $browser->pin('4071');
    is($answer->status, 200);
    is($answer->json->{verdict}, 'wait_next_code');
    is($browser->get('/otp/passcode')->json->{state}, 'wait_next_code');

    $answer = $browser->passcode('4071' . code($key, $step - 1));
    isnt($answer->json->{verdict}, 'ok', 'the code that opened the PIN page is spent');
    $answer = $browser->passcode('4071' . code($key, $step));
    is($answer->json->{verdict}, 'ok', 'a later one finishes') or diag($answer->{raw});
    is($answer->json->{level}, 'otp');
    like($answer->location, qr{/app/$}, 'and leads to the application');
    is($browser->get('/app/')->status, 200, 'which is open');
    isnt($browser->session_cookie, $cookie, 'the session has a new id');
    is($nginx->browser->get('/otp/session', Cookie => $cookie)->status, 401, 'the one before is dead');
    my $session = $browser->session->json;
    is($session->{level}, 'otp');
    is($session->{method}, 'key');
    ok($session->{otp_time}, 'otp_time');
};

subtest 'direct sign-in with identifier and passcode' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    my $first = $nginx->browser;
    $first->first_use($uid, $key, '4071');
    is($first->session->json->{level}, 'otp', 'first use works this way, too');
    is($first->get('/app/')->status, 200);

    my $second = $nginx->browser;
    my $answer = $second->login_passcode($uid, '4071' . code($key, $key->{step}));
    is($answer->status, 401, 'the code of the first sign-in does not sign in again');
    is($answer->json->{verdict}, 'already_used', 'and the owner is told why');
    ok($answer->json->{retry_after} > 0 && $answer->json->{retry_after} <= 120, 'and when the next one comes');
    is($second->login_passcode($uid, '4072' . code($key, $key->{step}))->json->{verdict}, 'denied',
        'but not who does not know the PIN');
    $answer = $second->login_passcode($uid, '4071' . code($key, $key->{step} + 1), rd => '/app/');
    is($answer->json->{verdict}, 'ok', 'the next code does');
    is($second->session->json->{level}, 'otp');
    is($first->session->status, 200, 'the other session goes on');
    is(OtpTest::browser()->login_passcode($uid, '4071' . code($key, $key->{step}))->json->{verdict}, 'already_used',
        'an older code after a newer one is refused, on another gateway, too');
};

subtest 'step-up' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    $nginx->browser->first_use($uid, $key, '4071');
    my $browser = $nginx->browser;
    $browser->login($uid, password());
    is($browser->get('/otp/passcode')->json->{state}, 'step_up');
    my $answer = $browser->passcode('4071' . code($key, $key->{step} + 1), rd => '/app/x');
    is($answer->json->{verdict}, 'ok');
    like($answer->location, qr{/app/x$});
    is($browser->get('/app/')->status, 200);
};

subtest 'wrong passcodes: one answer for all' => sub {
    my ($uid, $bare) = (new_uid(), new_uid());
    my $key = new_key($uid);
    $nginx->browser->first_use($uid, $key, '4071');
    my %seen;
    for my $try ([ $uid, '4072' . code($key, $key->{step} + 1) ], [ $uid, '4071000000' ], [ $uid, '' ], [ $uid, 'x' ],
        [ $bare, '4071123456' ], [ $bare, '123456' ], [ 'nobody.known', '4071123456' ], [ 'nobody.known', '123456' ]) {
        my $answer = $nginx->browser->login_passcode(@$try);
        $seen{ $answer->status . ' ' . $answer->body =~ s/ //gr }++;
    }
    is_deeply([ keys %seen ], ['401 {"verdict":"denied"}']) or diag(explain \%seen);
    like($nginx->browser->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict} // '',
        qr/^(denied|already_used)$/, 'a right code with a wrong PIN has spent the code');
};

subtest 'the double click: the same form twice gets the first answer' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    $nginx->browser->first_use($uid, $key, '4071');
    my $browser = $nginx->browser;
    my %form = (csrf => $browser->get('/otp/login')->json->{csrf}, username => $uid, method => 'passcode',
        passcode => '4071' . code($key, $key->{step} + 1));
    my $cookies = $browser->cookie_header;
    my $first = $browser->post('/otp/login', {%form});
    is($first->json->{verdict}, 'ok');
    my $again = $nginx->browser->post('/otp/login', {%form}, Cookie => $cookies);
    is($again->json->{verdict}, 'ok', 'again, from the same browser') or diag($again->{raw});
    my $stranger = $nginx->browser->post('/otp/login', {%form});
    isnt($stranger->json->{verdict} // '', 'ok', 'not from another');
};

subtest 'somebody else\'s key' => sub {
    my ($owner, $thief) = (new_uid(), new_uid());
    my $key = new_key($owner);
    wait_for_quiet_step(60);
    is($nginx->browser->login_passcode($thief, code($key))->json->{verdict}, 'denied', 'is bound to its owner');
};

subtest 'pending is not a session' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    wait_for_quiet_step(60);
    my $browser = $nginx->browser;
    is($browser->login_passcode($uid, code($key, $now->() - 1))->json->{verdict}, 'pin_required');
    is($browser->session->status, 401, 'GET session');
    is($browser->get('/app/')->status, 401, 'the application');
    is($browser->get('/otp/')->status, 401, 'the list');
    is($browser->get('/otp/pin')->status, 200, 'only the PIN page is open');
};

subtest 'a PIN page is for first use only' => sub {
    my $browser = $nginx->browser;
    $browser->login('marie.dupont', password());
    isnt($browser->get('/otp/pin')->status, 200, 'not with a password session');
    my $csrf = $browser->session->json->{csrf};
    isnt($browser->post('/otp/pin', { csrf => $csrf, pin => '4071', pin_confirm => '4071' })->status, 200, 'nor by POST');
};

unlike($nginx->log, qr/\[(alert|crit|emerg)\]/, 'nothing alarming in the log');
unlike($nginx->log, qr/4071/, 'no PIN in the log');
done_testing();
