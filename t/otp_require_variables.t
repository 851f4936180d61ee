# otp_require $variable: the level may come from geo or map; what is empty or unknown asks for the key.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

our $Map = q{
map $arg_level $level { default $arg_level; }
geo $where { default otp; 127.0.0.0/8 password; }
};

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== the value "off" opens
--- http_config eval: $::Map
--- config
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/?level=off
--- error_code: 200



=== the value "password" asks for a password
--- http_config eval: $::Map
--- config
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/?level=password
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200



=== the value "otp" asks for the key
--- http_config eval: $::Map
--- config
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/?level=otp
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_body_like: otp_required



=== an empty value asks for the key
--- http_config eval: $::Map
--- config
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_body_like: otp_required



=== an unknown value asks for the key
--- http_config eval: $::Map
--- config
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/?level=OFF
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 401
--- response_body_like: otp_required



=== an unknown value and nobody signed in: the sign-in first
--- http_config eval: $::Map
--- config
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/?level=none
--- error_code: 401
--- response_body_like: login_required



=== geo chooses the level by the client's address
--- http_config eval: $::Map
--- config
location /app/ { otp_require $where; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200



=== a map that looks at a map is asked again where an internal redirect lands
--- http_config
map $uri $zone { ~^/app/ closed; default open; }
map $zone $level { closed otp; default off; }
--- config
location /open/ { otp_require $level; try_files $uri /app/inside; }
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /open/page
--- error_code: 401
--- response_headers
X-Application:



=== a part of the address may be the level
--- config
location ~ ^/app/(?<level>\w+)/(?<rest>.*)$ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION/$rest; }
--- request
GET /app/off/page
--- error_code: 200
