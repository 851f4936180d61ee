# otp_password_file FILE: uid:crypt(3)-hash[:name:email:group,group].
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my $file = world('own-people');
my $server = 'location /otp/ { otp_portal; }';

sub people { open my $out, '>', $file or die; print $out @_; close $out; chmod 0600, $file }
sub hash { my ($setting) = @_; my $hash = crypt 'secret-7', $setting; $hash && $hash =~ /^\$/ ? $hash : undef }

my %hash = (
    sha512   => hash('$6$rounds=1000$salt'),
    sha256   => hash('$5$rounds=1000$salt'),
    bcrypt   => hash('$2b$04$abcdefghijklmnopqrstuv'),
    yescrypt => hash('$y$j75$abcdefghijklmnop'),
);
people(
    "# a comment\n\n",
    (map { "$_:$hash{$_}\n" } grep { $hash{$_} } sort keys %hash),
    "Upper.Case:$hash{sha512}:Upper Case:upper\@example.org:staff\n",
    "twice:$hash{sha512}\n", "twice:!\n",
    "star:*\nexclamation:!\nempty:\nplain:secret-7\ndes:" . (crypt('secret-7', 'ab') // 'abxx') . "\n",
    "md5:\$1\$abcdefgh\$1b5VRkUJXVxLZ9aSmUZpv0\napr1:\$apr1\$abcdefgh\$x\nsha:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n",
    "storm:\$6\$rounds=999999999\$salt\$x\n",
    "no-colon\n", ":no-name\n",
);
my $nginx = start_nginx(3, http => "otp_password_file $file;", server => $server);
my $status = sub { $nginx->browser->login(@_)->status };

for my $name (sort keys %hash) {
    SKIP: {
        skip "this system has no $name", 2 unless $hash{$name};
        is($status->($name, 'secret-7'), 200, "$name: the right password");
        is($status->($name, 'secret-8'), 401, "$name: a wrong one");
    }
}
is($status->('upper.case', 'secret-7'), 200, 'a name is compared in its canonical form');
is($status->('twice', 'secret-7'), 200, 'the first of two lines counts');
for my $name ('star', 'exclamation', 'empty', 'plain', 'des', 'md5', 'apr1', 'sha', 'no-colon', '') {
    is($status->($name, 'secret-7'), 401, "$name: never matches");
    is($status->($name, ''), 401, "$name: nor does the empty password");
}
my $start = time;
is($status->('storm', 'secret-7'), 401, 'a planted number of rounds');
cmp_ok(time - $start, '<', 3, 'does not hang a thread');
isnt($status->('sha512', 'secret-7' . "\n"), 200, 'a newline is not cut off');
is($status->('bcrypt', 'x' x 73), 401, 'what bcrypt would cut is refused');

# A change of the file is seen without a reload.
sleep 1;
people("newcomer:$hash{sha512}:New Comer:new\@example.org:staff\n");
my $after = 0;
for (1 .. 30) {
    $after = $status->('newcomer', 'secret-7');
    last if $after == 200;
    select undef, undef, undef, 0.1;
}
is($after, 200, 'a person who was added can sign in');
is($status->('sha512', 'secret-7'), 401, 'one who was removed cannot');
my $browser = $nginx->browser;
$browser->login('newcomer', 'secret-7');
is($browser->session->json->{user}, 'newcomer');

unlink $file;
my $answer = $nginx->browser->login('newcomer', 'secret-7');
is($answer->status, 503, 'a file that cannot be read is no "unknown person"') or diag($answer->{raw});
$nginx->stop;

done_testing();
