# otp_language fr en: the languages offered, first is the default; ?lang= chooses and is remembered.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

sub gateway { start_nginx(3, http => $_[0], server => 'location /otp/ { otp_portal; }') }
sub language { $_[0]->body =~ /<html[^>]* lang="(\w+)"/ ? $1 : 'none' }

my $nginx = gateway('otp_language fr en;');
my $browser = sub { $nginx->browser(accept => 'text/html') };
my $of = sub { language($browser->()->get('/otp/login', @_)) };

is($of->(), 'fr', 'the first one by default');
is($of->('Accept-Language' => 'en-GB,en;q=0.9,fr;q=0.5'), 'en', 'the one that the browser prefers');
is($of->('Accept-Language' => 'de,es;q=0.9'), 'fr', 'the default when it prefers none of them');
is($of->('Accept-Language' => 'en;q=0.2,fr;q=0.8'), 'fr', 'by weight, not by order');
is($of->('Accept-Language' => ';;;,,,q=,*;q=9'), 'fr', 'nonsense is no preference');

my $chooser = $browser->();
is(language($chooser->get('/otp/login?lang=en')), 'en', '?lang= chooses');
is(language($chooser->get('/otp/login')), 'en', 'and is remembered');
is(language($chooser->get('/otp/help', 'Accept-Language' => 'fr')), 'en', 'on other pages, whatever the browser prefers');
is(language($chooser->get('/otp/help?lang=fr')), 'fr', 'until another choice');
is(language($browser->()->get('/otp/login?lang=de')), 'fr', 'a language that is not offered is no choice');
is(language($browser->()->get('/otp/login?lang=../../etc')), 'fr', 'nor is a path');
$nginx->stop;

$nginx = gateway('otp_language en fr;');
is($of->(), 'en', 'the order of the directive counts');
$nginx->stop;

$nginx = gateway('otp_language fr;');
is($of->('Accept-Language' => 'en'), 'fr', 'one language only');
is(language($browser->()->get('/otp/login?lang=en')), 'fr', 'and no other can be chosen');
$nginx->stop;

$nginx = gateway('');
is($of->(), 'fr', 'French without the directive');
is($of->('Accept-Language' => 'en'), 'en', 'English, too');

for my $language ('fr', 'en') {
    for my $page ('login', 'help') {
        my $body = $browser->()->get("/otp/$page?lang=$language")->body;
        unlike($body, qr/\{\{|\}\}/, "$page in $language: nothing of the template is left");
    }
}
done_testing();
