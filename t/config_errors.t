# Each wrong value fails `nginx -t` with the file, the line and the reason.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

my ($text, $status) = check_config(server => 'location /otp/ { otp_portal; } location /app/ { otp_require otp; }');
is($status, 0, 'the configuration that the others are made from is good') or diag($text);

my $loose = world('loose');
system 'cp', world('keyring'), $loose;
chmod 0644, $loose;
my $junk = world('junk');
open my $file, '>', $junk or die;
print $file "not a key ring\n";
close $file;
chmod 0600, $junk;
my $open = world('open-people');
system 'cp', world('people'), $open;
chmod 0666, $open;

# [ what is wrong, where it stands, the text, what the message says ]
my @wrong = (
    [ 'no value',                       http   => 'otp_redis;',                             qr/invalid number of arguments|otp_redis/ ],
    [ 'a host without port',            http   => 'otp_redis localhost:;',                  qr/otp_redis|port/ ],
    [ 'a port too high',                http   => 'otp_redis 127.0.0.1:70000;',             qr/otp_redis|port/ ],
    [ 'an option nobody knows',         http   => 'otp_redis 127.0.0.1:6379 colour=blue;',  qr/colour.*one of .*tls_ca=.*timeout=/ ],
    [ 'a negative database',            http   => 'otp_redis 127.0.0.1:6379 db=-1;',        qr/db/ ],
    [ 'a database that is no number',   http   => 'otp_redis 127.0.0.1:6379 db=x;',         qr/db/ ],
    [ 'no time at all',                 http   => 'otp_redis 127.0.0.1:6379 timeout=0;',    qr/timeout/ ],
    [ 'a time that is none',            http   => 'otp_redis 127.0.0.1:6379 timeout=soon;', qr/timeout/ ],
    [ 'a prefix too long',              http   => 'otp_redis 127.0.0.1:6379 prefix=' . 'p' x 100 . ';', qr/prefix/ ],
    [ 'a password file that is not there', http => 'otp_redis 127.0.0.1:6379 password_file=/nowhere/file;', qr{/nowhere/file} ],
    [ 'Redis twice',                    http   => "otp_redis 127.0.0.1:1;\n otp_redis 127.0.0.1:2;", qr/duplicate/ ],
    [ 'Redis in a server',              server => 'otp_redis 127.0.0.1:6379;',              qr/not allowed here/ ],

    [ 'a key ring that is not there',   http   => 'otp_keyring /nowhere/ring;',             qr{/nowhere/ring} ],
    [ 'a key ring others can read',     http   => "otp_keyring $loose;",                    qr/mode 0644; run "chmod 600 / ],
    [ 'a file that is no key ring',     http   => "otp_keyring $junk;",                     qr/line|key ?ring/ ],
    [ 'a folder for a key ring',        http   => 'otp_keyring /tmp;',                      qr{key ring .*/tmp} ],
    [ 'two key rings',                  http   => "otp_keyring $loose $loose;",             qr/invalid number of arguments/ ],
    [ 'a key ring in a location',       server => "location /x/ { otp_keyring $loose; }",   qr/not allowed here/ ],

    [ 'no people',                      http   => 'otp_password_file /nowhere/people;',     qr{/nowhere/people} ],
    [ 'people whom others can change',  http   => "otp_password_file $open;",               qr/mode 0666; run "chmod o-rwx / ],

    [ 'idle of nothing',                http   => 'otp_session idle=0;',                    qr/idle/ ],
    [ 'a lifetime of nothing',          http   => 'otp_session lifetime=0;',                qr/lifetime/ ],
    [ 'a negative lifetime',            http   => 'otp_session lifetime=-1h;',              qr/lifetime/ ],
    [ 'a lifetime that is no time',     http   => 'otp_session lifetime=long;',             qr/lifetime/ ],
    [ 'a session option nobody knows',  http   => 'otp_session colour=blue;',               qr/colour/ ],
    [ 'an option twice',                http   => 'otp_session idle=1m idle=2m;',           qr/idle|duplicate/ ],
    [ 'otp_session twice',              http   => "otp_session idle=1m;\n otp_session idle=2m;", qr/duplicate/ ],

    [ 'a cookie name with a blank',     http   => 'otp_cookie "name=a b";',                 qr/name/ ],
    [ 'a cookie name with =',           http   => 'otp_cookie name=a=b;',                   qr/name/ ],
    [ 'a cookie without a name',        http   => 'otp_cookie name=;',                      qr/name/ ],
    [ 'samesite of one\'s own',         http   => 'otp_cookie samesite=sometimes;',         qr/samesite/ ],
    [ 'samesite=none without secure',   http   => 'otp_cookie samesite=none secure=off;',   qr/samesite|secure/ ],
    [ 'secure that is neither',         http   => 'otp_cookie secure=maybe;',               qr/secure/ ],
    [ 'a domain with a semicolon',      http   => 'otp_cookie "domain=a;b";',               qr/domain/ ],

    [ 'a level nobody knows',           server => 'otp_require key;',                       qr/key/ ],
    [ 'a level in capitals',            server => 'otp_require OTP;',                       qr/OTP/ ],
    [ 'no level',                       server => 'otp_require;',                           qr/invalid number of arguments/ ],
    [ 'max_age of nothing',             server => 'otp_require otp max_age=0;',             qr/max_age/ ],
    [ 'max_age that is no time',        server => 'otp_require otp max_age=old;',           qr/max_age/ ],
    [ 'emergency that is neither',      server => 'otp_require otp emergency=maybe;',       qr/emergency/ ],
    [ 'an option nobody knows',         server => 'otp_require otp colour=blue;',           qr/colour/ ],
    [ 'a level twice',                  server => "otp_require otp;\n otp_require otp;",    qr/duplicate/ ],

    [ 'nobody allowed',                 server => 'otp_allow;',                             qr/invalid number of arguments/ ],
    [ 'an empty group',                 server => 'otp_allow group=;',                      qr/group/ ],
    [ 'a portal that is proxied',        server => 'location /x/ { otp_portal; proxy_pass http://127.0.0.1:1; }', qr/otp_portal.*proxy_pass.* in .*:\d+/ ],
    [ 'a list without a guard',         server => 'location /x/ { otp_allow group=a; }',    qr/otp_allow.*otp_require/ ],
    [ 'neither group nor user',         server => 'otp_allow teachers;',                    qr/teachers/ ],
    [ 'a user with a blank',            server => 'otp_allow "user=a b";',                  qr/a b/ ],

    [ 'a portal address that is none',  server => 'otp_portal_url portal;',                 qr/portal/ ],
    [ 'a portal by ftp',                server => 'otp_portal_url ftp://example.org/;',     qr/ftp/ ],
    [ 'a portal address that is empty', server => 'otp_portal_url "";',                     qr/invalid address/ ],
    [ 'a portal in a server',           server => 'otp_portal;',                            qr/not allowed here/ ],
    [ 'a portal with an argument',      server => 'location /x/ { otp_portal on; }',        qr/invalid number of arguments/ ],

    [ 'first use by chance',            server => 'otp_first_use sometimes;',               qr/sometimes/ ],
    [ 'identity that is neither',       server => 'otp_identity maybe;',                    qr/maybe|"on" or "off"|invalid value/ ],

    [ 'a limit nobody knows',           http   => 'otp_limits colour=3;',                   qr/colour/ ],
    [ 'a limit of nothing',             http   => 'otp_limits lock=0;',                     qr/lock/ ],
    [ 'a negative limit',               http   => 'otp_limits lock=-1;',                    qr/lock/ ],
    [ 'a huge limit',                   http   => 'otp_limits lock=99999999999999999999;',  qr/lock/ ],
    [ 'a limit that is no number',      http   => 'otp_limits lock=ten;',                   qr/lock/ ],
    [ 'a look-ahead of nothing',        http   => 'otp_limits look_ahead=0;',               qr/look_ahead/ ],
    [ 'a look-ahead too far',           http   => 'otp_limits look_ahead_wide=101;',        qr/"look_ahead_wide=": say 1 to 100/ ],
    [ 'look_ahead above the wide one',  http   => 'otp_limits look_ahead=60;',              qr/look_ahead=.*above.*look_ahead_wide=.*50/ ],
    [ 'a queue of nothing',             http   => 'otp_limits hash_queue=0;',               qr/"hash_queue=": say 1 to 256/ ],
    [ 'a queue too long',               http   => 'otp_limits hash_queue=257;',             qr/"hash_queue=": say 1 to 256/ ],
    [ 'a wait too long',                http   => 'otp_limits hash_wait=61s;',              qr/hash_wait/ ],
    [ 'a PIN of three digits',          http   => 'otp_limits pin_min=3;',                  qr/pin_min/ ],
    [ 'pin_min above pin_max',          http   => 'otp_limits pin_min=6 pin_max=4;',        qr/pin_m/ ],

    [ 'an application without address', http   => 'otp_application Notes;',                 qr/invalid number of arguments/ ],
    [ 'an application at an address of no kind', http => 'otp_application Notes notes;',    qr/notes/ ],
    [ 'a script for an address',        http   => 'otp_application Notes javascript:alert(1);', qr/javascript/ ],
    [ 'an application of no level',     http   => 'otp_application Notes /n/ level=high;',  qr/level/ ],
    [ 'an application option nobody knows', http => 'otp_application Notes /n/ colour=blue;', qr/colour/ ],

    [ 'a support option nobody knows',  http   => 'otp_support fax=1;',                     qr/fax/ ],
    [ 'a language nobody speaks here',  http   => 'otp_language fr zz;',                    qr/zz/ ],
    [ 'a language that is a path',      http   => 'otp_language ../fr;',                    qr/\.\./ ],
    [ 'a language twice',               http   => 'otp_language fr fr;',                    qr/fr|duplicate/ ],
    [ 'an empty host',                  server => 'otp_redirect_hosts "";',                 qr/otp_redirect_hosts|host/ ],
    [ 'a host with a path',             server => 'otp_redirect_hosts example.org/x;',      qr{example\.org/x} ],
    [ 'an audit file in no folder',     http   => 'otp_audit /nowhere/audit.log;',          qr{/nowhere/audit\.log} ],
    [ 'metrics with an argument',       server => 'location /m { otp_metrics on; }',        qr/invalid number of arguments/ ],

    [ 'a guard without Redis',          bare   => 'server { listen 127.0.0.1:8309; location / { otp_require otp; } }', qr/otp_redis/ ],
);

for my $case (@wrong) {
    my ($what, $where, $line, $message) = @$case;
    my @part = $where eq 'bare' ? (http => $line, bare => 1, no_server => 1)
        : (server => 'location /otp/ { otp_portal; }', $where => $line);
    my ($text, $status) = check_config(@part);
    isnt($status, 0, "$what: refused");
    my ($emerg) = $text =~ /^(.*\[emerg\].*)$/m;
    like($emerg // '', $message, "$what: says why") or diag($text);
    like($emerg // '', qr{nginx\.conf:\d+}, "$what: says where") unless $where eq 'bare';
    unlike($emerg // '', qr/\bit in \S+:\d+|: :|:  /, "$what: in one piece");
}

# [ what answers before the guard does, the location, whether nginx -t warns ]
for my $case (
    [ 'a text beside a guard',              'location /x/ { otp_require otp; return 200 "secret"; }',             1 ],
    [ 'a text under a condition',           'location /x/ { otp_require otp; set $a 1; if ($a) { return 200 "secret"; } }', 1 ],
    [ 'a text where the guard is inherited', 'otp_require password; location /x/ { return 201 $uri; }',           1 ],
    [ 'a text beside a portal',             'location /x/ { otp_portal; return 200 "welcome"; }',                 1 ],
    [ 'a redirect',                         'location /x/ { otp_require otp; return 301 /y/; }',                  0 ],
    [ 'an error',                           'location /x/ { otp_require otp; if ($arg_a) { return 403; } }',      0 ],
    [ 'nothing',                            'location /x/ { otp_require otp; if ($arg_a) { return 204; } }',      0 ],
    [ 'a text in an open location',         'location /x/ { otp_require otp; } location /y/ { return 200 "hello"; }', 0 ],
) {
    my ($what, $server, $warns) = @$case;
    my ($text, $status) = check_config(server => "location /otp/ { otp_portal; } $server");
    is($status, 0, "$what: accepted") or diag($text);
    my $warned = $text =~ /\[warn\].*"return 20\d" in location "\/x\/" answers before/;
    is($warned ? 1 : 0, $warns, $warns ? "$what: with a warning" : "$what: without a warning") or diag($text);
}
done_testing();
