# `satisfy any`: the guard is one way in among others, and says 401 so that the others are tried.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== any, address allowed: passes without a session
--- config
location /app/ { satisfy any; allow 127.0.0.1; deny all; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 200
--- response_headers
X-Application: reached



=== any, address denied, a session: passes
--- config
location /app/ { satisfy any; deny all; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200



=== any, address denied, no session: refused
--- config
location /app/ { satisfy any; deny all; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- response_headers
X-Application:
--- error_code_like: ^(?:401|403|503)$



=== any, address allowed, a navigation without session: passes, no redirect
--- config
location /app/ { satisfy any; allow 127.0.0.1; deny all; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers
Accept: text/html
--- error_code: 200
--- response_headers
X-Application: reached



=== all, address denied, a session: refused
--- config
location /app/ { satisfy all; deny all; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 403
--- response_headers
X-Application:



=== any with Redis gone and the address denied: not let through
--- http_config eval
'otp_redis unix:' . ::world('nowhere.sock') . ' timeout=300ms;'
--- config
location /app/ { satisfy any; deny all; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- response_headers
X-Application:
--- error_code_like: ^(?:401|403|503)$
