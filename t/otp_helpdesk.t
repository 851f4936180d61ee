# otp_helpdesk group=G: who sees the helpdesk pages. There are none yet: it is checked, and opens nothing.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $portal = 'location /otp/ { otp_portal; }';
my $nginx = start_nginx(3, http => 'otp_helpdesk group=helpdesk;', server => $portal);
my $agent = $nginx->browser;
$agent->login('agent.support', password());
for my $path ('helpdesk', 'helpdesk/user/marie.dupont', 'helpdesk/requests') {
    is($agent->get("/otp/$path")->status, 404, "GET $path");
}
$nginx->stop;

for my $wrong ('otp_helpdesk;', 'otp_helpdesk helpdesk;', 'otp_helpdesk group=;', 'otp_helpdesk user=marie;',
    "otp_helpdesk group=a;\notp_helpdesk group=b;") {
    my ($text, $status) = check_config(http => $wrong, server => $portal);
    isnt($status, 0, "$wrong is refused");
    like($text, qr/\[emerg\].*nginx\.conf:\d+/, 'with the line');
}
done_testing();
