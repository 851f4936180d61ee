# otp_portal: the endpoints below its location, as JSON and as pages.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, server => '
    location /otp/ { otp_portal; }
    location /app/ { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }');
my $browser = $nginx->browser;

subtest 'the sign-in page' => sub {
    my $answer = $browser->get('/otp/login');
    is($answer->status, 200);
    is($answer->json->{page}, 'login');
    like($answer->json->{csrf}, qr/^[A-Za-z0-9._~-]{16,}$/, 'a csrf value');
    like($answer->header('Content-Type'), qr{^application/json});
    like($answer->header('Cache-Control'), qr/no-store/);
    isnt($browser->get('/otp/login')->json->{csrf}, $answer->json->{csrf}, 'another one each time');

    my $page = $nginx->browser(accept => 'text/html')->get('/otp/login?rd=%2Fapp%2F');
    is($page->status, 200);
    like($page->header('Content-Type'), qr{^text/html; *charset=utf-8}i);
    like($page->body, qr/name="username"/, 'the identifier');
    like($page->body, qr/name="csrf" value="[^"]+"/, 'the csrf value');
    like($page->body, qr/name="rd" value="\/app\/"/, 'the address asked for');
    like($page->header('Content-Security-Policy'), qr/default-src/, 'a Content-Security-Policy');
    unlike($page->header('Content-Security-Policy'), qr/unsafe-inline/, 'without unsafe-inline');
    unlike($page->body, qr/<script>|\son[a-z]+="|style="/i, 'and nothing inline in the page');
    like($page->header('X-Content-Type-Options'), qr/nosniff/);
    for my $file ($page->body =~ /(?:href|src)="(\/otp\/static\/[^"]+)"/g) {
        my $static = $nginx->browser->get($file);
        is($static->status, 200, "$file");
        like($static->header('Cache-Control'), qr/max-age=\d{5,}|immutable/, 'may be kept: its name has its hash');
    }
};

