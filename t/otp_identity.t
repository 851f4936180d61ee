# otp_identity on|off: what the application is told about the person, and what a client cannot say.
# The application echoes the request it got.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use OtpTest;

our $Forged = join "\n", map { "$_: forged" } qw(
    Remote-User remote-user REMOTE-USER Remote_User remote_USER Remote-Name Remote_Name Remote-Email Remote-Groups
    X-Otp-Level X_Otp_Level x-otp-level X-Otp-Method X-Otp-Time X_OTP_TIME X-Otp_Level);

add_block_preprocessor(\&with_world);
run_tests();

__DATA__

=== a session by password: who it is
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body_like eval
qr/^(?=.*^Remote-User: marie\.dupont\r$)(?=.*^Remote-Name: Marie Dupont\r$)(?=.*^Remote-Email: marie\.dupont\@example\.org\r$)(?=.*^Remote-Groups: teachers,staff\r$)(?=.*^X-Otp-Level: password\r$)(?=.*^X-Otp-Method: password\r$)(?=.*^X-Otp-Time: \d+\r$)/ms



=== a session by key: level and method
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::otp_cookie()
--- error_code: 200
--- response_body_like eval
qr/^(?=.*^Remote-User: key\.shared\r$)(?=.*^X-Otp-Level: otp\r$)(?=.*^X-Otp-Method: key\r$)(?=.*^X-Otp-Time: \d+\r$)/ms



=== what the client says under these names never arrives (guarded)
--- http_config
underscores_in_headers on;
ignore_invalid_headers off;
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
"$::Forged\nCookie: " . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body_like: Remote-User: marie\.dupont
--- response_body_unlike: forged



=== nor where the guard is off by value and nobody is signed in
--- http_config
underscores_in_headers on;
ignore_invalid_headers off;
map $arg_level $level { default $arg_level; }
--- config
location /app/ { otp_require $level; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/?level=off
--- more_headers eval: $::Forged
--- error_code: 200
--- response_body_unlike: forged



=== nor in a public location with otp_identity on
--- http_config
underscores_in_headers on;
ignore_invalid_headers off;
--- config
location /app/ { otp_identity on; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval: $::Forged
--- error_code: 200
--- response_body_unlike: forged



=== nor in the page of an error
--- http_config
underscores_in_headers on;
ignore_invalid_headers off;
--- config
location /app/ { otp_require password; error_page 401 /sorry; proxy_pass http://$TEST_NGINX_APPLICATION; }
location = /sorry { otp_require off; otp_identity on; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval: $::Forged
--- error_code: 401
--- response_body_unlike: forged



=== otp_identity off: the headers are not ours
--- config
location /app/ { otp_require password; otp_identity off; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body_unlike: Remote-User



=== a location with a proxy_set_header of its own still tells who it is
--- config
location /app/ {
    otp_require password;
    proxy_set_header X-Own 1;
    proxy_pass http://$TEST_NGINX_APPLICATION;
}
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body_like: (?s)(?=.*X-Own: 1)(?=.*Remote-User: marie\.dupont)



=== the session's cookie does not reach the application, the others do, byte for byte
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: a="x, y"; ' . ::password_cookie('marie.dupont') . '; theme=dark;z=%20'
--- error_code: 200
--- response_body_like eval
qr/^Cookie: a="x, y"; ?theme=dark;z=%20\r$/m
--- response_body_unlike eval
qr/\botp=/



=== when there is no other cookie, there is no Cookie header
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body_unlike: (?mi)^cookie:



=== other headers of the client arrive
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
"X-Otp-Other: kept\nRemote-Users: kept too\nCookie: " . ::password_cookie('marie.dupont')
--- error_code: 200
--- response_body_like: (?s)(?=.*X-Otp-Other: kept)(?=.*Remote-Users: kept too)



=== a name with markup arrives as text of one header
--- config
location /app/ { otp_require password; proxy_pass http://$TEST_NGINX_APPLICATION; }
--- request
GET /app/
--- more_headers eval
'Cookie: ' . ::password_cookie('zoe.html')
--- error_code: 200
--- response_body_like: (?m)^Remote-Name: [^\r\n]*alert
