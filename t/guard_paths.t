# Every spelling of a guarded path that nginx maps to the guarded location is guarded.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, server => <<"CONF");
    root html;
    location / { }
    location /secret/ { otp_require password; }
    location ~ \\.guarded\$ { otp_require password; }
CONF
for my $folder ('secret', 'open') {
    mkdir "$nginx->{root}/html/$folder";
    for my $name ('page.txt', 'x.guarded') {
        open my $file, '>', "$nginx->{root}/html/$folder/$name" or die;
        print $file $folder eq 'secret' || $name =~ /guarded/ ? 'the-secret' : 'open';
    }
}

my $browser = $nginx->browser;
for my $path (
    '/secret/page.txt', '//secret/page.txt', '/secret//page.txt', '/./secret/page.txt', '/open/../secret/page.txt',
    '/%73ecret/page.txt', '/secret%2Fpage.txt', '/secret/%70age.txt', '/open/%2e%2e/secret/page.txt',
    '/secret/../secret/page.txt', '/secret/page.txt?x=1', '/secret/page.txt/', '/secret/page.txt%00', '/secret/page.txt%20',
    '/SECRET/page.txt', '/secret\\page.txt', '/secret/page.txt;x', "/secret/page.txt#x", '/secret/./page.txt',
    '/open/x.guarded', '/open/x%2eguarded', '/open/x.guarded?.txt',
) {
    my $answer = $browser->get($path);
    unlike($answer->{raw}, qr/the-secret/, "$path: not shown to a stranger");
    cmp_ok($answer->status, '<', 500, "$path: no error of the server");
}
unlike($browser->get('http://127.0.0.1/secret/page.txt')->{raw}, qr/the-secret/, 'an absolute address');
is($browser->get('/open/page.txt')->body, 'open', 'what is open stays open');

done_testing();
