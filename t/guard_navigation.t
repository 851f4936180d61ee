# The guard's table, first half: what a browser that opens an address is answered.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

our $Html = 'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== nobody signed in: to the sign-in, with the address asked for
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/page?a=1&b=%20x
--- more_headers eval: $::Html
--- error_code: 302
--- response_headers
X-Application:
Cache-Control: no-store
--- raw_response_headers_like eval
qr{^Location: /otp/login\?rd=[^\r\n&]*%2Fapp%2Fpage%3Fa%3D1%26b%3D%2520x\r$}m



=== HEAD is a navigation, too
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
HEAD /app/page
--- more_headers eval: $::Html
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: /otp/login\?rd=[^\r\n&]*%2Fapp%2Fpage\r$}m



=== the key is needed: to the passcode page
--- config
location /app/ { otp_require otp; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/page
--- more_headers eval
"$::Html\nCookie: " . ::password_cookie('marie.dupont')
--- error_code: 302
--- response_headers
X-Application:
Cache-Control: no-store
--- raw_response_headers_like eval
qr{^Location: /otp/passcode\?rd=[^\r\n&]*%2Fapp%2Fpage\r$}m



=== the passcode is too old: to the passcode page
--- config
location /app/ { otp_require otp max_age=1s; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/page
--- more_headers eval
my $cookie = ::otp_cookie(); select undef, undef, undef, 2.1; "$::Html\nCookie: $cookie"
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: /otp/passcode\?rd=[^\r\n&]*%2Fapp%2Fpage\r$}m



=== otp demanded and nobody signed in: the sign-in, which knows passcodes, too
--- config
location /app/ { otp_require otp; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/page
--- more_headers eval: $::Html
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: /otp/login\?rd=}m



=== an address with CR LF in it cannot write a header
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/%0d%0aX-Injected:%201?x=%0d%0aX-Injected:%201
--- more_headers eval: $::Html
--- error_code: 302
--- response_headers
X-Injected:



=== the whole address is kept, however long the query
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request eval
"GET /app/?q=" . "a" x 1500
--- more_headers eval: $::Html
--- error_code: 302
--- raw_response_headers_like eval
qr{rd=[^\r\n]*a{1500}\r$}m
