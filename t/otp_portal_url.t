# otp_portal_url URI|URL: where the guard sends people.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== another path
--- config
otp_portal_url /connexion/;
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/x
--- more_headers
Accept: text/html
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: /connexion/login\?rd=[^\r\n]*%2Fapp%2Fx\r$}m



=== a path without its last slash
--- config
otp_portal_url /connexion;
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/x
--- more_headers
Accept: text/html
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: /connexion/login\?rd=}m



=== a portal on another host gets the whole address
--- config
otp_portal_url https://portail.example.org/otp/;
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/x
--- more_headers
Accept: text/html
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: https://portail\.example\.org/otp/login\?rd=http%3A%2F%2Flocalhost(%3A\d+)?%2Fapp%2Fx\r$}m



=== in JSON, too
--- config
otp_portal_url https://portail.example.org/otp/;
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/x
--- error_code: 401
--- response_body_like: portail\.example\.org



=== a location has its own
--- config
otp_portal_url /connexion/;
location /app/ { otp_require password; otp_portal_url /autre/; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/x
--- more_headers
Accept: text/html
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: /autre/login\?rd=}m



=== http gives it to all servers
--- http_config
otp_portal_url /partout/;
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/x
--- more_headers
Accept: text/html
--- error_code: 302
--- raw_response_headers_like eval
qr{^Location: /partout/login\?rd=}m



=== a portal that lives at another path serves its pages there
--- config
location /connexion/ { otp_portal; }
--- request
GET /connexion/login
--- more_headers
Accept: text/html
--- error_code: 200
--- response_body_like: action="/connexion/login"
