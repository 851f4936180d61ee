# otp_helpdesk group=G[,G…] [scope=G[,G…]] [agents=on|off]: who reaches the helpdesk pages, and whose accounts.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $portal = 'location /otp/ { otp_portal; }';
my $page = [ Accept => 'text/html' ];

subtest 'without the directive nobody is an agent' => sub {
    my $nginx = start_nginx(3, server => $portal);
    my $agent = helpdesk_agent()->at($nginx);
    is($agent->get("/otp/$_")->status, 403, $_) for 'helpdesk', 'helpdesk/user/marie.dupont', 'helpdesk/requests';
    is($agent->act('user/marie.dupont/pin-clear')->status, 403, 'nor can act');
    $nginx->stop;
};

my $nginx = start_nginx(3, http => 'otp_helpdesk group=helpdesk;', server => $portal);

subtest 'who gets in' => sub {
    my $nobody = $nginx->browser;
    for my $path ('helpdesk', 'helpdesk/user/marie.dupont', 'helpdesk/requests', 'helpdesk/user/marie.dupont/pin-clear') {
        my $answer = $nobody->get("/otp/$path", @$page);
        is($answer->status, 302, "nobody, in a browser: $path");
        like($answer->location, qr{^/otp/login\?rd=%2Fotp%2F\Q@{[ percent($path) ]}\E$}, 'to the sign-in page, and back');
        $answer = $nobody->get("/otp/$path");
        is($answer->status, 401, "nobody, by JSON: $path");
        is($answer->json->{error}, 'login_required');
    }
    is($nobody->post('/otp/helpdesk/user/marie.dupont/pin-clear', { csrf => 'x' })->status, 401, 'nobody, POST');

    my $teacher = $nginx->browser;
    $teacher->login('marie.dupont', password());
    my $answer = $teacher->get('/otp/helpdesk');
    is($answer->status, 403, 'a teacher with a password');
    is($answer->json->{error}, 'forbidden');
    is($teacher->get('/otp/helpdesk', @$page)->status, 403, 'in a browser, too');

    my $keyed = helpdesk_agent('key.shared')->at($nginx);
    is($keyed->session->json->{level}, 'otp', 'a teacher with a key…');
    is($keyed->get('/otp/helpdesk')->status, 403, '…neither');

    my $agent = $nginx->browser;
    $agent->login('agent.second', password());
    $answer = $agent->get('/otp/helpdesk', @$page);
    is($answer->status, 302, 'an agent with a password');
    like($answer->location, qr{^/otp/passcode\?rd=%2Fotp%2Fhelpdesk$}, 'is asked for the key');
    $answer = $agent->get('/otp/helpdesk');
    is($answer->status, 401, 'the same by JSON');
    is($answer->json->{error}, 'otp_required');
    is($agent->act('user/marie.dupont/pin-clear')->status, 401, 'and POST');

    $agent = helpdesk_agent()->at($nginx);
    is($agent->get("/otp/$_")->status, 200, "an agent with a key: $_")
        for 'helpdesk', 'helpdesk?q=dupont', 'helpdesk/user/marie.dupont', 'helpdesk/requests';
    is($agent->get('/otp/helpdesk', @$page)->status, 200, 'as a page');
};

subtest 'an agent signed in with an emergency password is none' => sub {
    my $issued = start_nginx(4, http => 'otp_helpdesk group=helpdesk agents=on;', server => $portal);
    my $answer = helpdesk_agent()->at($issued)->act('user/agent.second/emergency', note => 'key at home');
    is($answer->status, 200, 'issued by another agent') or diag($answer->{raw});
    my $second = $nginx->browser;
    $second->login('agent.second', password());
    is($second->passcode($answer->json->{password})->json->{verdict}, 'ok', 'it opens the otp level');
    is($second->session->json->{method}, 'emergency');
    is($second->get('/otp/helpdesk')->status, 401, 'but not the helpdesk');
    is($second->get('/otp/helpdesk')->json->{error}, 'otp_required');
    is(helpdesk_agent()->at($issued)->act('user/agent.second/emergency-revoke', note => 'done')->status, 200, 'revoked');
    $issued->stop;
};

