# nginx skips the access phase in subrequests: a guarded address must not appear through one.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

our $Files = <<'FILES';
>>> open/page.html
before <!--# include virtual="/secret/page.txt" --> after
>>> open/application.html
before <!--# include virtual="/app/" --> after
>>> secret/page.txt
the-secret
FILES

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== SSI of a guarded file in an open page, nobody signed in
--- config
location /open/ { ssi on; root html; }
location /secret/ { otp_require password; root html; }
--- user_files eval: $::Files
--- request
GET /open/page.html
--- response_body_like: before
--- response_body_unlike: the-secret



=== SSI of a guarded application in an open page, nobody signed in
--- config
location /open/ { ssi on; root html; }
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- user_files eval: $::Files
--- request
GET /open/application.html
--- response_body_unlike: HTTP/1



=== the same with a session that is not enough
--- config
location /open/ { ssi on; root html; }
location /secret/ { otp_require otp; root html; }
--- user_files eval: $::Files
--- request
GET /open/page.html
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- response_body_unlike: the-secret



=== an SSI page behind the same guard includes it
--- config
location /open/ { otp_require password; ssi on; root html; }
location /secret/ { otp_require password; root html; }
--- user_files eval: $::Files
--- request
GET /open/page.html
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body_like: the-secret



=== a page behind a weaker guard does not include what needs the key
--- config
location /open/ { otp_require password; ssi on; root html; }
location /secret/ { otp_require otp; root html; }
--- user_files eval: $::Files
--- request
GET /open/page.html
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- response_body_unlike: the-secret



=== auth_request to a guarded location: nobody signed in is not let in
--- config
location /authz { internal; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
location /app/ { auth_request /authz; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 401
--- response_headers
X-Application:
--- response_body_unlike: HTTP/1



=== auth_request to a guarded location: a session passes
--- config
location /authz { internal; otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
location /app/ { auth_request /authz; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_headers
X-Application: reached



=== otp_require and auth_request in one location: both must agree
--- config
location /yes { return 204; }
location /app/ { otp_require password; auth_request /yes; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 401
--- response_headers
X-Application:



=== mirror to a guarded location does not reach it for a stranger
--- config
location /open/ { mirror /app/mirror; proxy_pass http://$TEST_NGINX_APPLICATION; }
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /open/
--- error_code: 200



=== slice: the parts of a guarded file are guarded
--- config
location /secret/ { otp_require password; slice 4; root html; }
--- user_files eval: $::Files
--- request
GET /secret/page.txt
--- more_headers
Range: bytes=0-3
--- error_code: 401
--- response_body_unlike: the-
