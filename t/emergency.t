# The emergency password: issued by the helpdesk, typed in the place of the passcode, told to the application.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, http => 'otp_helpdesk group=helpdesk;', server => '
    location /otp/    { otp_portal; }
    location /app/    { otp_require otp; proxy_pass http://127.0.0.1:' . port(2) . '; }
    location /strict/ { otp_require otp emergency=off; proxy_pass http://127.0.0.1:' . port(2) . '; }');
my $agent = helpdesk_agent()->at($nginx);

sub issue {
    my ($uid) = @_;
    my $answer = $agent->act("user/$uid/emergency", note => 'key at home');
    is($answer->json->{verdict}, 'ok', 'issued') or diag($answer->{raw});
    return $answer->json->{password};
}

# What somebody is after password and emergency password.
sub signed_in {
    my ($uid, $typed) = @_;
    my $browser = $nginx->browser;
    $browser->login($uid, password());
    my $answer = $browser->passcode($typed);
    is($answer->json->{verdict}, 'ok', 'accepted') or diag($answer->{raw});
    return $browser;
}

subtest 'from the helpdesk to the application' => sub {
    my $uid = new_uid();
    my $password = issue($uid);
    like($password, qr/^[A-HJKMNP-Z][A-HJKMNP-Z2-9]{9}$/, 'ten characters without those that look alike');
    isnt($nginx->browser->login_passcode($uid, $password)->json->{verdict}, 'ok', 'alone it opens nothing');

    my $browser = signed_in($uid, lc(substr $password, 0, 5) . ' ' . substr $password, 5);
    my $session = $browser->session->json;
    is($session->{level}, 'otp');
    is($session->{method}, 'emergency');
    my $answer = $browser->get('/app/');
    is($answer->status, 200, 'the application is open');
    like($answer->body, qr/^X-Otp-Method: emergency\r?$/mi, 'and is told how') or diag($answer->body);
    like($answer->body, qr/^X-Otp-Level: otp\r?$/mi);
    $answer = $browser->get('/strict/');
    is($answer->status, 401, 'emergency=off: not this one');
    is($answer->json->{error}, 'otp_required', 'the key is asked for');
    like($browser->get('/strict/', Accept => 'text/html')->location, qr{/otp/passcode\?rd=}, 'in a browser: where it is asked for');
    unlike($agent->get("/otp/helpdesk/user/$uid")->body, qr/\Q$password\E/, 'the helpdesk sees it once only');
};

subtest 'revoked: at once' => sub {
    my $uid = new_uid();
    my $password = issue($uid);
    my $browser = signed_in($uid, $password);
    is($browser->get('/app/')->status, 200);
    is($agent->act("user/$uid/emergency-revoke", note => 'found')->json->{verdict}, 'ok');
    isnt($browser->get('/app/')->status, 200, 'what it opened is closed');
    $browser = $nginx->browser;
    $browser->login($uid, password());
    is($browser->passcode($password)->json->{verdict}, 'denied', 'and it opens nothing any more');
    is($agent->act("user/$uid/emergency-revoke", note => 'again')->status, 409, 'there is none to revoke');
};

subtest 'another one takes the place of the first' => sub {
    my $uid = new_uid();
    my ($first, $second) = map { issue($uid) } 1 .. 2;
    isnt($first, $second);
    my $browser = $nginx->browser;
    $browser->login($uid, password());
    is($browser->passcode($first)->json->{verdict}, 'denied', 'the first is over');
    is($browser->passcode($second)->json->{verdict}, 'ok', 'the second is good');
};

subtest 'the key is used again: it ends' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    $nginx->browser->first_use($uid, $key, '4071');
    my $password = issue($uid);
    my $emergency = signed_in($uid, $password);
    is($emergency->get('/app/')->status, 200);
    my $keyed = $nginx->browser;
    is($keyed->login_passcode($uid, '4071' . code($key, $key->{step} + 1))->json->{verdict}, 'ok', 'the key');
    isnt($emergency->get('/app/')->status, 200, 'the other session is over');
    my $browser = $nginx->browser;
    $browser->login($uid, password());
    isnt($browser->passcode($password)->json->{verdict}, 'ok', 'and so is the password');
    is($keyed->get('/strict/')->status, 200, 'the key opens everything');
};

subtest 'it works while passcodes are locked, and is bounded by itself' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    $nginx->browser->first_use($uid, $key, '4071');
    my $password = issue($uid);
    $nginx->browser->login_passcode($uid, '4071000000') for 1 .. 11;
    my $browser = signed_in($uid, $password);
    is($browser->get('/app/')->status, 200, 'although passcodes are locked');

    my $guesser = $nginx->browser;
    $guesser->login($uid, password());
    (my $wrong = $password) =~ tr/A-Y/B-Z/;
    $wrong =~ tr/ILO/JMP/;
    $guesser->passcode($wrong) for 1 .. 10;
    isnt($guesser->passcode($password)->json->{verdict}, 'ok', 'ten bad ones end it');
    ok($agent->get("/otp/helpdesk/user/$uid")->json->{emergency}{blocked}, 'which the helpdesk is shown');
    my ($event) = grep { ($_->{signal} // '') eq 'locked' && ($_->{reason} // '') eq 'emergency' }
        @{ $browser->get('/otp/activity')->json->{events} };
    ok($event, 'and the person');
    $browser->submit('logout');
    $browser->login($uid, password());
    is($browser->passcode($password)->json->{verdict}, 'ok', 'but not in a browser where it has been right');
};
$nginx->stop;
done_testing();
