# otp_require off|password|otp [max_age=T] [emergency=on|off]: each level against each kind of session.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== off: anybody passes, without a session
--- config
location /app/ { otp_require off; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/open
--- error_code: 200
--- response_headers
X-Application: reached



=== nothing said: the guard is off
--- config
location /app/ { proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/open
--- error_code: 200
--- response_headers
X-Application: reached



=== password: a session by password passes
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_headers
X-Application: reached



=== password: a session by key passes
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::otp_cookie()
--- error_code: 200
--- response_headers
X-Application: reached



=== password: nobody is refused
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 401
--- response_headers
X-Application:
--- response_body_like: login_required



=== otp: a session by key passes
--- config
location /app/ { otp_require otp; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::otp_cookie()
--- error_code: 200
--- response_headers
X-Application: reached



=== otp: a session by password is refused
--- config
location /app/ { otp_require otp; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_headers
X-Application:
--- response_body_like: otp_required



=== otp with max_age: a fresh passcode passes
--- config
location /app/ { otp_require otp max_age=1h; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::otp_cookie()
--- error_code: 200
--- response_headers
X-Application: reached



=== otp with max_age: a passcode too old is asked for again
--- config
location /app/ { otp_require otp max_age=1s; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
my $cookie = ::otp_cookie(); select undef, undef, undef, 2.1; "Cookie: $cookie"
--- error_code: 401
--- response_headers
X-Application:
--- response_body_like: otp_required



=== emergency=off does not stop a session by key
--- config
location /app/ { otp_require otp emergency=off; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::otp_cookie()
--- error_code: 200



=== a location inherits the server's level
--- config
otp_require otp;
location /app/ { proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_body_like: otp_required



=== a location inherits the level of http
--- http_config
otp_require password;
--- config
location /app/ { proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 401
--- response_body_like: login_required



=== a location's own level counts, not the server's
--- config
otp_require otp;
location /app/ { proxy_pass http://$TEST_NGINX_APPLICATION; }
location /app/open/ { otp_require off; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/open/
--- error_code: 200



=== the portal is reached although the server demands the key
--- config
otp_require otp;
location /otp/ { otp_portal; }
--- request
GET /otp/login
--- error_code: 200



=== static files are guarded like an application
--- user_files
>>> secret/page.txt
the secret
--- config
location /secret/ { otp_require password; root html; }
--- request
GET /secret/page.txt
--- error_code: 401
--- response_body_unlike: the secret
