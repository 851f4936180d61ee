# otp_redis ADDR… [db=N] [prefix=otp:] [timeout=1s] [user=U] [password_file=F] [tls]…: where sessions live.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);
use OtpTest;

my $server = '
    location /otp/ { otp_portal; }
    location /app/ { otp_require password; proxy_pass http://127.0.0.1:' . port(2) . '; }
    location /open/ { proxy_pass http://127.0.0.1:' . port(2) . '; }';
my $tcp = $ENV{OTP_REDIS_PORT};
my $socket = world('redis.sock');

sub gateway { start_nginx(3, http => "otp_redis $_[0];", server => $server) }
sub signs_in { my $browser = $_[0]->browser; $browser->login('marie.dupont', password()); $browser }

subtest 'a unix socket, and host:port: the same Redis' => sub {
    my $nginx = gateway("127.0.0.1:$tcp");
    is($nginx->browser->get('/app/', Cookie => password_cookie('marie.dupont'))->status, 200,
        'a session made over the socket is good over TCP');
    $nginx->stop;
};

subtest 'prefix=: two installations in one Redis' => sub {
    my $nginx = gateway("unix:$socket prefix=other:");
    is($nginx->browser->get('/app/', Cookie => password_cookie('marie.dupont'))->status, 401, "the other's sessions are not ours");
    is(signs_in($nginx)->get('/app/')->status, 200);
    like(redis_cli('--scan', '--pattern', 'other:*'), qr/^other:sess:/m, 'every name begins with it');
    $nginx->stop;
};

subtest 'db=' => sub {
    my $nginx = gateway("unix:$socket db=3");
    is(signs_in($nginx)->get('/app/')->status, 200);
    like(redis_cli('-n', 3, 'dbsize'), qr/^\D*[1-9]/, 'it is in that database');
    $nginx->stop;
};

subtest 'password_file= and user=' => sub {
    redis_cli(qw(acl setuser gate on >un-secret ~* &* +@all));
    for my $good (1, 0) {
        my $file = world('redis-password');
        unlink $file;
        open my $out, '>', $file or die;
        print $out $good ? "un-secret\n" : "faux\n";
        close $out;
        chmod 0600, $file;
        my $nginx = gateway("unix:$socket user=gate password_file=$file");
        is($nginx->browser->get('/otp/health')->status, $good ? 200 : 503, $good ? 'right' : 'wrong: no Redis for us');
        unlike($nginx->log, qr/un-secret|faux/, 'not in the log');
        $nginx->stop;
    }
    redis_cli(qw(acl deluser gate));
};

subtest 'several addresses: the first that answers' => sub {
    my $nginx = gateway("unix:$socket.gone unix:$socket timeout=500ms");
    my $status = 0;
    for (1 .. 50) {
        $status = $nginx->browser->get('/otp/health')->status;
        last if $status == 200;
        sleep 0.1;
    }
    is($status, 200);
    $nginx->stop;
};

subtest 'Redis that hangs: answered within the timeout, then at once' => sub {
    my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => port(6), Listen => 5, ReuseAddr => 1) or die $!;
    my $nginx = gateway('127.0.0.1:' . port(6) . ' timeout=500ms');
    my $cookie = password_cookie('marie.dupont');
    my $start = time;
    is($nginx->browser->get('/app/', Cookie => $cookie)->status, 503);
    cmp_ok(time - $start, '<', 2, 'in time');
    is($nginx->browser->get('/open/')->status, 200, 'public pages are untouched');
    $nginx->stop;
};

subtest 'Redis that talks nonsense' => sub {
    my $pid = fork;
    if (!$pid) {
        my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => port(7), Listen => 5, ReuseAddr => 1) or exit 1;
        $SIG{ALRM} = sub { exit };
        alarm 20;
        while (my $client = $listener->accept) { sysread $client, my $x, 4096; print $client "HTTP/1.1 200 OK\r\n\r\n"; close $client }
        exit;
    }
    sleep 0.3;
    my $nginx = gateway('127.0.0.1:' . port(7) . ' timeout=500ms');
    is($nginx->browser->get('/app/', Cookie => password_cookie('marie.dupont'))->status, 503);
    is($nginx->browser->get('/open/')->status, 200, 'the worker is alive');
    unlike($nginx->log, qr/\[alert\]|signal/, 'nothing alarming');
    kill 'TERM', $pid;
    waitpid $pid, 0;
    $nginx->stop;
};

subtest 'errors of Redis are never a success' => sub {
    my $replies = 0;
    for my $error ('OOM command not allowed', 'READONLY replica', 'LOADING', 'MISCONF', 'NOAUTH required', 'MASTERDOWN') {
        my $pid = fork;
        if (!$pid) {
            my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => port(7), Listen => 5, ReuseAddr => 1) or exit 1;
            $SIG{ALRM} = sub { exit };
            alarm 20;
            $SIG{CHLD} = 'IGNORE';
            while (my $client = $listener->accept) {
                next if fork;
                while (sysread $client, my $x, 65536) {
                    my @command = $x =~ /^\*\d+\r$/mg;
                    syswrite $client, $x =~ /^PING\r$/mi ? "+PONG\r\n" x @command : "-$error\r\n" x @command;
                }
                exit;
            }
            exit;
        }
        sleep 0.3;
        my $nginx = gateway('127.0.0.1:' . port(7) . ' timeout=500ms');
        my $answer = $nginx->browser->get('/app/', Cookie => password_cookie('marie.dupont'));
        is($answer->status, 503, $error);
        unlike($answer->{raw}, qr/X-Application/);
        $nginx->stop;
        kill 'TERM', $pid;
        waitpid $pid, 0;
    }
};

done_testing();
