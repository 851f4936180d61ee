# Every directive with 0, a negative number, a huge one, nothing, twice and in the wrong place: `nginx -t` refuses it,
# says why and where, and does not crash.  (Values that are wrong in another way: config_errors.t.)
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use OtpTest;

# Where a directive may stand, and a good use of it.  `again`: it may stand more than once.
my $keyring = world('keyring');
my $people = world('people');
my %directive = (
    otp_redis           => { in => 'main', good => "127.0.0.1:$ENV{OTP_REDIS_PORT}" },
    otp_keyring         => { in => 'main', good => $keyring },
    otp_session_cache   => { in => 'main', good => '1m' },
    otp_audit_retention => { in => 'main', good => 'events=1000' },
    otp_session         => { in => 'srv', good => 'idle=10m' },
    otp_cookie          => { in => 'srv', good => 'name=otp' },
    otp_limits          => { in => 'srv', good => 'lock=10' },
    otp_application     => { in => 'srv', good => 'Notes /notes/', again => 1 },
    otp_support         => { in => 'srv', good => 'email=help@school.example' },
    otp_helpdesk        => { in => 'srv', good => 'group=helpdesk', again => 1 },
    otp_timezone        => { in => 'srv', good => 'Europe/Paris' },
    otp_audit           => { in => 'srv', good => 'off' },
    otp_require         => { in => 'loc', good => 'otp' },
    otp_allow           => { in => 'loc', good => 'group=staff', with => 'otp_require otp;' },
    otp_portal_url      => { in => 'loc', good => '/otp/' },
    otp_password_file   => { in => 'loc', good => $people },
    otp_first_use       => { in => 'loc', good => 'password' },
    otp_activation      => { in => 'loc', good => 'manual' },
    otp_templates       => { in => 'loc', good => $ENV{OTP_TEMPLATES}, with => 'otp_portal;' },
    otp_language        => { in => 'loc', good => 'fr' },
    otp_redirect_hosts  => { in => 'loc', good => 'app.example' },
    otp_identity        => { in => 'loc', good => 'on' },
    otp_portal          => { in => 'only', good => '' },
    otp_metrics         => { in => 'only', good => '' },
);

# Parameters that are numbers or times: [ directive, what stands before, name, the least that is too much ].
my @number = (
    map({ [ 'otp_limits', '', $_->[0], $_->[1] ] }
        [ next_code => 1001 ], [ lock => 1001 ], [ lock_total => 100001 ], [ lock_time => '31d' ], [ pin_min => 13 ],
        [ pin_max => 13 ], [ pin_page => '25h' ], [ window => 11 ], [ wide_window => 101 ], [ password_free => 1001 ],
        [ address_free => 1000001 ], [ look_ahead => 101 ], [ look_ahead_wide => 101 ], [ delay_max => '25h' ],
        [ hash_queue => 257 ], [ hash_wait => '61s' ]),
    [ 'otp_session', '', 'idle', '367d' ], [ 'otp_session', '', 'lifetime', '367d' ],
    [ 'otp_require', 'otp ', 'max_age', '367d' ],
    [ 'otp_audit_retention', '', 'events', '99999999999999' ], [ 'otp_audit_retention', '', 'age', '99999d' ],
    [ 'otp_redis', "$directive{otp_redis}{good} ", 'timeout', '11m' ],
);

# Values that no directive takes, and such as can be the name of a host.
my @odd = ('""', 'x' x 5000);
my @number_alone = (0, -1, '9' x 30);

sub refused {
    my ($what, %part) = @_;
    my ($text, $status) = check_config(server => 'location /otp/ { otp_portal; }', %part);
    my ($emerg) = $text =~ /^(.*\[emerg\].*)$/m;
    ok($status != 0 && $status < 128 && $text !~ /Sanitizer|runtime error/, "$what: refused") or diag($text);
    like($emerg // '', qr{\[emerg\].*(otp_|"\w+=?").*nginx\.conf:\d+|\[emerg\].*nginx\.conf:\d+}, "$what: says where")
        or diag($text);
}

# One directive of ours where it may stand.
sub placed {
    my ($name, $text) = @_;
    my $with = $directive{$name}{with} // '';
    return (http => $text) if $directive{$name}{in} =~ /main|srv/;
    return (server => "location /otp/ { otp_portal; } location /x/ { $with $text }");
}

my $code = join '', map { open my $file, '<', $_ or die; local $/; <$file> } glob 'ngx_http_otp_module/*.c';
my %known = map { $_ => 1 } $code =~ /\{\s*ngx_string\("(otp_\w+)"\),\s*NGX_/g;
is_deeply([ sort keys %directive ], [ sort keys %known ], 'every directive is looked at');

for my $name (sort keys %directive) {
    my ($in, $good) = @{ $directive{$name} }{qw(in good)};
    my $use = $good eq '' ? "$name;" : "$name $good;";
    my ($text, $status) = check_config(server => 'location /otp/ { otp_portal; }', placed($name, $use));
    is($status, 0, "$name: accepted where it belongs") or diag($text);

    refused("$name twice", placed($name, "$use\n $use")) unless $directive{$name}{again} || $in eq 'only';
    refused("$name without a value", placed($name, "$name;")) if $good ne '';
    refused("$name outside http", main => $use);
    refused("$name in a server", server => "location /otp/ { otp_portal; } $use") if $in =~ /main|only/;
    refused("$name in a location", server => "location /otp/ { otp_portal; } location /x/ { $use }")
        if $in =~ /main|srv/;
    refused("$name in http", http => $use) if $in eq 'only';
    refused("$name under a condition",
            server => "location /otp/ { otp_portal; } location /x/ { if (\$arg_a) { $use } }");
    refused("$name in an upstream", http => "upstream u { server 127.0.0.1:1; $use }");
    refused("$name in a block", placed($name, "$name { }")) if $good ne '';
}

for my $case (@number) {
    my ($name, $before, $parameter, $much) = @$case;
    for my $value (0, -1, $much, '9' x 20, 9223372036854775807, '', '1x', '1.5', '0x10') {
        next if $value eq '0' && $parameter eq 'age';       # for ever
        refused("$name $parameter=$value", placed($name, "$name $before$parameter=$value;"));
    }
    refused("$name $parameter= twice", placed($name, "$name $before$parameter=1 $parameter=1;"));
}

for my $name (qw(otp_session_cache otp_require otp_portal_url otp_first_use otp_activation otp_identity otp_timezone
    otp_password_file otp_keyring otp_templates otp_redirect_hosts otp_language otp_support otp_helpdesk otp_cookie
    otp_allow otp_session otp_limits otp_audit_retention otp_redis)) {
    my @wrong = (@odd, $name =~ /^otp_(redis|redirect_hosts)$/ ? () : @number_alone);
    refused("$name " . substr($_, 0, 12), placed($name, "$name $_;")) for @wrong;
}
done_testing();