subtest 'signing in by password' => sub {
    my $answer = $browser->login('marie.dupont', password(), rd => '/app/page?x=1');
    is($answer->status, 200);
    is($answer->json->{verdict}, 'ok');
    is($answer->json->{level}, 'password');
    like($answer->location, qr{^(http://[^/]+)?/app/page\?x=1$}, 'back to what was asked for');
    is($browser->get('/app/')->status, 200, 'the application is open');

    my $session = $browser->session;
    is($session->status, 200);
    is($session->json->{$_->[0]}, $_->[1], "session: $_->[0]")
        for [ user => 'marie.dupont' ], [ level => 'password' ], [ method => 'password' ];
    ok($session->json->{$_}, "session: $_") for qw(auth_time idle_expires expires csrf);
    my $home = $browser->get('/otp/');
    is($home->status, 200);
    is($home->json->{page}, 'home');
    is($home->json->{user}, 'marie.dupont');
    is(ref $home->json->{applications}, 'ARRAY');
};

subtest 'a wrong password, an unknown person, an empty password: the same answer' => sub {
    my %seen;
    for my $try ([ 'marie.dupont', 'wrong' ], [ 'nobody.known', 'wrong' ], [ 'marie.dupont', '' ], [ 'no.password', '!' ],
        [ 'empty.password', '' ], [ 'empty.password', 'x' ], [ 'md5.password', 'x' ], [ 'o\'neill', 'x' ], [ '', 'x' ],
        [ 'x' x 65, 'x' ], [ "marie.dup\xc3\xb6nt", password() ]) {
        my $answer = $nginx->browser->login(@$try);
        $seen{ $answer->status . ' ' . $answer->body }++;
    }
    is_deeply([ map { s/ //gr } keys %seen ], ['401{"verdict":"denied"}'], 'one answer for all') or diag(explain \%seen);
};

subtest 'an identifier has one spelling' => sub {
    my $other = $nginx->browser;
    is($other->login('  Marie.DUPONT ', password())->status, 200, 'trimmed and lower-cased');
    is($other->session->json->{user}, 'marie.dupont');
};

subtest 'a session id is new after the password' => sub {
    my $planted = $nginx->browser;
    $planted->{cookie}{otp} = 'A' x 43;
    $planted->login('marie.dupont', password());
    isnt($planted->{cookie}{otp}, 'A' x 43, 'a planted one is not taken');
    my $before = $planted->session_cookie;
    $planted->login('marie.dupont', password());
    isnt($planted->session_cookie, $before, 'another one when signing in again');
};

subtest 'csrf' => sub {
    my $stranger = $nginx->browser;
    my %good = (username => 'marie.dupont', method => 'password', password => password());
    my $csrf = $stranger->get('/otp/login')->json->{csrf};
    for my $try ([ 'none', undef ], [ 'empty', '' ], [ 'junk', 'x' x 40 ],
        [ 'of another browser', $nginx->browser->get('/otp/login')->json->{csrf} ]) {
        my $answer = $stranger->post('/otp/login', { %good, csrf => $try->[1] });
        is($answer->status, 403, $try->[0]);
        is($answer->json->{error}, 'csrf');
        is($stranger->session->status, 401, 'no session');
    }
    is($stranger->post('/otp/login', { %good, csrf => $csrf })->status, 200, 'the right one');
    is($stranger->post('/otp/logout', { csrf => 'x' })->status, 403, 'sign-out needs it, too');
    is($stranger->session->status, 200, 'still signed in');
};

subtest 'signing out' => sub {
    my $leaving = $nginx->browser;
    $leaving->login('marie.dupont', password());
    my $cookie = $leaving->session_cookie;
    my $answer = $leaving->submit('logout');
    is($answer->status, 200);
    is($answer->json->{verdict}, 'ok');
    is($nginx->browser->get('/app/', Cookie => $cookie)->status, 401, 'the cookie is dead');
    is(OtpTest::browser()->get('/otp/session', Cookie => $cookie)->status, 401, 'on the other gateway, too');
};

subtest 'what does not exist' => sub {
    my $answer = $browser->get('/otp/nothing');
    is($answer->status, 404);
    is($answer->json->{error}, 'not_found');
    like($nginx->browser(accept => 'text/html')->get('/otp/nothing')->body, qr/<html/, 'a page for a browser');
    for my $try ([ DELETE => 'login' ], [ PUT => 'passcode' ], [ POST => 'session' ], [ GET => 'logout' ], [ POST => 'help' ]) {
        my $refused = $browser->request($try->[0], "/otp/$try->[1]", [ 'Content-Length' => 0 ]);
        is($refused->status, 405, "@$try");
        like($refused->header('Allow'), qr/GET|POST/, 'with Allow');
    }
    is($nginx->browser->get('/otp/static/../../nginx.conf')->status =~ /^4/ ? 1 : 0, 1, 'no file but the static ones');
    is($browser->request('HEAD', '/otp/login')->status, 200, 'HEAD is GET without the body');
};

subtest 'without a session' => sub {
    my $stranger = $nginx->browser;
    is($stranger->get("/otp/$_")->status, 401, "GET $_") for 'session', 'passcode', 'pin';
    is($stranger->post("/otp/$_", { csrf => 'x', passcode => 1, pin => 1 })->status =~ /^40[13]$/ ? 1 : 0, 1, "POST $_")
        for 'passcode', 'pin';
    my $page = $nginx->browser(accept => 'text/html')->get('/otp/passcode');
    is($page->status, 302);
    like($page->location, qr{/otp/login}, 'to the sign-in');
    like($nginx->browser(accept => 'text/html')->get('/otp/')->location, qr{/otp/login}, 'the list, too');
    is($stranger->get('/otp/help')->status, 200, 'anyone reaches the help page');
};

subtest 'bodies' => sub {
    my $type = 'Content-Type';
    my $form = 'application/x-www-form-urlencoded';
    my $send = sub { $nginx->browser->request('POST', '/otp/login', @_)->status };
    is($send->([ $type => $form ], ''), 403, 'an empty form has no csrf');
    is($send->([ $type => $form ], 'x=' . 'a' x 8190), 403, '8 KiB are read');
    is($send->([ $type => $form ], 'x=' . 'a' x 8191), 413, 'one byte more is not');
    is($send->([ $type => $form, 'Content-Length' => 1 << 30 ], 'x=1'), 413, 'nor what is only announced');
    is($send->([ $type => 'application/json' ], '{}'), 400, 'JSON is no form');
    is($send->([], 'a=b'), 400, 'nor is something without a type');
    is($send->([ $type => 'multipart/form-data; boundary=x' ], "--x--\r\n"), 400, 'nor multipart');
    is($send->([ $type => $form ], 'username=%zz'), 400, 'broken percent-encoding');
    is($send->([ $type => $form ], 'username=a&username=b'), 400, 'a field twice');
    is($send->([ $type => $form ], 'username=a%00b'), 400, 'NUL');
    is($send->([ $type => $form ], 'username=%ff'), 400, 'invalid UTF-8');
    is($send->([ $type => $form ], join '&', map { "f$_=1" } 1 .. 700), 400, 'many fields');
    is($send->([ $type => "$form; charset=UTF-8" ], 'a=b'), 403, 'a parameter of the type is fine');
};

subtest 'nothing a person types comes back as markup' => sub {
    my $evil = q{"><script>alert(1)</script>};
    my $page = $nginx->browser(accept => 'text/html');
    my ($csrf) = $page->get('/otp/login?rd=' . percent("/$evil"))->body =~ /name="csrf" value="([^"]+)"/;
    my $answer = $page->post('/otp/login',
        { csrf => $csrf, username => $evil, method => 'password', password => $evil, rd => "/$evil" });
    is($answer->status, 401);
    unlike($answer->body, qr/<script>alert/, 'escaped');
    unlike($page->get('/otp/' . percent($evil))->body, qr/<script>alert/, 'in an address, too');
    my $zoe = $nginx->browser(accept => 'text/html');
    ($csrf) = $zoe->get('/otp/login')->body =~ /name="csrf" value="([^"]+)"/;
    $zoe->post('/otp/login', { csrf => $csrf, username => 'zoe.html', method => 'password', password => password() });
    unlike($zoe->get('/otp/')->body, qr/<script>alert/, 'nor does a name out of the directory');
};

subtest 'as pages: 303 after success, the page again after a failure' => sub {
    my $page = $nginx->browser(accept => 'text/html');
    my ($csrf) = $page->get('/otp/login')->body =~ /name="csrf" value="([^"]+)"/;
    my $answer = $page->post('/otp/login', { csrf => $csrf, username => 'marie.dupont', method => 'password', password => 'x' });
    is($answer->status, 401);
    like($answer->body, qr/name="username"[^>]*value="marie\.dupont"|value="marie\.dupont"[^>]*name="username"/s, 'keeps the name');
    unlike($answer->body, qr/type="password"[^>]*value="[^"]/, 'never the password');
    ($csrf) = $answer->body =~ /name="csrf" value="([^"]+)"/;
    $answer = $page->post('/otp/login',
        { csrf => $csrf, username => 'marie.dupont', method => 'password', password => password(), rd => '/app/' });
    is($answer->status, 303);
    is($answer->header('Location'), '/app/');
};

unlike($nginx->log, qr/\[(alert|crit|emerg)\]/, 'nothing alarming in the log');
unlike($nginx->log, qr/craie-et-tableau/, 'no password in the log');
done_testing();
