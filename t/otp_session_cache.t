# otp_session_cache SIZE|off: sessions kept by a worker, forgotten when Redis says so, and not used when it cannot be heard.
use strict;
use warnings;
use lib 't/lib';
use Digest::SHA;
use Test::More;
use OtpTest;

my $server = '
    location /otp/ { otp_portal; }
    location /app/ {
        otp_require password;
        add_header X-Cache $otp_session_cache always;
        proxy_pass http://127.0.0.1:' . port(2) . ';
    }
    location /figures { otp_metrics; }';
my $secret = world('cache-secret');
open my $file, '>', $secret or die;
print $file "cache\n";
close $file;
chmod 0600, $secret;

sub app { my ($nginx, $cookie) = @_; $nginx->browser->get('/app/', Cookie => $cookie) }

# Asks until the cache answers so, at most for 20 s.
sub until_cache {
    my ($nginx, $cookie, $wanted) = @_;
    for (1 .. 200) {
        return 1 if (app($nginx, $cookie)->header('X-Cache') // '') eq $wanted;
        select undef, undef, undef, 0.1;
    }
    return 0;
}

sub refused_soon {
    my ($nginx, $cookie) = @_;
    for (1 .. 100) {
        return 1 if app($nginx, $cookie)->status == 401;
        select undef, undef, undef, 0.01;
    }
    return 0;
}

sub figure {
    my ($nginx, $name) = @_;
    return $nginx->browser->get('/figures')->{raw} =~ /^\Q$name\E (\d+)/m ? $1 : undef;
}

# --- off, and on

my $off = start_nginx(3, http => 'otp_session_cache off;', server => $server);
my $cookie = password_cookie('marie.dupont');
is(app($off, $cookie)->header('X-Cache'), 'BYPASS', 'off: each request asks Redis') for 1, 2;
$off->stop;

my $one = start_nginx(3, http => 'otp_session_cache 1m;', server => $server);
my $two = start_nginx(4, server => $server);
ok(until_cache($_, $cookie, 'HIT'), 'what was read is kept') for $one, $two;
is($one->browser->get('/app/')->header('X-Cache'), '', 'nobody is asked about a stranger');
my $answer = app($one, $cookie);
like($answer->{raw}, qr/remote-user: marie\.dupont/i, 'from the cache, too, the application hears who it is');
like($answer->{raw}, qr/$_/, "and $_") for qr/remote-groups: \S+/i, qr/x-otp-level: password/i, qr/x-otp-time: \d{10}/i;
cmp_ok(figure($one, 'otp_session_cache_requests_total{result="hit"}'), '>', 1, 'counted');

# --- revocations

my $digest = Digest::SHA::sha256_hex((split /=/, $cookie, 2)[1]);
is(redis_cli('del', "otp:sess:{$digest}"), "1\n", 'the record is there');
ok(refused_soon($_, $cookie), 'a session that Redis lost is refused') for $one, $two;

my $browser = $one->browser;
$browser->login('marie.dupont', password());
$cookie = $browser->session_cookie;
ok(until_cache($two, $cookie, 'HIT'), 'a session of one gateway is kept by another');
browser(cookie => { split /=/, $cookie, 2 })->submit('logout');
ok(refused_soon($_, $cookie), 'after a sign-out at one gateway every one refuses') for $one, $two;

# Redis writes its answer to the next command after it has told the other gateways: the PING is why the answer to the
# person comes after that.
$browser = $one->browser;
$browser->login('marie.dupont', password());
my $watched = world('cache-monitor');
my $monitor = fork // die;
if ($monitor == 0) {
    open STDOUT, '>', $watched or die;
    exec 'redis-cli', '-s', world('redis.sock'), 'monitor';
}
my $seen = sub { open my $in, '<', $watched or return ''; local $/; <$in> // '' };
my $until_seen = sub { my $what = shift; for (1 .. 100) { return 1 if $seen->() =~ $what; select undef, undef, undef, 0.1 } 0 };
ok($until_seen->(qr/^OK/), 'Redis is watched');
$browser->submit('logout');
redis_cli('echo', 'signed out');
ok($until_seen->(qr/"signed out"/), 'signed out');
kill 'TERM', $monitor;
waitpid $monitor, 0;
like($seen->(), qr/"(?:DEL|del)"[^\n]*sess:.*"PING".*"signed out"/s, 'a sign-out is answered one exchange later');

$cookie = password_cookie('marie.dupont');
ok(until_cache($two, $cookie, 'HIT'), 'kept');
my $emptied = figure($two, 'otp_session_cache_emptied_total');
redis_cli('-n', 9, 'flushdb');      # tells the same as FLUSHALL, and leaves what other tests need
for (1 .. 50) {
    last if figure($two, 'otp_session_cache_emptied_total') > $emptied;
    select undef, undef, undef, 0.1;
}
cmp_ok(figure($two, 'otp_session_cache_emptied_total'), '>', $emptied, 'when Redis forgets all, so does the cache');

# --- Redis that cannot be heard

ok(until_cache($two, $cookie, 'HIT'), 'kept');
$emptied = figure($two, 'otp_session_cache_emptied_total');
redis_cli('client', 'kill', 'type', 'pubsub');
ok(until_cache($two, $cookie, 'HIT'), 'after the loss of the connection sessions are kept again');
cmp_ok(figure($two, 'otp_session_cache_emptied_total'), '>', $emptied, 'and what was kept before is gone');

my @rights = qw(on >cache ~otp:* resetchannels -@all +ping +get +mget +set +del +expire +zadd +zrem +zremrangebyscore
    +zscan +zrange +zrevrange +zcard +xadd +xtrim +xrevrange +eval +evalsha);
redis_cli(qw(acl setuser otp-cache reset), @rights);
$one->stop;
$one = start_nginx(3, http => 'otp_redis unix:' . world('redis.sock') . " user=otp-cache password_file=$secret;",
    server => $server);
$cookie = password_cookie('marie.dupont');
is(app($one, $cookie)->status, 200, 'without the right to hear, everything works');
is(app($one, $cookie)->header('X-Cache'), 'BYPASS', 'and nothing is kept');
like($one->log, qr/otp_session_cache: nothing is cached, for Redis refuses CLIENT ID.*otp\.acl/, 'which the log says');

# Who may hear but not publish never knows whether it hears.
redis_cli(qw(acl setuser otp-cache reset), @rights, qw(&__redis__:invalidate &otp:beat:* +subscribe +client|id +client|tracking));
$one->stop;
$one = start_nginx(3, http => 'otp_redis unix:' . world('redis.sock') . " user=otp-cache password_file=$secret;",
    server => $server);
for (1 .. 50) {
    last if $one->log =~ /refuses PUBLISH/;
    select undef, undef, undef, 0.1;
}
like($one->log, qr/nothing is cached, for Redis refuses PUBLISH/, 'no beat, no cache');
is(app($one, $cookie)->header('X-Cache'), 'BYPASS', 'nothing is kept') for 1, 2;

# Redis that hangs: what is kept is not served when the lease is over.
ok(until_cache($two, $cookie, 'HIT'), 'kept');
my ($pid) = redis_cli('info', 'server') =~ /process_id:(\d+)/;
kill 'STOP', $pid;
my $status = 200;
for (1 .. 100) {
    $status = app($two, $cookie)->status;
    last if $status != 200;
    select undef, undef, undef, 0.1;
}
kill 'CONT', $pid;
is($status, 503, 'no longer than the lease');
ok(until_cache($two, $cookie, 'HIT'), 'and kept again afterwards');
$one->stop;
$two->stop;
redis_cli(qw(acl deluser otp-cache));

# --- the directive

$one = start_nginx(3, http => 'otp_session_cache 900000000m;', server => $server);
is(app($one, $cookie)->header('X-Cache'), 'BYPASS', 'a size no machine has: everything works, and nothing is kept');
like($one->log, qr/\[error\].*otp_session_cache: nothing is cached, for there is no memory/, 'which the log says');
$one->stop;

for my $wrong ('otp_session_cache on;', 'otp_session_cache;', 'otp_session_cache 0;', 'otp_session_cache 63k;', 'otp_session_cache -1;',
    'otp_session_cache 1m 2m;', "otp_session_cache 1m;\notp_session_cache 1m;") {
    my ($text, $status) = check_config(http => $wrong, server => $server);
    isnt($status, 0, "$wrong is refused");
    like($text, qr/\[emerg\].*nginx\.conf:\d+/, 'with the line');
}
done_testing();
