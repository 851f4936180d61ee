package OtpTest;

# What the tests in t/ share: the world (one Redis, one key ring, people, an application that echoes
# its request, a gateway with the portal) and browsers that sign in there.
#
# The world is started by tests/run-t.sh, which tells where it is by the environment (OTP_WORLD, OTP_PORTS).
# Sessions are in Redis, so a cookie got from the world's gateway is good in the nginx of a test, too.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha1);
use Exporter 'import';
use Fcntl qw(:flock);
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
    world port with_world http_config password password_cookie otp_cookie
    start_nginx check_config otpctl redis_cli new_key new_uid code wait_for_quiet_step browser percent helpdesk_agent
);

our $World = $ENV{OTP_WORLD} or die "OTP_WORLD is not set: run tests/run-t.sh\n";
our $Ports = $ENV{OTP_PORTS} || 8300;
our $Nginx = $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx';

# Ports: +0 nginx of Test::Nginx, +1 the world's gateway, +2 the echoing application, +3.. of a test's own.
sub port     { $Ports + ($_[0] || 0) }
sub world    { $World . (@_ ? "/$_[0]" : '') }
sub password { "craie-et-tableau-7" }
sub percent  { my $text = shift; $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge; $text }

# The directives that every gateway of the tests has.
sub http_config {
    my (%but) = @_;
    my %line = (
        otp_redis         => 'unix:' . world('redis.sock'),
        otp_keyring       => world('keyring'),
        otp_templates     => $ENV{OTP_TEMPLATES},
        otp_password_file => world('people'),
        otp_cookie        => 'secure=off',
        otp_limits        => 'address_free=100000 password_free=1000',
        otp_audit         => 'off',
        %but,
    );
    return join '', map { "    $_ $line{$_};\n" } grep { defined $line{$_} } sort keys %line;
}

# A block preprocessor of Test::Nginx: gives the block the directives above; those the block
# has itself in its http_config stay as they are there.
sub with_world {
    my $block = shift;
    my $own = $block->http_config // '';
    my %without = map { $_ => undef } $own =~ /^\s*(otp_\w+)/mg;
    $block->set_value(http_config => http_config(%without) . $own);
    my $headers = $block->more_headers;
    $block->set_value(more_headers => "$headers\n") if defined $headers && !ref $headers && $headers !~ /\n\z/;
    $block->set_value(suppress_stderr => 1) unless defined $block->suppress_stderr;     # warnings are in the log, too
}

# One file that cannot go on is one failure; Test::Nginx would end the whole run.
if ($INC{'Test/Nginx/Util.pm'}) {
    no warnings;
    *Test::Nginx::Util::bail_out = *Test::Nginx::Socket::bail_out = sub { Test::More::fail("@_"); exit 1 };
}

# --- HTTP without a library: tests must see every byte ------------------------------------------------

package OtpTest::Answer;

