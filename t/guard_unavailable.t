# When the state cannot be read: 503, Retry-After, nothing of the application; what needs no state goes on.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

our $Gone = 'otp_redis unix:' . world('nowhere.sock') . ' timeout=300ms;';

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== a request with a cookie is not let through (JSON)
--- http_config eval: $::Gone
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 503
--- response_headers
X-Application:
Cache-Control: no-store
Content-Type: application/json
--- raw_response_headers_like eval
qr/^Retry-After: \d+\r$/m
--- response_body_like: ^\{"error": ?"unavailable"\}$



=== a browser gets a page
--- http_config eval: $::Gone
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
"Accept: text/html\nCookie: " . ::password_cookie('marie.dupont')
--- error_code: 503
--- response_headers_like
Content-Type: text/html.*
Retry-After: \d+
Cache-Control: no-store
--- response_body_like: <html



=== the page of the portal says it, too
--- http_config eval: $::Gone
--- config
location /otp/ { otp_portal; }
--- request
GET /otp/session
--- more_headers eval
"Accept: application/json\nCookie: " . ::password_cookie('marie.dupont')
--- error_code: 503
--- response_headers_like
Retry-After: \d+
--- response_body_like: "unavailable"



=== health says that Redis is gone
--- http_config eval: $::Gone
--- config
location /otp/ { otp_portal; }
--- request
GET /otp/health
--- error_code: 503



=== public pages are untouched
--- http_config eval: $::Gone
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
location /public/ { proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /public/
--- error_code: 200
--- response_headers
X-Application: reached



=== health with Redis there
--- config
location /otp/ { otp_portal; }
--- request
GET /otp/health
--- error_code: 200
--- response_body_like: ^\{"redis": ?"ok"\}$