my $agent = helpdesk_agent()->at($nginx);

subtest 'search' => sub {
    my $found = $agent->get('/otp/helpdesk?q=dupont')->json;
    is($found->{page}, 'helpdesk');
    is_deeply([ map { $_->{user} } @{ $found->{people} } ], ['marie.dupont'], 'by name');
    is($found->{people}[0]{name}, 'Marie Dupont');
    is($found->{people}[0]{email}, 'marie.dupont@example.org');
    my $first = sub { my $all = $agent->get('/otp/helpdesk?q=' . percent($_[0]))->json->{people}; ($all->[0] || {})->{user} };
    is($first->('DUPONT marie'), 'marie.dupont', 'every word, in any order, whatever the case');
    is($first->('jean.martin@example.org'), 'jean.martin', 'by e-mail');
    is($first->(qq{ALERT("\xc3\x89")}), 'zoe.html', 'whatever the accents');
    is($first->('k007'), 'k007', 'the identifier itself first');
    is($first->('dupont zoe'), undef, 'all words have to fit');
    is($first->(''), undef, 'nothing: nobody');
    is($first->('x' x 200), undef, 'a long one: nobody');
    is($first->("\xff\xfe\0"), undef, 'odd bytes: nobody');
    $found = $agent->get('/otp/helpdesk?q=person')->json;
    is(scalar @{ $found->{people} }, 25, 'twenty-five of a thousand');
    ok($found->{more}, 'and there are more');
    ok(!$agent->get('/otp/helpdesk?q=k007')->json->{more}, 'not where these are all');
};

subtest 'whom an address names' => sub {
    my $status = sub { $agent->get('/otp/helpdesk/user/' . shift)->status };
    is($status->('marie.dupont'), 200, 'as it is');
    is($status->('MARIE.Dupont'), 200, 'whatever the case');
    is($status->('marie%2edupont'), 200, 'encoded once');
    is($status->('marie%252edupont'), 404, 'encoded twice is another');
    is($status->('nobody.at.all'), 404, 'nobody');
    is($status->('a' x 65), 404, 'longer than an identifier');
    is($status->('a' x 4000), 404, 'much longer');
    is($status->('%20'), 404, 'a blank');
    is($status->('%c3%a9'), 404, 'a letter that identifiers have not');
    is($status->('marie.dupont%00'), 400, 'NUL');
    is($status->('marie.dupont/nothing'), 404, 'an action that there is not');
    is($status->('marie%2fdupont'), 404, 'an encoded slash is a slash');
    is($status->('..%2f..%2fhealth'), 200, 'as nginx has it: the path before the portal sees it');
    is($status->('%2e%2e/requests'), 200, 'the same');
    is($status->(''), 404, 'no one');

    # + and @ are themselves: a form would make a blank of the first.
    my $person = sub { $agent->get('/otp/helpdesk/user/' . shift)->json->{user} };
    my $uid = 'plus+at@example.org';
    my $people = world('people.more');
    system "cp '@{[ world('people') ]}' '$people'";
    open my $file, '>>', $people or die;
    print $file "$uid:!:Plus At:$uid:staff\n";
    close $file;
    my $other = start_nginx(4, http => "otp_helpdesk group=helpdesk;\notp_password_file $people;", server => $portal);
    my $there = helpdesk_agent()->at($other);
    is($there->get("/otp/helpdesk/user/$_")->json->{user}, $uid, $_) for $uid, percent($uid), 'PLUS+AT%40example.org';
    is($there->act("user/$uid/unlock", note => 'asked by telephone')->json->{verdict}, 'ok', 'and in an action');
    my $at = $there->get('/otp/helpdesk?q=plus%2Bat')->json->{people}[0];
    is($at->{user}, $uid, 'found');
    is($there->get($at->{location})->json->{user}, $uid, 'and its address leads there');
    $other->stop;
};

