# otp_application NAME URI [level=password|otp] [group=G] [text=…]: the portal's list.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $nginx = start_nginx(3, http => '
    otp_application "Congés & absences" /conges/ level=password "text=Poser <vos> jours";
    otp_application Bulletins https://notes.example.org/ level=otp group=teachers;
    otp_application Comptes /comptes/ level=otp group=accounting;
    otp_application Annuaire /annuaire/;
', server => 'location /otp/ { otp_portal; }');

sub list { my $browser = $nginx->browser; $browser->login($_[0], password()); $browser->get('/otp/')->json->{applications} }

my $list = list('marie.dupont');
is_deeply([ map { $_->{name} } @$list ], [ "Cong\x{e9}s & absences", 'Bulletins', 'Annuaire' ],
    'in the order of the configuration, without those of other groups') or diag(explain $list);
is_deeply([ map { $_->{location} } @$list ], [ '/conges/', 'https://notes.example.org/', '/annuaire/' ], 'their addresses');
is_deeply([ map { $_->{level} } @$list[ 0, 1 ] ], [ 'password', 'otp' ], 'what each needs');
is_deeply([ map { $_->{name} } @{ list('jean.martin') } ], [ "Cong\x{e9}s & absences", 'Comptes', 'Annuaire' ],
    'another person, another list');

my $browser = $nginx->browser;
$browser->login('marie.dupont', password());
my $page = $browser->get('/otp/', Accept => 'text/html');
is($page->status, 200);
like($page->body, qr/Congés &amp; absences/, 'the name, escaped');
like($page->body, qr/Poser &lt;vos&gt; jours/, 'the text under it, escaped');
like($page->body, qr{href="https://notes\.example\.org/"}, 'the link');
unlike($page->body, qr/Comptes/, 'nothing of other groups');
like($page->body, qr{action="/otp/logout"}, 'and the way out');
$nginx->stop;

# A server's own list replaces that of http.
$nginx = start_nginx(3, http => 'otp_application Un /un/;', server => 'otp_application Deux /deux/; location /otp/ { otp_portal; }');
is_deeply([ map { $_->{name} } @{ list('marie.dupont') } ], ['Deux'], "a server's own list");
$nginx->stop;

$nginx = start_nginx(3, http => 'otp_application Un /un/;', server => 'location /otp/ { otp_portal; }');
is_deeply([ map { $_->{name} } @{ list('marie.dupont') } ], ['Un'], 'or the inherited one');
$nginx->stop;

$nginx = start_nginx(3, server => 'location /otp/ { otp_portal; }');
is_deeply(list('marie.dupont'), [], 'or none');

done_testing();
