# otp_activation manual|automatic: what becomes of a person's request for the key in their hands.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $portal = 'location /otp/ { otp_portal; }';

# A key of the stock, with nobody's name on it.
sub free_key {
    my $key = new_key('key.emergency');
    my ($text, $status) = otpctl('key', 'unassign', $key->{serial});
    die "otpctl key unassign: $text\n" if $status;
    return $key;
}

sub signed_in {
    my ($nginx, $uid) = @_;
    my $browser = $nginx->browser;
    $browser->login($uid, password());
    return $browser;
}

subtest 'manual, the default: it waits for the helpdesk' => sub {
    my $nginx = start_nginx(3, http => 'otp_helpdesk group=helpdesk;', server => $portal);
    my $agent = helpdesk_agent()->at($nginx);
    my ($uid, $key) = (new_uid(), free_key());
    my $person = signed_in($nginx, $uid);
    wait_for_quiet_step(60);
    my $step = int(time / 60);

    my $answer = $person->send('key', serial => $key->{serial}, code => '000000');
    is($answer->status, 422, 'a code that this key does not show') or diag($answer->{raw});
    is($answer->json->{verdict}, 'serial_refused');
    is($person->send('key', serial => '000000000000', code => code($key, $step - 3))->json->{verdict}, 'serial_refused',
        'a serial that there is not: the same answer');
    is($person->send('key', serial => $key->{serial})->status, 400, 'no code');

    $answer = $person->send('key', serial => $key->{serial}, code => code($key, $step - 3));
    is($answer->status, 200, 'serial and code fit') or diag($answer->{raw});
    is($answer->json->{verdict}, 'requested');
    is($person->get('/otp/key')->json->{request}{state}, 'waiting', 'the person sees it');
    is($person->get('/otp/key')->json->{request}{serial}, $key->{serial});
    is_deeply($person->get('/otp/key')->json->{keys}, [], 'and has no key yet');
    $answer = $person->send('key', serial => $key->{serial}, code => code($key, $step - 1));
    is($answer->status, 409, 'a second one');
    is($answer->json->{verdict}, 'requested');
    my $other = signed_in($nginx, new_uid());
    is($other->send('key', serial => $key->{serial}, code => code($key, $step - 1))->json->{verdict}, 'serial_refused',
        'nor is it to be had by another');

    my ($request) = grep { $_->{serial} eq $key->{serial} } @{ $agent->get('/otp/helpdesk/requests')->json->{requests} };
    is($request->{user}, $uid, 'the helpdesk sees it');
    $answer = $agent->act("requests/$key->{serial}/reject", reason => 'Cette clé vient d\'un autre service.');
    is($answer->json->{verdict}, 'ok', 'rejected') or diag($answer->{raw});
    my $seen = $person->get('/otp/key')->json->{request};
    is($seen->{state}, 'rejected', 'the person sees that');
    like($seen->{reason}, qr/autre service/, 'and why');

    $answer = $person->send('key', serial => $key->{serial}, code => code($key, $step - 1));
    is($answer->json->{verdict}, 'requested', 'asked again') or diag($answer->{raw});
    is($agent->act("requests/$key->{serial}/approve", note => 'seen')->json->{verdict}, 'ok', 'approved');
    is($person->get('/otp/key')->json->{keys}[0]{serial}, $key->{serial}, 'the person has the key');
    is($person->get('/otp/key')->json->{request}, undef, 'and no request any more');
    is($agent->act("requests/$key->{serial}/approve", note => 'seen')->status, 409, 'nothing is left to approve');
    is($nginx->browser->login_passcode($uid, code($key, $step))->json->{verdict}, 'pin_required',
        'a later code takes the key into use');
    isnt($nginx->browser->login_passcode($uid, code($key, $step - 1))->json->{verdict}, 'pin_required',
        'the code of the request does not');
    $nginx->stop;
};

subtest 'automatic: approved at once' => sub {
    my $nginx = start_nginx(3, server => 'location /otp/ { otp_portal; otp_activation automatic; }');
    my ($uid, $key) = (new_uid(), free_key());
    my $person = signed_in($nginx, $uid);
    wait_for_quiet_step(60);
    my $step = int(time / 60);
    is($person->send('key', serial => $key->{serial}, code => '000000')->json->{verdict}, 'serial_refused',
        'not for a code that does not fit');
    my $answer = $person->send('key', serial => $key->{serial}, code => code($key, $step - 1));
    is($answer->status, 200);
    is($answer->json->{verdict}, 'ok') or diag($answer->{raw});
    is($person->get('/otp/key')->json->{keys}[0]{serial}, $key->{serial}, 'the key is there');

    is($person->passcode(code($key, $step))->json->{verdict}, 'pin_required', 'and can be taken into use');
    is($person->pin('4071')->json->{verdict}, 'wait_next_code');
    is($person->passcode('4071' . code($key, $step + 1))->json->{verdict}, 'ok');
    is($person->session->json->{method}, 'key');
    $nginx->stop;
};

subtest 'serials are not found by trying' => sub {
    my $nginx = start_nginx(3, http => 'otp_limits address_free=100000 password_free=3;', server => $portal);
    my $person = signed_in($nginx, new_uid());
    my @status = map { $person->send('key', serial => "80000000$_", code => '123456')->status } 1 .. 8;
    is($status[0], 422, 'the first ones are refused');
    is($status[-1], 429, 'then one has to wait') or diag("@status");
    $nginx->stop;
};

for my $case (
    [ 'otp_activation;',               qr/number of arguments/ ],
    [ 'otp_activation on;',            qr/"on": say "manual" or "automatic"/ ],
    [ 'otp_activation Automatic;',     qr/"Automatic": say/ ],
    [ "otp_activation manual;\notp_activation manual;", qr/duplicate/ ],
) {
    my ($wrong, $message) = @$case;
    my ($text, $status) = check_config(http => $wrong, server => $portal);
    isnt($status, 0, "$wrong is refused");
    like($text, qr/\[emerg\].*$message.*nginx\.conf:\d+/, 'with the reason and the line') or diag($text);
}
done_testing();