subtest 'methods and tokens' => sub {
    my $answer = $agent->request('PUT', '/otp/helpdesk');
    is($answer->status, 405);
    like($answer->header('Allow'), qr/GET/);
    is($agent->post('/otp/helpdesk', { csrf => 'x' })->status, 405, 'nothing to POST there');
    is($agent->post('/otp/helpdesk/user/marie.dupont/unlock', { csrf => 'x' })->status, 403, 'a token that is none');
    is($agent->post('/otp/helpdesk/user/marie.dupont/unlock', {})->status, 403, 'no token');
    my $other = $nginx->browser;
    $other->login('jean.martin', password());
    is($agent->post('/otp/helpdesk/user/marie.dupont/unlock', { csrf => $other->session->json->{csrf} })->status, 403,
        "somebody else's");
};

subtest 'what an agent does, from a key to its end' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    my $act = sub { my ($action, %fields) = @_; $agent->act("user/$uid/$action", note => 'as asked', %fields) };
    my $person = $nginx->browser->first_use($uid, $key, '4071');
    is($agent->get("/otp/helpdesk/user/$uid")->json->{keys}[0]{serial}, $key->{serial}, 'the key is shown');

    is($act->('key-disable', serial => $key->{serial})->status, 422, 'disable: the reason is missing');
    is($act->('key-disable', serial => $key->{serial}, reason => 'bored')->status, 422, 'or is none');
    my $answer = $act->('key-disable', serial => $key->{serial}, reason => 'lost');
    is($answer->json->{verdict}, 'ok', 'disable') or diag($answer->{raw});
    isnt($person->session->json->{level} // '', 'otp', 'what it had opened is closed');
    is($act->('key-enable', serial => $key->{serial})->json->{verdict}, 'ok', 'enable');
    is($act->('pin-clear')->json->{verdict}, 'ok', 'pin-clear');
    is($act->('unlock')->json->{verdict}, 'ok', 'unlock');

    my $browser = $nginx->browser;
    $browser->login($uid, password());
    is($act->('sessions-revoke')->json->{verdict}, 'ok', 'sessions-revoke');
    is($browser->session->status, 401, 'they are over');

    is($act->('key-unassign', serial => $key->{serial})->json->{verdict}, 'ok', 'unassign');
    $answer = $agent->act('user/' . new_uid() . '/key-unassign', serial => $key->{serial}, note => 'x');
    is($answer->status, 404, 'a key this person has not');
    is($act->('key-assign', serial => $key->{serial})->json->{verdict}, 'ok', 'assign');
    $answer = $agent->act('user/' . new_uid() . '/key-assign', serial => $key->{serial}, note => 'x');
    is($answer->status, 409, 'assigned already');
    is($answer->json->{verdict}, 'refused');
    is($answer->json->{reason}, 'held');
    like($answer->json->{text}, qr/\w \w/, 'in words, too');
    is($act->('key-assign', serial => '000000000000')->status, 404, 'a key nobody has');
    is($act->('key-assign')->status, 400, 'no key');

    my @event = map { my $event = eval { JSON::PP::decode_json($_) } || {}; $event } grep { /"\Q$uid\E"/ } split /\n/,
        scalar otpctl('--json', 'audit', '--user', $uid);
    my ($disabled) = grep { ($_->{event} // '') eq 'key_disable' && $_->{verdict} eq 'ok' } @event;
    is($disabled->{actor}, 'agent.support', 'the audit: who') or diag(explain \@event);
    is($disabled->{note}, 'as asked', 'why, in their words');
    is($disabled->{reason}, 'lost', 'the reason');
    is($disabled->{serial}, $key->{serial}, 'which key');
    is($disabled->{address}, '127.0.0.1', 'from where');
};

subtest 'a form says what its page showed' => sub {
    my $uid = new_uid();
    my $key = new_key($uid);
    my $act = sub { my ($action, %fields) = @_; $agent->act("user/$uid/$action", note => 'x', serial => $key->{serial}, %fields) };
    is($act->('key-disable', reason => 'lost')->json->{verdict}, 'ok');
    my $shown = $agent->get("/otp/helpdesk/user/$uid/key-enable?serial=$key->{serial}", @$page)->body;
    my %field = $shown =~ /<input type="hidden" name="(\w+)" value="([^"]*)"/g;
    is($field{was}, 'lost', 'lost, said the page');
    is($act->('key-disable', reason => 'stolen')->json->{verdict}, 'ok', 'stolen, says somebody else');
    my $answer = $agent->post("/otp/helpdesk/user/$uid/key-enable", { %field, note => 'found' }, @$page);
    is($answer->status, 409, 'the old form');
    like($answer->body, qr/name="was" value="stolen"/, 'is shown again, as it is now');
    $answer = $act->('key-enable', was => 'lost');
    is($answer->json->{reason}, 'changed', 'a program that says what it saw');
    is($act->('key-enable')->json->{verdict}, 'ok', 'and one that does not');
    $answer = $agent->post("/otp/helpdesk/user/$uid/unlock", { %field, note => 'x' }, @$page);
    like($answer->location, qr{^/otp/helpdesk/user/\Q$uid\E\?done=unlock&told=\w}, 'back, with a proof of what was done');
    like($agent->get($answer->location, @$page)->body, qr/message-done/, 'which is told');
    unlike($agent->get("/otp/helpdesk/user/$uid?done=unlock", @$page)->body, qr/message-done/, 'not without it');
};

