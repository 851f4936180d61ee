# otp_support [email=E] [phone=P] [hours=…]: shown to who needs it.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

sub page {
    my ($setting, $path) = @_;
    my $nginx = start_nginx(3, http => $setting, server => 'location /otp/ { otp_portal; }');
    my $body = $nginx->browser(accept => 'text/html')->get($path)->body;
    $nginx->stop;
    return $body;
}

my $setting = 'otp_support email=assistance@example.org "phone=01 23 45 67 89" "hours=8 h – 18 h <jours ouvrés>";';
my $help = page($setting, '/otp/help');
like($help, qr/mailto:assistance\@example\.org/, 'the e-mail address, as a link');
like($help, qr/01 23 45 67 89|01&nbsp;23/, 'the telephone');
like($help, qr/8 h – 18 h &lt;jours ouvrés&gt;/, 'the hours, escaped');

my $quoted = page('otp_support phone="01 23 45 67 89";', '/otp/help');
like($quoted, qr/01 23 45 67 89|01&nbsp;23/, 'quotes inside of the parameter are understood, too');

my $none = page('', '/otp/help');
unlike($none, qr/mailto:|tel:/, 'nothing configured, nothing invented');

done_testing();
