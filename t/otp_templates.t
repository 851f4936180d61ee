# otp_templates DIR: page templates, one folder a language, read and checked at start.
use strict;
use warnings;
use lib 't/lib';
use File::Copy;
use Test::More;
use OtpTest;

my $server = 'location /otp/ { otp_portal; }';
my $own = world('templates');

sub copy_templates { system('rm', '-rf', $own) == 0 && system('cp', '-r', $ENV{OTP_TEMPLATES}, $own) == 0 or die }
sub write_file { my ($name, $text) = @_; open my $file, '>', "$own/$name" or die "$name: $!"; print $file $text }
sub read_file { my ($name) = @_; open my $file, '<', "$own/$name" or die "$name: $!"; local $/; <$file> }

copy_templates();
write_file('fr/help.html', read_file('fr/help.html') =~ s{</body>}{<p>notre établissement</p></body>}r . '<!-- à nous -->');
my $nginx = start_nginx(3, http => "otp_templates $own;", server => $server);
like($nginx->browser(accept => 'text/html')->get('/otp/help?lang=fr')->body, qr/à nous/, "an operator's own page is shown");

write_file('fr/help.html', 'changed {{^');
is($nginx->browser(accept => 'text/html')->get('/otp/help?lang=fr')->status, 200, 'a change on disk does not reach a running gateway');
$nginx->stop;

sub refused {
    my ($what, $expected) = @_;
    my ($text, $status) = check_config(http => "otp_templates $own;", server => $server);
    isnt($status, 0, "$what: refused by nginx -t");
    like($text, $expected, 'and says which file and why');
    my ($emerg) = $text =~ /^(.*\[emerg\].*)$/m;
    like($emerg // '', qr/nginx\.conf:\d+/, 'and where the folder is named');
    unlike($emerg // '', qr/: :|\/: :|"": /, 'in one piece');
    copy_templates();
}

copy_templates();
my ($text, $status) = check_config(http => "otp_templates $own;", server => $server);
is($status, 0, 'the shipped templates pass') or diag($text);

write_file('fr/login.html', "line one\n{{#denied}} not closed\n");
refused('a section that is not closed', qr/login.*\n?.*(denied|line|closed)/);
write_file('fr/login.html', "\n\n{{usernam}}\n");
refused('a variable that no page has', qr{fr/login\.html: line 3: "usernam"});
write_file('fr/login.html', "\n{{>nothing}}\n");
refused('a partial that does not exist', qr{fr/login\.html: line 2: "nothing"});
unlink "$own/en/pin.html";
refused('a page that is missing in one language', qr/(en.*pin|pin.*en)/);
write_file('fr/help.html', "{{{csrf}}}\n");
refused('a raw form, which does not exist', qr/help/);
system 'rm', '-rf', "$own/en";
refused('a language that is offered and has no folder', qr/en/);

($text, $status) = check_config(http => "otp_templates $own/nowhere;", server => $server);
isnt($status, 0, 'a folder that does not exist');
like($text, qr/nowhere/, 'is named');
done_testing();
