# Cookies that are not a session of ours: no session, no error, no long computation.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes 'time';
use OtpTest;

my $nginx = start_nginx(3, http => 'large_client_header_buffers 8 64k;',
    server => 'location /app/ { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }');
my ($name, $value) = split /=/, password_cookie('marie.dupont'), 2;

sub answer { $nginx->browser->get('/app/', @_) }

is(answer(Cookie => "$name=$value")->status, 200, 'the cookie as it was set');
is(answer(Cookie => "a=b; $name=$value; c=d")->status, 200, 'between others');
is(answer(Cookie => "a=$name=junk; $name=$value")->status, 200, "beside another's value that looks like ours");

my %bad = (
    'empty'                   => "$name=",
    'no value'                => $name,
    'one byte'                => "$name=x",
    '8 KiB'                   => "$name=" . 'A' x 8192,
    'bad base64'              => "$name=" . '*' x 43,
    'cut'                     => "$name=" . substr($value, 0, -1),
    'one character more'      => "$name=${value}A",
    'another last character'  => "$name=" . substr($value, 0, -1) . (substr($value, -1) eq 'A' ? 'E' : 'A'),
    'a byte above ASCII'      => "$name=" . substr($value, 0, -1) . "\xe9",
    "inside another's value"  => "other=$name=$value",
    'split by a comma'        => "a=b, $name=$value",
    'name in capitals'        => uc($name) . "=$value",
    'name that only ends so'  => "x$name=$value",
    'a traversal'             => "$name=../../etc/passwd",
    'a glob'                  => "$name=*",
);
for my $what (sort keys %bad) {
    my $answer = answer(Cookie => $bad{$what});
    is($answer->status, 401, "$what: no session");
    unlike($answer->{raw}, qr/X-Application/, "$what: the application is not reached");
}
like(answer(Cookie => "$name=\0")->status, qr/^4/, 'NUL is refused');

# Two of ours: somebody planted one. Never a mixture, and never the planted one's owner.
my $other = (split /=/, password_cookie('jean.martin'), 2)[1];
is(answer(Cookie => "$name=$value; $name=$other")->status, 401, 'two good ones: no session');
like(answer(Cookie => "$name=" . 'A' x 43 . "; $name=$value")->status, qr/^(200|401)$/, 'a planted one in front: no error');

my $start = time;
is(answer(Cookie => join('; ', map { "c$_=v" } 1 .. 1000))->status, 401, 'a thousand cookies');
is(answer(Cookie => join('; ', map { "$name=$_" } 1 .. 1000))->status, 401, 'a thousand of ours');
is(answer(map { (Cookie => "$name=$_") } 1 .. 50)->status, 401, 'fifty Cookie headers');
cmp_ok(time - $start, '<', 2, 'in no time');
is(answer(Cookie => 'a=b', Cookie => "$name=$value")->status, 200, 'in the second Cookie header');
is(answer(Cookie => qq{$name="$value"})->status, 200, 'in quotes, as RFC 6265 allows');

unlike($nginx->log, qr/\[(alert|crit|emerg)\]/, 'nothing alarming in the log');
done_testing();
