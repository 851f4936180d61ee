# otp_session_cache SIZE|off: there is no cache yet; what asks for one is refused, not ignored.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $server = '
    location /otp/ { otp_portal; }
    location /app/ { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }';

my $nginx = start_nginx(3, http => 'otp_session_cache off;', server => $server);
my $browser = $nginx->browser;
$browser->login('marie.dupont', password());
my $cookie = $browser->session_cookie;
is($browser->get('/app/')->status, 200, 'off');
browser(cookie => { split /=/, $cookie, 2 })->submit('logout');
is($nginx->browser->get('/app/', Cookie => $cookie)->status, 401, 'the next request after a sign-out elsewhere is refused');
$nginx->stop;

for my $wrong ('otp_session_cache 10m;', 'otp_session_cache on;', 'otp_session_cache;', 'otp_session_cache 0;') {
    my ($text, $status) = check_config(http => $wrong, server => $server);
    isnt($status, 0, "$wrong is refused");
    like($text, qr/\[emerg\].*nginx\.conf:\d+/, 'with the line');
}
done_testing();