sub status   { $_[0]{status} }
sub body     { $_[0]{body} }
sub headers  { my ($self, $name) = @_; map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $self->{headers} } }
sub header   { my @all = headers(@_); $all[0] // '' }
sub json     { my $value = eval { JSON::PP::decode_json($_[0]{body}) }; ref $value ? $value : {} }
sub location { my $at = $_[0]->header('Location'); length $at ? $at : $_[0]->json->{location} // '' }

package OtpTest::Browser;

sub new { my ($class, %self) = @_; bless { host => '127.0.0.1', cookie => {}, accept => 'application/json', %self }, $class }

sub cookie_header { my $self = shift; join '; ', map { "$_=$self->{cookie}{$_}" } sort keys %{ $self->{cookie} } }

# The pair of the session: what a test's own nginx is given.
sub session_cookie {
    my $self = shift;
    my ($name) = grep { /^(__Host-)?otp$/ } keys %{ $self->{cookie} };
    return defined $name ? "$name=$self->{cookie}{$name}" : undef;
}

sub remember {
    my ($self, $answer) = @_;
    for my $line ($answer->headers('Set-Cookie')) {
        my ($name, $value, $rest) = $line =~ /^([^=]+)=([^;]*)(.*)$/ or next;
        if ($value eq '' or $rest =~ /max-age=(0|-)/i) {
            delete $self->{cookie}{$name};
        } else {
            $self->{cookie}{$name} = $value;
        }
    }
}

# request('GET', '/path', [Name => value, ...], body): one connection, one answer.
sub request {
    my ($self, $method, $path, $headers, $body) = @_;
    my @headers = @{ $headers || [] };
    my %given = map { lc $_ => 1 } @headers[ grep { !($_ % 2) } 0 .. $#headers ];
    unshift @headers, Host => "$self->{host}:$self->{port}" unless $given{host};
    push @headers, Accept => $self->{accept} unless $given{accept};
    push @headers, Cookie => $self->cookie_header if %{ $self->{cookie} } && !$given{cookie};
    push @headers, 'Content-Length' => length $body if defined $body && !$given{'content-length'};
    my $text = "$method $path HTTP/1.1\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $value\r\n";
    }
    $text .= "Connection: close\r\n\r\n" . ($body // '');

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 10)
        or die "cannot connect to port $self->{port}: $!\n";
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no answer to $method $path\n" };
    alarm 20;
    print $socket $text;
    my $all = '';
    while (sysread $socket, my $part, 65536) { $all .= $part }
    alarm 0;

    my ($head, $rest) = split /\r\n\r\n/, $all, 2;
    my ($first, @lines) = split /\r\n/, $head // '';
    my $answer = bless {
        status  => ($first // '') =~ m{^HTTP/1\.\d (\d+)} ? $1 : 0,
        headers => [ map { [ split /:\s*/, $_, 2 ] } @lines ],
        body    => $rest // '',
        raw     => $all,
    }, 'OtpTest::Answer';
    $answer->{body} = _dechunked($answer->{body}) if $answer->header('Transfer-Encoding') =~ /chunked/i;
    $self->remember($answer);
    return $answer;
}

sub _dechunked {
    my $text = shift;
    my $out = '';
    while ($text =~ s/^([0-9a-fA-F]+)[^\r\n]*\r\n//) {
        last unless hex $1;
        $out .= substr $text, 0, hex $1, '';
        $text =~ s/^\r\n//;
    }
    return $out;
}

sub get { my ($self, $path, @headers) = @_; $self->request('GET', $path, \@headers) }

sub form {
    my %field = @_;
    return join '&', map { OtpTest::percent($_) . '=' . OtpTest::percent($field{$_}) }
        grep { defined $field{$_} } sort keys %field;
}

sub post {
    my ($self, $path, $fields, @headers) = @_;
    return $self->request('POST', $path,
        [ 'Content-Type' => 'application/x-www-form-urlencoded', @headers ], ref $fields ? form(%$fields) : $fields);
}

# Fetches the page for its csrf value and sends the form with it.
sub submit {
    my ($self, $page, %fields) = @_;
    my $portal = $self->{portal} // '/otp/';
    my $csrf = $self->get($portal . ($page eq 'logout' ? 'session' : $page))->json->{csrf};
    return $self->post($portal . $page, { csrf => $csrf, %fields });
}

sub login {
    my ($self, $uid, $password, %more) = @_;
    return $self->submit('login', username => $uid, method => 'password', password => $password, %more);
}

sub login_passcode {
    my ($self, $uid, $passcode, %more) = @_;
    return $self->submit('login', username => $uid, method => 'passcode', passcode => $passcode, %more);
}

sub passcode { my ($self, $passcode, %more) = @_; $self->submit('passcode', passcode => $passcode, %more) }
sub pin      { my ($self, $pin, $again) = @_; $self->submit('pin', pin => $pin, pin_confirm => $again // $pin) }

# The same browser at another gateway.
sub at { my ($self, $nginx) = @_; return bless { %$self, port => $nginx->{port}, cookie => { %{ $self->{cookie} } } }, ref $self }

# A form of somebody who is signed in: key, activity/end, helpdesk/user/UID/ACTION…
sub send {
    my ($self, $path, %fields) = @_;
    return $self->post(($self->{portal} // '/otp/') . $path, { csrf => $self->session->json->{csrf}, %fields });
}

sub act { my ($self, $path, %fields) = @_; $self->send("helpdesk/$path", %fields) }
sub session  { my $self = shift; $self->get(($self->{portal} // '/otp/') . 'session') }

# First use of a key, from its six digits to the finished sign-in, without waiting: the code before the
# current one opens the PIN page and the current one ends it.  Leaves the next code for the test.
sub first_use {
    my ($self, $uid, $key, $pin) = @_;
    OtpTest::wait_for_quiet_step($key->{period});
    my $step = int(time / $key->{period});
    for my $sent (
        [ 'six digits', pin_required   => sub { $self->login_passcode($uid, OtpTest::code($key, $step - 1)) } ],
        [ 'the PIN',    wait_next_code => sub { $self->pin($pin) } ],
        [ 'PIN + code', ok             => sub { $self->passcode($pin . OtpTest::code($key, $step)) } ],
    ) {
        my ($what, $expected, $send) = @$sent;
        my $answer = $send->();
        die "first use of $uid: $what: ", $answer->status, ' ', $answer->body, "\n"
            unless ($answer->json->{verdict} // '') eq $expected;
    }
    $key->{step} = $step;
    return $self;
}

package OtpTest;

sub browser { OtpTest::Browser->new(port => port(1), @_) }

# --- keys ---------------------------------------------------------------------------------------------

sub run {
    my ($input, @command) = @_;
    my $pid = open my $out, '-|';
    die "fork: $!\n" unless defined $pid;
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        if (defined $input) {
            open my $in, '>', world("stdin.$$") or die;
            print $in $input;
            close $in;
            open STDIN, '<', world("stdin.$$") or die;
            unlink world("stdin.$$");
        }
        exec { $command[0] } @command or exit 127;
    }
    local $/;
    my $text = <$out> // '';
    close $out;
    return wantarray ? ($text, $? >> 8) : $text;
}

sub otpctl    { run(undef, $ENV{OTPCTL}, '--redis', 'unix:' . world('redis.sock'), '--keyring', world('keyring'), @_) }
sub redis_cli { run(undef, 'redis-cli', '-s', world('redis.sock'), @_) }

# Numbers that no other test of this run has had.
sub _ticket {
    open my $file, '+>>', world('ticket') or die "ticket: $!\n";
    flock $file, LOCK_EX;
    print $file '.';
    $file->flush;
    return -s $file;
}

# One of the people k001..k199 of the password file, each given out once.
sub new_uid { sprintf 'k%03d', _ticket() }

# A software key, assigned to $uid: { serial, seed, period, digits }.  With type => 'hotp' the steps of code() are
# presses of its button, from 0 on.
sub new_key {
    my ($uid, %option) = @_;
    my $serial = $option{serial} // sprintf '9%08d', _ticket();
    my @kind = $option{type} ? ('--type', $option{type}) : ('--period', $option{period} // 60);
    my ($text, $status) = otpctl('--json', 'key', 'generate', '--serial', $serial, @kind);
    my ($json) = $text =~ /(\{.*\})/s;
    my $made = eval { JSON::PP::decode_json($json) } or die "otpctl key generate: $status: $text\n";
    my ($secret) = $made->{uri} =~ /[?&]secret=([A-Z2-7]+)/ or die "no secret in what otpctl printed\n";
    ($text, $status) = otpctl('key', 'assign', $serial, $uid);
    die "otpctl key assign: $text\n" if $status;
    return { serial => $serial, seed => base32($secret), period => $option{period} // 60, digits => 6 };
}

sub base32 {
    my $bits = join '', map { sprintf '%05b', index 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_ } split //, shift;
    return pack 'B*', substr $bits, 0, 8 * int(length($bits) / 8);
}

# RFC 6238: what the key shows in a step (default: now).
sub code {
    my ($key, $step) = @_;
    $step //= int(time / $key->{period});
    my $hash = hmac_sha1(pack('Q>', $step), $key->{seed});
    my $offset = ord(substr $hash, -1) & 15;
    return sprintf '%06d', (unpack('N', substr $hash, $offset, 4) & 0x7fffffff) % 1_000_000;
}

# Steps are counted by the wall clock: starts late in one only after its end.
sub wait_for_quiet_step {
    my ($period) = @_;
    my $left = $period - time + $period * int(time / $period);
    sleep $left + 0.1 if $left < 10 && $period > 10;
}

# --- cookies of people who signed in at the world's gateway -------------------------------------------

sub password_cookie {
    my ($uid) = @_;
    my $browser = browser();
    my $answer = $browser->login($uid, password());
    return $browser->session_cookie // die "sign-in of $uid: ", $answer->status, ' ', $answer->body, "\n";
}

sub _kept {
    my ($name, $make) = @_;
    open my $file, '+>>', world("cookie.$name") or die "cookie.$name: $!\n";
    flock $file, LOCK_EX;
    seek $file, 0, 0;
    my $cookie = <$file>;
    return $cookie if defined $cookie;
    $cookie = $make->();
    print $file $cookie;
    return $cookie;
}

# A session by key.  Several tests share that of one name; one that ends its session takes new_uid().
sub otp_cookie {
    my $uid = shift // 'key.shared';
    return _kept("otp.$uid", sub { browser()->first_use($uid, new_key($uid), '4071')->session_cookie });
}

# An agent's browser, whose session was opened with a key.  Several tests share it: none may end the session.
sub helpdesk_agent {
    my ($name, $value) = split /=/, otp_cookie(shift // 'agent.support'), 2;
    return browser(cookie => { $name => $value });
}

# --- an nginx of a test's own -------------------------------------------------------------------------

my @started;

# start_nginx($number, http => '...', server => '...', main => '...'): the gateway listens on port($number).
sub start_nginx {
    my ($number, %part) = @_;
    my $root = world("nginx.$number");
    system 'rm', '-rf', $root;
    mkdir $_ for $root, "$root/logs", "$root/html";
    my $self = bless { port => port($number), root => $root }, 'OtpTest::Nginx';
    write_config($root, "$root/nginx.conf", port($number), %part);
    my ($text, $status) = run(undef, command($root));
    die "nginx does not start: $text\n" if $status;
    push @started, $self;
    for (1 .. 100) {
        last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port});
        sleep 0.05;
    }
    return $self;
}

sub command {
    my ($root, @more) = @_;
    my @preload = $ENV{TEST_NGINX_LD_PRELOAD} ? ('env', "LD_PRELOAD=$ENV{TEST_NGINX_LD_PRELOAD}") : ();
    return (@preload, $Nginx, '-p', "$root/", '-e', "$root/logs/error.log", '-c', "$root/nginx.conf", @more);
}

sub write_config {
    my ($root, $path, $port, %part) = @_;
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = join ' ', map { "${_}_temp_path $root/$_;" } qw(client_body proxy fastcgi scgi uwsgi);
    my ($main, $http, $server) = map { $part{$_} // '' } qw(main http server);
    $http = http_config(map { $_ => undef } $http =~ /^\s*(otp_\w+)/mg) . $http unless $part{bare};
    my $body = $part{no_server} ? '' : "    server {\n        listen 127.0.0.1:$port;\n$server\n    }\n";
    open my $file, '>', $path or die "$path: $!\n";
    print $file <<"CONF";
$user
worker_processes 1;
error_log $root/logs/error.log info;
pid $root/nginx.pid;
load_module $ENV{OTP_MODULE};
$main
events { }
http {
    access_log off;
    $temp
$http
$body}
CONF
    close $file;
}

# What `nginx -t` says of a configuration: (text, exit status).
sub check_config {
    my (%part) = @_;
    my $root = world('check');
    mkdir $_ for $root, "$root/logs";
    write_config($root, "$root/nginx.conf", port(9), %part);
    my @command = map { $_ eq "$root/logs/error.log" ? 'stderr' : $_ } command($root, '-t');
    return run(undef, @command);
}

package OtpTest::Nginx;

sub pid  { open my $file, '<', "$_[0]{root}/nginx.pid" or return; my $pid = <$file>; chomp $pid if defined $pid; $pid }
sub log  { open my $file, '<', "$_[0]{root}/logs/error.log" or return ''; local $/; <$file> // '' }
sub browser { my $self = shift; OtpTest::Browser->new(port => $self->{port}, @_) }
sub signal  { my ($self, $name) = @_; my $pid = $self->pid; kill $name, $pid if $pid }

# Ended, although nobody may have fetched its status yet.
sub _alive { open my $file, '<', "/proc/$_[0]/stat" or return 0; my $line = <$file> // ''; $line !~ /\) Z / }

sub stop {
    my $self = shift;
    my $pid = $self->pid or return;
    kill 'QUIT', $pid;
    for (1 .. 500) {
        return unless _alive($pid);
        Time::HiRes::sleep(0.01);
    }
    kill 'KILL', $pid;
}

package OtpTest;

END { my $status = $?; $_->stop for @started; $? = $status }

1;