subtest 'not on their own account, nor on that of another agent' => sub {
    my $answer = $agent->act('user/agent.support/emergency', note => 'x');
    is($answer->status, 403, 'their own');
    is($answer->json->{reason}, 'own_account');
    is($agent->get('/otp/helpdesk/user/agent.support')->status, 200, 'but they may look');
    $answer = $agent->act('user/agent.second/pin-clear', note => 'x');
    is($answer->status, 403, "another agent's");
    is($answer->json->{reason}, 'agent');
};
$nginx->stop;

subtest 'agents=on: those of other agents, never their own' => sub {
    my $nginx = start_nginx(3, http => 'otp_helpdesk group=helpdesk agents=on;', server => $portal);
    my $agent = helpdesk_agent()->at($nginx);
    is($agent->act('user/agent.second/unlock', note => 'x')->json->{verdict}, 'ok');
    is($agent->act('user/agent.support/unlock', note => 'x')->status, 403);
    $nginx->stop;
};

subtest 'scope: people of these groups' => sub {
    my $nginx = start_nginx(3, http => 'otp_helpdesk group=nobody,helpdesk scope=accounting,direction;', server => $portal);
    my $agent = helpdesk_agent()->at($nginx);
    is($agent->act('user/jean.martin/unlock', note => 'x')->json->{verdict}, 'ok', 'one of them');
    my $answer = $agent->act('user/marie.dupont/unlock', note => 'x');
    is($answer->status, 403, 'somebody else');
    is($answer->json->{reason}, 'scope');
    is($agent->get('/otp/helpdesk/user/marie.dupont')->status, 403, 'is not shown either');
    is($agent->act('user/nobody.at.all/unlock', note => 'x')->status, 403, 'nobody knows whose groups');
    my $held = new_key('marie.dupont');
    is($agent->act('user/jean.martin/key-assign', serial => $_, note => 'x')->status, 404, 'a key of others, or none')
        for $held->{serial}, '000000000000';
    is($agent->act("requests/$_/approve", note => 'x')->json->{reason}, 'no_request', 'nor who waits for it')
        for $held->{serial}, '000000000000';
    otpctl('key', 'unassign', $held->{serial});
    my $found = $agent->get('/otp/helpdesk?q=example.org')->json;
    is_deeply([ map { $_->{user} } @{ $found->{people} } ], ['jean.martin'], 'found among a thousand who are not');
    ok(!$found->{more}, 'and nobody else');
    ok(!exists $found->{waiting}, 'how many others wait is not told');
    $nginx->stop;
};

