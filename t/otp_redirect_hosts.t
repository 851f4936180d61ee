# otp_redirect_hosts H…: other hosts a person may be sent back to. Everything else is dropped, not followed.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $port = port(3);
my $nginx = start_nginx(3, http => 'otp_redirect_hosts notes.example.org conges.example.org:8443;',
    server => 'location /otp/ { otp_portal; }');

# Where a sign-in with this rd leads.
sub lands { my $browser = $nginx->browser; $browser->login('marie.dupont', password(), rd => $_[0])->location }

my $home = lands(undef);
like($home, qr{^/otp/?$}, 'without rd: the list of applications');

for my $good ('/app/', '/app/page?a=1&b=2', '/', "http://127.0.0.1:$port/app/", 'https://notes.example.org/x?y=z',
    'http://notes.example.org/', 'https://conges.example.org:8443/') {
    is(lands($good), $good, "$good: followed");
}

my @bad = ('https://evil.example/', '//evil.example/', '/\\evil.example/', '\\\\evil.example', 'https:evil.example',
    'https:///evil.example', 'javascript:alert(1)', 'data:text/html,x', ' https://evil.example', "/\tevil.example", "\t//evil.example",
    "/app\r\nX-Injected: 1", "/app/\0", 'https://notes.example.org@evil.example/', 'https://notes.example.org.evil.example/',
    'https://evilnotes.example.org/', 'https://notes.example.org:81/', 'https://conges.example.org/', 'https://user@notes.example.org/',
    'ftp://notes.example.org/', '/./\\evil.example', '/app/../..//evil.example', '//notes.example.org/', 'evil.example', 'app/',
    '/%5cevil.example/%2e%2e', '/' . 'a' x 2100, "http://127.0.0.1:$port\@evil.example/", 'HTTPS://EVIL.EXAMPLE/', '///evil.example');
for my $bad (@bad) {
    my $shown = substr $bad =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger, 0, 60;
    my $at = lands($bad);
    # Control characters make the whole form a bad request: nobody is signed in, and sent nowhere.
    ok($at eq $home || $bad =~ /[\x00-\x1f]/ && $at eq '' || $at =~ m{^/(?![/\\])[^\\]*$} && $at !~ /[\x00-\x20]/ && $bad =~ m{^/%5c}, "$shown: dropped") or diag("led to $at");
}

# The public list of spellings of "somewhere else", when it is at hand.
my $list = 't/data/redirect-payloads.txt';
SKIP: {
    open my $file, '<', $list or skip "$list is not there", 1;
    chomp(my @payload = <$file>);
    my $browser = $nginx->browser;
    my @followed;
    for my $payload (grep { length } @payload) {
        my $page = $browser->get('/otp/login?rd=' . percent($payload), Accept => 'text/html')->body;
        my ($rd) = $page =~ /name="rd" value="([^"]*)"/;
        push @followed, $payload if defined $rd && $rd !~ m{^/(?![/\\])};
    }
    is_deeply(\@followed, [], 'no spelling of the list is kept as another host');
}

my $answer = $nginx->browser(accept => 'text/html')->get('/otp/login?rd=' . percent("/x\r\nX-Injected: 1"));
is($answer->header('X-Injected'), '', 'CR LF in rd writes no header');
done_testing();
