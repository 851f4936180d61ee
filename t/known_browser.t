# The cookie NAME-device: strangers who lock an account do not keep out the browser its owner has used before.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, http => 'otp_limits address_free=100000 password_free=2 next_code=2 lock=3 lock_time=1h;', server => '
    location /otp/  { otp_portal; }
    location /app/  { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }
    location /open/ { proxy_pass http://127.0.0.1:' . port(2) . '; }
    location /as-is/ { otp_identity off; proxy_pass http://127.0.0.1:' . port(2) . '; }');

sub device { my ($browser) = @_; my ($name) = grep { /-device$/ } keys %{ $browser->{cookie} }; return $name }

subtest 'the owner gets in where a stranger has locked the passcodes' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    my $owner = $nginx->browser->first_use($uid, $key, '4071');
    ok(device($owner), 'a sign-in leaves the cookie');
    $owner->submit('logout');
    ok(device($owner), 'which signing out does not take away');

    $nginx->browser->login_passcode($uid, '4071000000') for 1 .. 4;
    my $passcode = '4071' . code($key, $key->{step} + 1);
    is($nginx->browser->login_passcode($uid, $passcode)->json->{verdict}, 'denied', 'locked, for who is new here');
    my $answer = $owner->login_passcode($uid, $passcode);
    is($answer->json->{verdict}, 'ok', "not in the owner's browser") or diag($answer->{raw});
    is($owner->session->json->{level}, 'otp');
};

subtest 'nor where a stranger has brought on the delay of passwords' => sub {
    my $uid = new_uid();
    my $owner = $nginx->browser;
    is($owner->login($uid, password())->json->{verdict}, 'ok');
    ok(device($owner), 'the password alone leaves the cookie, too');
    $owner->submit('logout');
    $nginx->browser->login($uid, 'wrong') for 1 .. 5;
    is($nginx->browser->login($uid, password())->status, 429, 'who is new here waits');
    is($owner->login($uid, password())->json->{verdict}, 'ok', 'the owner does not');
    $owner->submit('logout');
    new_key($uid);
    is($owner->login($uid, password())->json->{verdict}, 'ok', 'nor when there is a key, and the password is used all the same');
};

subtest 'who knows only the password is a stranger to passcodes' => sub {
    my $uid = new_uid();
    my $before = $nginx->browser;
    $before->login($uid, password());
    $before->submit('logout');
    my $key = new_key($uid);
    my $owner = $nginx->browser->first_use($uid, $key, '4071');
    $owner->submit('logout');
    my $lost = $nginx->browser;
    $lost->login($uid, password());
    is($lost->send('key/lost', serial => $key->{serial})->json->{verdict}, 'ok', 'it can report the key lost');
    $lost->submit('logout');
    my $while = $nginx->browser;
    $while->login($uid, password());
    $while->submit('logout');
    otpctl('key', 'enable', $key->{serial});

    for my $browser ($before, $lost, $while) {
        ok(device($browser), 'the password has left the cookie');
        $browser->login_passcode($uid, '4071000000') for 1 .. 4;
        $browser->login($uid, 'wrong') for 1 .. 5;
    }
    my $passcode = '4071' . code($key, $key->{step} + 1);
    is($before->login_passcode($uid, $passcode)->json->{verdict}, 'denied', 'locked, as for anybody who is new');
    is($before->login($uid, password())->status, 429, 'and delayed');
    is($owner->login($uid, password())->json->{verdict}, 'ok', 'not in the browser that has seen the key: the password');
    is($owner->passcode($passcode)->json->{verdict}, 'ok', 'and the passcode');
};

subtest 'first use is not kept from who proves the password' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    $nginx->browser->login_passcode($uid, '000000') for 1 .. 4;
    is($nginx->browser->login_passcode($uid, code($key))->json->{verdict}, 'denied', 'locked, without it');
    my $owner = $nginx->browser;
    $owner->login($uid, password());
    is($owner->passcode(code($key))->json->{verdict}, 'pin_required', 'not after it');
};

subtest 'the cookie is good for its person only, and replaces nothing' => sub {
    my ($uid, $stranger_uid) = (new_uid(), new_uid());
    my $key = new_key($uid);
    my $owner = $nginx->browser->first_use($uid, $key, '4071');
    my $stranger = $nginx->browser;
    is($stranger->login($stranger_uid, password())->json->{verdict}, 'ok');
    $stranger->submit('logout');
    ok(device($stranger), 'a browser that somebody else is known in');
    $stranger->login_passcode($uid, '4071000000') for 1 .. 4;
    is($stranger->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'denied',
        'is locked like any other');

    my $forger = $nginx->browser(cookie => { device($stranger) => 'A' x 60 });
    is($forger->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'denied', 'so is a forged one');
    my $name = device($owner);
    my $value = $owner->{cookie}{$name};
    is($nginx->browser->get('/app/', Cookie => "$name=$value")->status, 401, 'it is no session');
};

subtest 'guessing in a known browser is bounded, too' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    my $owner = $nginx->browser->first_use($uid, $key, '4071');
    $owner->submit('logout');
    $owner->login_passcode($uid, '4071000000') for 1 .. 4;
    is($owner->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'denied', 'its own count locks it');
};

subtest 'it goes to no application' => sub {
    my $owner = $nginx->browser;
    $owner->login('marie.dupont', password());
    my $name = device($owner);
    my $cookies = "a=1; $name=$owner->{cookie}{$name}; b=2; " . $owner->session_cookie . "; $name-x=3; $name-lang=4";
    for my $path ('/app/', '/open/') {
        my $answer = $owner->get($path, Cookie => $cookies);
        is($answer->status, 200, $path);
        my ($sent) = $answer->body =~ /^Cookie: (.*?)\r?$/mi;
        is($sent, "a=1; b=2; $name-x=3; $name-lang=4", 'the others do, as they are');
    }
    is($owner->get('/open/', Cookie => "$name=$owner->{cookie}{$name}")->body =~ /^Cookie:/mi ? 'sent' : 'not sent', 'not sent',
        'alone: no header is left');
    my ($sent) = $owner->get('/as-is/', Cookie => $cookies)->body =~ /^Cookie: (.*?)\r?$/mi;
    is($sent, $cookies, 'otp_identity off: as it came');
};

my ($line) = grep { /-device=/ } $nginx->browser->login('jean.martin', password())->headers('Set-Cookie');
like($line, qr/;\s*HttpOnly/i, 'HttpOnly');
like($line, qr/;\s*Path=\//i, 'Path=/');
like($line, qr/;\s*SameSite=Lax/i, 'SameSite');
like($line, qr/;\s*Max-Age=15552000/i, '180 days');
$nginx->stop;
done_testing();