subtest 'an agent no longer: at once, though the session lives' => sub {
    my $people = world('people.agents');
    open my $in, '<', world('people') or die;
    my @lines = <$in>;
    my $write = sub {
        open my $out, '>', "$people.new" or die;
        print $out @_;
        close $out;
        rename "$people.new", $people;
    };
    $write->(@lines);
    my $nginx = start_nginx(3, http => "otp_helpdesk group=helpdesk;\notp_password_file $people;", server => $portal);
    my $agent = helpdesk_agent()->at($nginx);
    is($agent->act('user/jean.martin/unlock', note => 'x')->status, 200, 'an agent');
    $write->(map { s/helpdesk,staff/staff/r } @lines);
    is($agent->act('user/jean.martin/unlock', note => 'x')->status, 403, 'out of the group');
    is($agent->get("/otp/$_")->status, 403, "nor looks any more: $_")
        for 'helpdesk', 'helpdesk?q=dupont', 'helpdesk/user/jean.martin', 'helpdesk/requests', 'helpdesk/user/jean.martin/unlock';
    $write->(grep { !/^agent\.support:/ } @lines);
    my $answer = $agent->act('user/jean.martin/unlock', note => 'x');
    is($answer->status, 403, 'out of the directory');
    is($answer->json->{error}, 'forbidden');
    $write->(@lines);
    is($agent->act('user/jean.martin/unlock', note => 'x')->status, 200, 'back again');
    is($agent->get('/otp/helpdesk/user/jean.martin')->status, 200, 'and looks');
    unlink $people;
    is($agent->get('/otp/helpdesk/user/jean.martin')->status, 503, 'nobody knows who is one');
    $nginx->stop;
};

subtest 'lines add up; those of a server replace those around' => sub {
    my $nginx = start_nginx(3, http => "otp_helpdesk group=helpdesk scope=direction;\notp_helpdesk group=staff scope=accounting;", server => $portal);
    my $agent = helpdesk_agent()->at($nginx);
    is($agent->act('user/jean.martin/unlock', note => 'x')->status, 403, 'who is an agent now by the second line, too');
    $nginx->stop;
    $nginx = start_nginx(3, http => 'otp_helpdesk group=nobody;', server => "otp_helpdesk group=helpdesk; $portal");
    is($agent->at($nginx)->get('/otp/helpdesk')->status, 200, 'the group of the server');
    $nginx->stop;
    $nginx = start_nginx(3, http => 'otp_helpdesk group=helpdesk;', server => "otp_helpdesk group=nobody; $portal");
    is($agent->at($nginx)->get('/otp/helpdesk')->status, 403, 'not the one around');
    $nginx->stop;
};

for my $case (
    [ 'otp_helpdesk;',                             qr/number of arguments/ ],
    [ 'otp_helpdesk helpdesk;',                    qr/"helpdesk".*group=, scope=, agents=/ ],
    [ 'otp_helpdesk scope=staff;',                 qr/needs "group="/ ],
    [ 'otp_helpdesk group=;',                      qr/group=/ ],
    [ 'otp_helpdesk group=a,,b;',                  qr/empty name/ ],
    [ 'otp_helpdesk "group=a, b";',                qr/blank/ ],
    [ 'otp_helpdesk group=a scope=;',              qr/scope=/ ],
    [ 'otp_helpdesk group=a scope=b,;',            qr/empty name/ ],
    [ 'otp_helpdesk group=a agents=maybe;',        qr/agents=.*"on" or "off"/ ],
    [ 'otp_helpdesk group=a group=b;',             qr/given twice/ ],
    [ 'otp_helpdesk group=a user=marie;',          qr/user=marie/ ],
    [ "otp_helpdesk group=a,b;\notp_helpdesk group=b;", qr/"b" has an "otp_helpdesk" already/ ],
    [ 'otp_helpdesk group=a,a;',                   qr/already/ ],
    [ 'otp_helpdesk group=' . join(',', 1 .. 65) . ';', qr/more than 64/ ],
) {
    my ($wrong, $message) = @$case;
    my ($text, $status) = check_config(http => $wrong, server => $portal);
    isnt($status, 0, "$wrong is refused");
    like($text, qr/\[emerg\].*$message.*nginx\.conf:\d+/, 'with the reason and the line') or diag($text);
}
like((check_config(server => 'location /otp/ { otp_portal; otp_helpdesk group=a; }'))[0], qr/not allowed here/, 'not in a location');
done_testing();
