# otp_audit_retention [events=N] [age=TIME]: how much of the audit Redis keeps.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(sleep time);
use OtpTest;

my $portal = 'location /otp/ { otp_portal; }';
my $day = 86400;

# A world of keys of its own: events whose ids say when they were written, 500 to a stream, 400 of them old.
sub fill {
    my ($prefix, $age_days) = @_;
    redis_cli('EVAL', <<'LUA', '0', $prefix, sprintf('%d', (time - $age_days * $day) * 1000), sprintf '%d', time * 1000);
        for tag = 0, 15 do
            local stream = ARGV[1] .. 'events:{' .. string.format('%x', tag) .. '}'
            for n = 1, 400 do redis.call('XADD', stream, string.format('%.0f-%d', ARGV[2], n), 'e', 'old') end
            for n = 1, 100 do redis.call('XADD', stream, string.format('%.0f-%d', ARGV[3], n), 'e', 'new') end
        end
LUA
}

sub lengths {
    my ($prefix) = @_;
    return map { my $length = redis_cli('XLEN', sprintf '%sevents:{%x}', $prefix, $_); 0 + $length } 0 .. 15;
}

sub wait_for {
    my ($condition) = @_;
    for (1 .. 100) {
        return 1 if $condition->();
        sleep 0.1;
    }
    return 0;
}

sub gateway {
    my ($prefix, $line) = @_;
    return start_nginx(3, http => 'otp_redis unix:' . world('redis.sock') . " prefix=$prefix;\n$line", server => $portal);
}

subtest 'age: what is older goes, what is younger stays' => sub {
    fill('trim1:', 31);
    my $nginx = gateway('trim1:', 'otp_audit_retention age=30d;');
    ok(wait_for(sub { !grep { $_ > 200 } lengths('trim1:') }), 'the old ones of all 16 streams, but for a block') or diag(join ' ', lengths('trim1:'));
    ok(!(grep { $_ < 100 } lengths('trim1:')), 'no young one');
    unlike($nginx->log, qr/otp_audit_retention/, 'nothing to complain about');
    $nginx->stop;
};

subtest 'by default 400 days' => sub {
    fill('trim2:', 399);
    fill('trim3:', 401);
    my @gateway = (gateway('trim2:', ''));
    sleep 4;
    is_deeply([ lengths('trim2:') ], [ (500) x 16 ], 'of 399 days: kept');
    $_->stop for @gateway;
    my $nginx = gateway('trim3:', '');
    ok(wait_for(sub { !grep { $_ > 200 } lengths('trim3:') }), 'of 401 days: gone');
    $nginx->stop;
};

subtest 'age=0: whatever their age' => sub {
    fill('trim4:', 4000);
    my $nginx = gateway('trim4:', 'otp_audit_retention age=0;');
    sleep 4;
    is_deeply([ lengths('trim4:') ], [ (500) x 16 ], 'all are there');
    $nginx->stop;
};

subtest 'a Redis user who may not trim is told of' => sub {
    my $secret = world('trim-secret');
    open my $file, '>', $secret or die;
    print $file "trim\n";
    close $file;
    chmod 0600, $secret;
    redis_cli(qw(ACL SETUSER trimmer on >trim ~* +@all -xtrim));
    my $nginx = start_nginx(3, http => 'otp_redis unix:' . world('redis.sock') . " user=trimmer password_file=$secret;", server => $portal);
    ok(wait_for(sub { $nginx->log =~ /\[error\].*otp_audit_retention.*NOPERM.*\+xtrim/ }), 'in the error log') or diag($nginx->log);
    is($nginx->browser->login('marie.dupont', password())->json->{verdict}, 'ok', 'and people sign in all the same');
    $nginx->stop;
    redis_cli(qw(ACL DELUSER trimmer));
};

subtest 'events: what a stream holds, about' => sub {
    my $nginx = gateway('trim5:', 'otp_audit_retention events=1000;');
    redis_cli('EVAL', <<'LUA', '0');
        for n = 1, 3000 do for tag = 0, 15 do redis.call('XADD', 'trim5:events:{' .. string.format('%x', tag) .. '}', '*', 'e', 'x') end end
LUA
    $nginx->browser->login('marie.dupont', password());
    my @short = grep { $_ < 3000 } lengths('trim5:');
    is(scalar @short, 1, 'the one that was written to') or diag(join ' ', lengths('trim5:'));
    cmp_ok($short[0], '<', 1200, 'holds about a thousand now');
    cmp_ok($short[0], '>=', 1000, 'not fewer');
    $nginx->stop;
};

subtest 'an end of the gateway does not wait for the next hour' => sub {
    my $nginx = gateway('trim6:', 'otp_audit_retention age=30d;');
    my $start = time;
    $nginx->stop;
    cmp_ok(time - $start, '<', 3, 'it stops at once');
};

for my $case (
    [ 'otp_audit_retention;',                      qr/number of arguments/ ],
    [ 'otp_audit_retention events=10;',            qr/events.*say 1000 to 100000000/ ],
    [ 'otp_audit_retention events=many;',          qr/"many" for "events="/ ],
    [ 'otp_audit_retention events=-1;',            qr/events/ ],
    [ 'otp_audit_retention events=999999999999;',  qr/events/ ],
    [ 'otp_audit_retention age=1h;',               qr/age=.*one day/ ],
    [ 'otp_audit_retention age=old;',              qr/"old" for "age="/ ],
    [ 'otp_audit_retention age=100y;',             qr/age/ ],
    [ 'otp_audit_retention size=1g;',              qr/"size=1g".*events=, age=/ ],
    [ 'otp_audit_retention age=2d age=3d;',        qr/given twice/ ],
    [ "otp_audit_retention age=2d;\notp_audit_retention age=2d;", qr/duplicate/ ],
) {
    my ($wrong, $message) = @$case;
    my ($text, $status) = check_config(http => $wrong, server => $portal);
    isnt($status, 0, "$wrong is refused");
    like($text, qr/\[emerg\].*$message.*nginx\.conf:\d+/, 'with the reason and the line') or diag($text);
}
like((check_config(server => "otp_audit_retention age=2d; $portal"))[0], qr/not allowed here/, 'not in a server');
is((check_config(http => 'otp_audit_retention events=1000 age=1d;', server => $portal))[1], 0, 'both at their least');
done_testing();
