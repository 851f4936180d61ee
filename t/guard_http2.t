# The guard and the portal over HTTP/2 (curl without TLS, prior knowledge).
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

plan skip_all => 'curl with HTTP/2 is not installed' unless `curl --version 2>/dev/null` =~ /HTTP2/;

my $port = port(4);
my $nginx = start_nginx(3, server => "
    listen 127.0.0.1:$port http2;
    location /otp/ { otp_portal; }
    location /app/ { otp_require password; proxy_pass http://127.0.0.1:" . port(2) . '; }');
my $cookie = password_cookie('marie.dupont');

sub curl { scalar OtpTest::run(undef, 'curl', '-s', '-i', '--max-time', 10, '--http2-prior-knowledge', @_) }

like(curl("http://127.0.0.1:$port/app/"), qr{^HTTP/2 401 }, 'nobody is signed in');
like(curl('-H', 'Accept: text/html', "http://127.0.0.1:$port/app/"), qr{^location: /otp/login\?rd=}m, 'a navigation');
like(curl('-H', "Cookie: $cookie", "http://127.0.0.1:$port/app/"), qr{^Remote-User: marie\.dupont}m, 'a session passes');
like(curl('-H', 'Cookie: a=b', '-H', "Cookie: $cookie", "http://127.0.0.1:$port/app/"), qr{^HTTP/2 200}, 'split cookies');
like(curl('-d', 'x=1', '-H', 'Accept: application/json', "http://127.0.0.1:$port/otp/login"), qr{^HTTP/2 (403|400) }, 'a body is read');

done_testing();
