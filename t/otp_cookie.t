# otp_cookie [name=otp] [domain=D] [samesite=lax] [secure=on]
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

# The Set-Cookie line that a sign-in gets under these settings.
sub set_cookie {
    my ($setting) = @_;
    my $nginx = start_nginx(3, http => defined $setting ? "otp_cookie $setting;\n" : '',
        server => 'location /otp/ { otp_portal; }');
    my $browser = $nginx->browser;
    my $answer = $browser->login('marie.dupont', password());
    is($answer->status, 200, 'signs in with ' . ($setting // 'secure=off'));
    my @lines = grep { /^(__Host-)?\w*(otp|gate)=[A-Za-z0-9_-]{43}/ } $answer->headers('Set-Cookie');
    is(scalar @lines, 1, 'one session cookie is set') or diag($answer->{raw});
    $nginx->stop;
    return $lines[0] // '';
}

my $line = set_cookie('secure=on');
like($line, qr/^__Host-otp=/, 'without a domain the name has the prefix __Host-');
like($line, qr/; *Path=\/(;|$)/i, 'Path=/');
like($line, qr/; *HttpOnly/i, 'HttpOnly');
like($line, qr/; *Secure/i, 'Secure');
like($line, qr/; *SameSite=Lax/i, 'SameSite=Lax');
unlike($line, qr/Domain=/i, 'no Domain');
unlike($line, qr/(Expires|Max-Age)=/i, 'gone when the browser is closed');

$line = set_cookie('name=gate domain=example.org samesite=strict');
like($line, qr/^gate=/, 'its own name; with a domain no prefix');
like($line, qr/; *Domain=example\.org/i, 'Domain');
like($line, qr/; *SameSite=Strict/i, 'SameSite=Strict');
like($line, qr/; *Secure/i, 'still Secure');

$line = set_cookie('secure=off');
unlike($line, qr/; *Secure/i, 'secure=off');
unlike($line, qr/^__Host-/, 'and then no prefix, which browsers would refuse');
like($line, qr/; *HttpOnly/i, 'HttpOnly always');

# A cookie of another name is none of ours.
my $nginx = start_nginx(3, http => "otp_cookie name=gate secure=off;\n",
    server => 'location /app/ { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }');
my ($name, $value) = split /=/, password_cookie('marie.dupont'), 2;
is($nginx->browser->get('/app/', Cookie => "$name=$value")->status, 401, 'the default name is not ours any more');
is($nginx->browser->get('/app/', Cookie => "gate=$value")->status, 200, 'the chosen one is');

done_testing();
