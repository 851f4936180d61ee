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

subtest 'a server that throws records away when its memory is short is named loudly' => sub {
    redis_cli(qw(config set maxmemory-policy allkeys-lru));
    my $nginx = gateway("unix:$socket");
    is($nginx->browser->get('/otp/health')->status, 200, 'it is used all the same');
    like($nginx->log, qr/\[error\].*maxmemory-policy is "allkeys-lru": accounts and locks disappear/);
    $nginx->stop;
    redis_cli(qw(config set maxmemory-policy noeviction));
    $nginx = gateway("unix:$socket");
    is($nginx->browser->get('/otp/health')->status, 200);
    unlike($nginx->log, qr/maxmemory-policy/);
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

subtest 'where Redis is: what is refused' => sub {
    my $file = world('sentinel-password');
    open my $out, '>', $file or die;
    print $out "secret\n";
    close $out;
    chmod 0600, $file;
    my $loose = world('loose-password');
    system 'cp', $file, $loose;
    chmod 0644, $loose;
    for my $case (
        [ 'sentinel=',                                    qr/"sentinel=" takes the name/ ],
        [ 'sentinel=a sentinel=b',                        qr/"sentinel=" is given twice/ ],
        [ 'sentinel=' . 'n' x 129,                        qr/"sentinel=" takes the name/ ],
        [ "sentinel_user=u sentinel_password_file=$file", qr/need "sentinel="/ ],
        [ "sentinel_password_file=$file",                 qr/need "sentinel="/ ],
        [ 'sentinel=a sentinel_user=u',                   qr/"sentinel_user=" needs "sentinel_password_file="/ ],
        [ "sentinel=a sentinel_user= sentinel_password_file=$file", qr/"sentinel_user=" takes the name/ ],
        [ 'sentinel=a sentinel_password_file=/nowhere/f', qr{sentinel_password_file "/nowhere/f" cannot be read} ],
        [ "sentinel=a sentinel_password_file=$loose",     qr/sentinel_password_file .* can be reached by others/ ],
        [ 'cluster sentinel=a',                           qr/"cluster" and "sentinel=": a cluster has no Sentinels/ ],
        [ 'cluster db=1',                                 qr/"cluster" and "db=": a cluster has database 0 only/ ],
        [ 'cluster cluster',                              qr/"cluster" is given twice/ ],
        [ 'replicas=-1',                                  qr/"replicas=" takes a number from 0 to 100/ ],
        [ 'replicas=101',                                 qr/"replicas=" takes a number from 0 to 100/ ],
        [ 'replicas=x',                                   qr/"replicas=" takes a number from 0 to 100/ ],
    ) {
        my ($option, $message) = @$case;
        my ($text, $status) = check_config(http => "otp_redis 127.0.0.1:$tcp $option;", server => $server);
        isnt($status, 0, "$option: refused");
        like($text, $message, "$option: says why");
    }
    for my $option ("sentinel=a sentinel_user=u sentinel_password_file=$file replicas=2 db=3", 'replicas=0',
        'sentinel=salle-des-profs', 'replicas=100', 'cluster', 'cluster db=0 replicas=1 prefix=x:')
    {
        my ($text, $status) = check_config(http => "otp_redis 127.0.0.1:$tcp localhost $option;", server => $server);
        is($status, 0, "$option: accepted") or diag($text);
    }
};

subtest 'a cluster: nothing is cached' => sub {
    for my $size ('8m', 'off', undef) {
        my $cache = defined $size ? "otp_session_cache $size;" : '';
        my ($text, $status) = check_config(http => "otp_redis 127.0.0.1:$tcp cluster; $cache", server => $server);
        is($status, 0, ($size // 'no size') . ': accepted') or diag($text);
        my $told = () = $text =~ /\[notice\].*"otp_session_cache": nothing is cached where "otp_redis" is a "cluster"/g;
        is($told, defined $size && $size eq '8m' ? 1 : 0, 'told where a size is written');
    }
};

subtest 'who is no cluster' => sub {
    my $nginx = gateway("127.0.0.1:$tcp cluster timeout=500ms");
    is($nginx->browser->get('/otp/health')->status, 503, 'no Redis for us');
    like($nginx->log, qr/\(map of the cluster\): CLUSTER SLOTS was refused: is it a cluster/, 'and the log says so');
    $nginx->stop;
};

subtest 'who is not a Sentinel, or knows another one' => sub {
    my $nginx = gateway("127.0.0.1:$tcp sentinel=salle timeout=500ms");
    is($nginx->browser->get('/otp/health')->status, 503, 'Redis is not a Sentinel');
    like($nginx->log, qr/\(Sentinel\): master "salle": it refuses SENTINEL/, 'and the log says so');
    is(scalar(() = $nginx->log =~ /it refuses SENTINEL/g), 1, 'once');
    $nginx->stop;
};

# Two Sentinels, made up: each says where the master is, at which epoch, and hangs up.
sub sentinels {
    my (@answers) = @_;
    my @pids;
    for my $number (0 .. $#answers) {
        my ($host, $port, $epoch) = @{ $answers[$number] };
        my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => port(6 + $number), Listen => 5,
            ReuseAddr => 1) or die $!;
        my $pid = fork;
        push @pids, $pid;
        next if $pid;
        $SIG{ALRM} = sub { exit };
        alarm 20;
        while (my $client = $listener->accept) {
            while (sysread $client, my $x, 65536) {
                print $client "+PONG\r\n" if $x =~ /^PING\r$/m;
                next unless $x =~ /GET-MASTER-ADDR-BY-NAME/;
                print $client "*2\r\n", map({ '$' . length($_) . "\r\n$_\r\n" } $host, $port),
                    "*4\r\n", map({ '$' . length($_) . "\r\n$_\r\n" } 'name', 'salle', 'config-epoch', $epoch);
                last;
            }
            close $client;
        }
        exit;
    }
    return @pids;
}

sub with_sentinels {
    my ($check, @answers) = @_;
    my @pids = sentinels(@answers);
    my $nginx = gateway('127.0.0.1:' . port(6) . ' 127.0.0.1:' . port(7) . ' sentinel=salle timeout=1s');
    $check->($nginx);
    unlike($nginx->log, qr/\[(alert|emerg)\]/, 'nothing alarming');
    $nginx->stop;
    kill 'TERM', @pids;
    waitpid $_, 0 for @pids;
}

subtest 'a Sentinel that has not heard of the last failover is not believed' => sub {
    with_sentinels(sub {
        my ($nginx) = @_;
        my @status = map { sleep 0.2; $nginx->browser->get('/otp/health')->status } 1 .. 15;
        is("@status", join(' ', (200) x 15), 'the master stays');
        is(scalar(() = $nginx->log =~ /is at 127\.0\.0\.1:/g), 1, 'found once');
        is(scalar(() = $nginx->log =~ /it is not believed/g), 1, 'told once');
    }, [ '127.0.0.1', $tcp, 5 ], [ '127.0.0.1', 1, 4 ]);
};

subtest 'a Sentinel that has heard of a newer one is' => sub {
    with_sentinels(sub {
        my ($nginx) = @_;
        my $status = 0;
        for (1 .. 30) {
            $status = $nginx->browser->get('/otp/health')->status;
            last if $status == 200;
            sleep 0.1;
        }
        is($status, 200);
        like($nginx->log, qr/master "salle" is at 127\.0\.0\.1:$tcp \(epoch 5\)/);
    }, [ '127.0.0.1', 1, 4 ], [ '127.0.0.1', $tcp, 5 ]);
};

subtest 'a Sentinel that tells names of hosts' => sub {
    with_sentinels(sub {
        my ($nginx) = @_;
        is($nginx->browser->get('/otp/health')->status, 503, 'no Redis for us');
        like($nginx->log, qr/names of hosts are not taken \(Sentinel: announce-hostnames no/);
    }, ([ 'redis.example', $tcp, 5 ]) x 2);
};

# Says who it is as a master does, and `error` to all that is not asked at the beginning of a connection.
sub answers_of {
    my ($error, $text) = @_;
    my $id = 'f' x 40;
    my %first = (PING => "+PONG\r\n", ROLE => "*3\r\n\$6\r\nmaster\r\n:0\r\n*0\r\n", INFO => "\$47\r\nrun_id:$id\r\n",
        GET => "\$42\r\n$id 0\r\n");
    my $out = '';
    for my $command ($text =~ /^\*\d+\r\n\$\d+\r\n(\w+)\r$/mg) {
        $out .= $first{$command} // "-$error\r\n";
    }
    return $out;
}

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
                    syswrite $client, answers_of($error, $x);
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
