# A guarded page kept by proxy_cache is not shown to who may not see it.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $root = world('nginx.3');
my $nginx = start_nginx(3,
    http => "proxy_cache_path $root/cache keys_zone=pages:1m;",
    server => '
    location /app/ {
        otp_require password;
        proxy_cache pages; proxy_cache_valid 200 1h; proxy_cache_key $uri;
        add_header X-Cache $upstream_cache_status;
        proxy_pass http://127.0.0.1:' . port(2) . ';
    }');
my $cookie = password_cookie('marie.dupont');

is($nginx->browser->get('/app/', Cookie => $cookie)->status, 200, 'fills the cache');
is($nginx->browser->get('/app/', Cookie => $cookie)->header('X-Cache'), 'HIT', 'is in the cache');
my $answer = $nginx->browser->get('/app/');
is($answer->status, 401, 'a stranger is asked to sign in');
unlike($answer->{raw}, qr/marie/, 'and sees nothing of it');

done_testing();
