# otp_allow group=…|user=…: who may pass at all. marie.dupont: teachers,staff; jean.martin: accounting,staff.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== a member of the group passes
--- config
location /app/ { otp_require password; otp_allow group=teachers; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200



=== who is not in the group is forbidden
--- config
location /app/ { otp_require password; otp_allow group=teachers; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('jean.martin')
--- error_code: 403
--- response_headers
X-Application:
Cache-Control: no-store
Content-Type: application/json
--- response_body_like: ^\{"error": ?"forbidden"\}$



=== a browser gets the page
--- config
location /app/ { otp_require password; otp_allow group=teachers; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
"Accept: text/html\nCookie: " . ::password_cookie('jean.martin')
--- error_code: 403
--- response_headers_like
Content-Type: text/html.*
--- response_body_like: <html



=== one group of a list is enough
--- config
location /app/ { otp_require password; otp_allow group=nobody,teachers; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200



=== a part of a group's name is not the group
--- config
location /app/ { otp_require password; otp_allow group=teacher; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 403



=== a named user passes
--- config
location /app/ { otp_require password; otp_allow user=jean.martin,marie.dupont; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('jean.martin')
--- error_code: 200



=== another user is forbidden
--- config
location /app/ { otp_require password; otp_allow user=jean.martin; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 403



=== nobody signed in: the sign-in comes first, not the 403
--- config
location /app/ { otp_require password; otp_allow group=teachers; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 401
--- response_body_like: login_required



=== a location inherits who may pass
--- config
otp_require password;
otp_allow user=jean.martin;
location /app/ { proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 403



=== a group or a user is enough
--- config
location /app/ {
    otp_require password;
    otp_allow group=accounting user=marie.dupont;
    proxy_pass http://$TEST_NGINX_APPLICATION;
}
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
