# The guard's table, second half: what scripts, forms, sockets and curl are answered: JSON, never a redirect.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

our $Html = 'Accept: text/html,*/*;q=0.8';

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== fetch without a session
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/data
--- more_headers
Accept: application/json
--- error_code: 401
--- response_headers
Content-Type: application/json
Cache-Control: no-store
X-Application:
Location:
--- response_body_like eval
qr/^\{"error": ?"login_required", ?"location": ?"\\?\/otp\\?\/login\?rd=[^"]*"\}$/



=== Accept: */* is no navigation
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/data
--- more_headers
Accept: */*
--- error_code: 401
--- response_body_like: login_required



=== no Accept at all is no navigation
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/data
--- error_code: 401
--- response_body_like: login_required



=== text/html;q=0 is no navigation
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/data
--- more_headers
Accept: text/html;q=0, */*
--- error_code: 401
--- response_body_like: login_required



=== a form being sent, although the browser accepts pages
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
POST /app/form
a=1&b=2
--- more_headers eval: $::Html
--- error_code: 401
--- response_headers
X-Application:
Content-Type: application/json
--- response_body_like: login_required



=== fetch with a password session where the key is needed
--- config
location /app/ { otp_require otp; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/data
--- more_headers eval
"Accept: application/json\nCookie: " . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_headers
Content-Type: application/json
Cache-Control: no-store
--- response_body_like eval
qr/^\{"error": ?"otp_required", ?"location": ?"\\?\/otp\\?\/passcode\?rd=[^"]*"\}$/



=== a form with a password session where the key is needed
--- config
location /app/ { otp_require otp; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
POST /app/form
a=1
--- more_headers eval
"$::Html\nCookie: " . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_headers
X-Application:
--- response_body_like: otp_required



=== a WebSocket that opens
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/socket
--- more_headers
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Accept: text/html
--- error_code: 401
--- response_headers
X-Application:



=== OPTIONS
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
OPTIONS /app/
--- more_headers eval: $::Html
--- error_code: 401
--- response_headers
X-Application:



=== DELETE, PUT and methods nobody knows
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request eval
["DELETE /app/", "PUT /app/\nx", "FROBNICATE /app/"]
--- error_code eval
[401, 401, 401]



=== a method override changes nothing
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
POST /app/
x=1
--- more_headers
X-HTTP-Method-Override: GET
Accept: text/html
--- error_code: 401
--- response_headers
X-Application:
