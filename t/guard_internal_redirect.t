# Internal redirects are decided where they land, by that location's rule, and once.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== X-Accel-Redirect from an open location does not open a guarded one
--- config
location /open/ { proxy_pass http://$TEST_NGINX_APPLICATION/accel/secret/page.txt; }
location /secret/ { otp_require password; root html; }
--- user_files
>>> secret/page.txt
the-secret
--- request
GET /open/
--- error_code: 401
--- response_body_unlike: the-secret



=== X-Accel-Redirect to an internal guarded location works for who may
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION/accel/secret/page.txt; }
location /secret/ { internal; otp_require password; root html; }
--- user_files
>>> secret/page.txt
the-secret
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body
the-secret



=== error_page to a guarded location is guarded
--- config
location /open/ { error_page 404 /secret/page.txt; root html; }
location /secret/ { otp_require password; root html; }
--- user_files
>>> secret/page.txt
the-secret
--- request
GET /open/nothing
--- response_body_unlike: the-secret
--- error_code_like: ^(?:401|404)$



=== error_page does not stand in for the guard's own answer
--- config
location /app/ { otp_require password; error_page 401 =200 /sorry; proxy_pass http://$TEST_NGINX_APPLICATION; }
location = /sorry { internal; return 200 "please sign in"; }
--- request
GET /app/
--- error_code: 401
--- response_headers
X-Application:
--- response_body_like: login_required



=== with satisfy any the answer is nginx's, and error_page makes what it likes of it
--- config
location /app/ {
    satisfy any; deny all;
    otp_require password;
    error_page 401 = @login;
    proxy_pass http://$TEST_NGINX_APPLICATION;
}
location @login { return 302 /otp/login; }
--- request
GET /app/
--- error_code: 302
--- response_headers
X-Application:
--- raw_response_headers_like: Location: \S*/otp/login\r



=== error_page back to the guarded application is guarded again
--- config
location /app/ { otp_require password; error_page 401 /app/other; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 401
--- response_headers
X-Application:



=== try_files into a guarded location
--- config
location /open/ { try_files /nothing /secret/page.txt; }
location /secret/ { otp_require password; root html; }
--- user_files
>>> secret/page.txt
the-secret
--- request
GET /open/
--- error_code: 401
--- response_body_unlike: the-secret



=== a named location has its own rule
--- config
location /open/ { try_files /nothing @application; }
location @application { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /open/
--- error_code: 401
--- response_headers
X-Application:



=== a named location lets in who may
--- config
location /open/ { try_files /nothing @application; }
location @application { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /open/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200



=== index: an internal redirect from the folder to the file, decided again, asked once
--- config
location /secret/ { otp_require password; root html; index index.txt; }
--- user_files
>>> secret/index.txt
the-secret
--- request
GET /secret/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body
the-secret



=== rewrite to a guarded location before the access phase
--- config
location /open/ { rewrite ^ /secret/page.txt last; }
location /secret/ { otp_require password; root html; }
--- user_files
>>> secret/page.txt
the-secret
--- request
GET /open/
--- error_code: 401
--- response_body_unlike: the-secret



=== from a guarded location into one with a stronger rule
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION/accel/secret/page.txt; }
location /secret/ { otp_require otp; root html; }
--- user_files
>>> secret/page.txt
the-secret
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_body_unlike: the-secret



=== an error of the application itself: its page may be open
--- config
location /app/ {
    otp_require password;
    proxy_intercept_errors on;
    error_page 500 /oops.html;
    proxy_pass http://$TEST_NGINX_APPLICATION/fail;
}
location = /oops.html { root html; }
--- user_files
>>> oops.html
oops
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 500
--- response_body
oops
