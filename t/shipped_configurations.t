# What is shipped in lua-free-conf/nginx passes `nginx -t` once its files exist, and starts Redis as shipped.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $etc = world('etc');
mkdir $etc;
system('cp', '-p', world($_), "$etc/$_") == 0 or die for 'keyring', 'people';
open my $password, '>', "$etc/redis-password" or die;
print $password "secret\n";
close $password;
chmod 0600, "$etc/redis-password";

my @files = glob 'lua-free-conf/nginx/*.conf';
ok(scalar @files, 'there are some');
for my $path (@files) {
    open my $file, '<', $path or die;
    my $text = do { local $/; <$file> };
    $text =~ s{/etc/otp/}{$etc/}g;
    $text =~ s{/var/log/[^\s;]*/}{$etc/}g;
    my ($plain, $tls) = (port(8), port(9));
    $text =~ s{^(\s*listen\s+)[^;]*?(\s+ssl\b[^;]*)?;}{$1 . '127.0.0.1:' . ($2 ? "$tls ssl" : $plain) . ';'}gme;
    for my $name ($text =~ /ssl_certificate\s+([^;\s]+);/) {
        (my $key) = $text =~ /ssl_certificate_key\s+([^;\s]+);/;
        OtpTest::run(undef, qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=gate.example), '-keyout', $key, '-out', $name);
    }
    $text = "otp_templates $ENV{OTP_TEMPLATES};\n$text" unless $text =~ /^\s*otp_templates/m;
    $text =~ s{^(\s*otp_templates\s+)[^;]+;}{$1$ENV{OTP_TEMPLATES};}gm;
    my ($said, $status) = check_config(http => $text, bare => 1, no_server => 1);
    is($status, 0, "$path passes nginx -t") or diag($said);
}
done_testing();
