# otp_redis … tls [tls_ca=F] [tls_name=H]: the certificate must be trusted and bear the right name.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes 'sleep';
use OtpTest;

my $folder = world('tls');
my $tls_port = $ENV{OTP_REDIS_PORT} + 1;
mkdir $folder;
sub openssl { my ($text, $status) = OtpTest::run(undef, 'openssl', @_); die "openssl @_: $text" if $status }
openssl(qw(req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=redis.example -addext subjectAltName=DNS:redis.example),
    '-keyout', "$folder/redis.key", '-out', "$folder/redis.crt");
openssl(qw(req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other.example),
    '-keyout', "$folder/other.key", '-out', "$folder/other.crt");

my $pid = fork;
if (!$pid) {
    open STDOUT, '>', "$folder/redis.log";
    exec 'redis-server', '--bind', '127.0.0.1', '--port', 0, '--tls-port', $tls_port, '--tls-cert-file', "$folder/redis.crt",
        '--tls-key-file', "$folder/redis.key", '--tls-auth-clients', 'no', '--save', '', '--dir', $folder;
    exit 1;
}
END { kill 'TERM', $pid if $pid }
for (1 .. 50) {
    last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $tls_port);
    sleep 0.1;
}

sub health {
    my ($setting) = @_;
    my $nginx = start_nginx(3, http => "otp_redis $setting timeout=2s;", server => 'location /otp/ { otp_portal; }');
    my $status = $nginx->browser->get('/otp/health')->status;
    my $log = $nginx->log;
    $nginx->stop;
    return ($status, $log);
}

my ($status, $log) = health("127.0.0.1:$tls_port tls tls_ca=$folder/redis.crt tls_name=redis.example");
is($status, 200, 'trusted, and the right name') or diag($log);
($status, $log) = health("127.0.0.1:$tls_port tls tls_ca=$folder/other.crt tls_name=redis.example");
is($status, 503, 'not trusted');
like($log, qr/certificate|verif/i, 'and the log says so');
($status, $log) = health("127.0.0.1:$tls_port tls tls_ca=$folder/redis.crt tls_name=other.example");
is($status, 503, 'another name');
($status, $log) = health("127.0.0.1:$tls_port tls tls_ca=$folder/redis.crt");
is($status, 503, 'the address is not in the certificate');
($status, $log) = health("127.0.0.1:$tls_port");
is($status, 503, 'no TLS towards a server that wants it');
($status, $log) = health("127.0.0.1:$ENV{OTP_REDIS_PORT} tls tls_ca=$folder/redis.crt tls_name=redis.example");
is($status, 503, 'TLS towards a server that has none');
unlike($log, qr/\[(alert|emerg)\]/, 'nothing alarming');
done_testing();
