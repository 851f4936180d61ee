# $otp_user $otp_level $otp_method $otp_name $otp_email $otp_groups $otp_auth_time $otp_session_id
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

our $Headers = q{
add_header X-User $otp_user always;
add_header X-Level $otp_level always;
add_header X-Method $otp_method always;
add_header X-Name $otp_name always;
add_header X-Email $otp_email always;
add_header X-Groups $otp_groups always;
add_header X-Time $otp_auth_time always;
add_header X-Session $otp_session_id always;
};

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== behind the guard they say who it is
--- http_config eval: $::Headers
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_headers
X-User: marie.dupont
X-Level: password
X-Method: password
X-Name: Marie Dupont
X-Email: marie.dupont@example.org
X-Groups: teachers,staff
--- raw_response_headers_like eval
qr/^(?=.*^X-Time: \d{10}\r$)(?=.*^X-Session: [A-Za-z0-9_-]{8,20}\r$)/ms



=== a session by key
--- http_config eval: $::Headers
--- config
location /app/ { otp_require otp; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::otp_cookie()
--- error_code: 200
--- response_headers
X-User: key.shared
X-Level: otp
X-Method: key



=== the public id is not the cookie
--- http_config
add_header X-Session $otp_session_id always;
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- raw_response_headers_unlike: X-Session: [A-Za-z0-9_-]{30,}



=== nobody signed in: they are empty
--- http_config eval: $::Headers
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 401
--- response_headers
X-User:
X-Level:
X-Session:



=== in a location without a guard they are empty
--- http_config eval: $::Headers
--- config
location /app/ { proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- error_code: 200
--- response_headers
X-User:
X-Session:



=== the access log can carry them
--- http_config
log_format who '$otp_user $otp_level';
--- config
access_log logs/who.log who;
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
