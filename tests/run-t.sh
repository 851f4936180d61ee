#!/bin/bash
# The module in nginx: every file in t/ (Test::Nginx and plain Test::More), in one world of Redis, key
# ring, people and application under build/t/.  Arguments, if any, are the files to run.
#
# The module and otpctl are those of BUILD=sanitize, so that a wrong access to memory is a failure, too.
#
#     tests/run-t.sh t/otp_require.t          T_BUILD=release tests/run-t.sh
set -u

cd "$(dirname "$0")/.." || exit 1
top=$PWD
variant=${T_BUILD:-sanitize}
out=$top/build/$variant
[ "$variant" != release ] || out=$top/build
ports=${OTP_PORTS:-8300} redis_port=${OTP_REDIS_PORT:-7300}
world=$top/build/t
pids=()

stop() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null
    done
    wait 2>/dev/null
}
trap stop EXIT
broken() { echo "run-t: $*"; echo "0 passed, 1 failed"; exit 1; }

lib=$(tests/fetch-test-nginx.sh) || broken "no Test::Nginx"
make --no-print-directory -s -j"$(nproc)" BUILD="$variant" all || broken "it does not build with BUILD=$variant"

rm -rf "$world"
mkdir -p "$world/redis" "$world/gateway/logs" "$world/servroot"
redis-server --bind 127.0.0.1 --port "$redis_port" --unixsocket "$world/redis.sock" --unixsocketperm 700 --dir "$world/redis" --save '' \
    --appendonly yes --logfile "$world/redis.log" --maxmemory-policy noeviction &
pids+=($!)
for _ in $(seq 50); do [ -S "$world/redis.sock" ] && break; sleep 0.1; done
[ -S "$world/redis.sock" ] || broken "Redis does not start: $(tail -n 3 "$world/redis.log")"

export OTP_WORLD=$world OTP_PORTS=$ports OTP_REDIS_PORT=$redis_port OTP_TEMPLATES=$top/lua-free-conf/templates
export OTPCTL=$out/otpctl OTP_MODULE=$out/ngx_http_otp_module.so
export PERL5LIB=$lib:$top/t/lib
export TEST_NGINX_BINARY=${TEST_NGINX_BINARY:-/usr/sbin/nginx} TEST_NGINX_LOAD_MODULES=$OTP_MODULE
export TEST_NGINX_SERVROOT=$world/servroot TEST_NGINX_ERROR_LOG=$world/errors-of-all.log TEST_NGINX_LOG_LEVEL=info
export TEST_NGINX_SERVER_PORT=127.0.0.1:$ports TEST_NGINX_CLIENT_PORT=$ports TEST_NGINX_STREAM_PORT=$((ports + 8))
export TEST_NGINX_APPLICATION=127.0.0.1:$((ports + 2)) TEST_NGINX_WORLD=$world TEST_NGINX_TEMPLATES=$OTP_TEMPLATES
if [ "$variant" = sanitize ]; then
    TEST_NGINX_LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
    export TEST_NGINX_LD_PRELOAD ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0:log_path=$world/sanitizer
    export UBSAN_OPTIONS=print_stacktrace=1:log_path=$world/sanitizer
fi

"$OTPCTL" keyring init "$world/keyring" > /dev/null || broken "otpctl keyring init"
perl -e '
    use strict;
    my $hash = crypt "craie-et-tableau-7", q{$6$rounds=1000$nichtsalzig};
    my @people = (
        [ "marie.dupont", "Marie Dupont", "teachers,staff" ], [ "jean.martin", "Jean Martin", "accounting,staff" ],
        [ "agent.support", "Agent Support", "helpdesk,staff" ], [ "agent.second", "Second Agent", "helpdesk,staff" ],
        [ "zoe.html", q{<script>alert("é")</script>}, "staff" ], [ "key.shared", "Key Shared", "teachers,staff" ],
        [ "key.emergency", "Key Emergency", "staff" ], map { [ sprintf("k%03d", $_), "Person $_", "staff" ] } 1 .. 999 );
    print "$$_[0]:$hash:$$_[1]:$$_[0]\@example.org:$$_[2]\n" for @people;
    print "bare.hash:$hash\n", "no.password:!\n", "empty.password:\n", "md5.password:\$1\$abcdefgh\$\n";
' > "$world/people"
chmod 600 "$world/people"

perl t/lib/echo-application.pl $((ports + 2)) &
pids+=($!)

# The gateway where tests sign people in.
perl -MOtpTest -e '
    OtpTest::write_config("$ENV{OTP_WORLD}/gateway", "$ENV{OTP_WORLD}/gateway/nginx.conf", port(1),
        main => "daemon off;", server => "location /otp/ { otp_portal; }")' || broken "configuration of the gateway"
env ${TEST_NGINX_LD_PRELOAD:+LD_PRELOAD="$TEST_NGINX_LD_PRELOAD"} "$TEST_NGINX_BINARY" -p "$world/gateway/" \
    -e "$world/gateway/logs/error.log" -c "$world/gateway/nginx.conf" 2> "$world/gateway/start.log" &
pids+=($!)
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$((ports + 1))") 2>/dev/null && break; sleep 0.1; done
kill -0 "${pids[-1]}" 2>/dev/null || broken "the gateway does not start: $(cat "$world/gateway/start.log")"

log=$world/prove.log
# (Test::Nginx wants its own names for the sanitizer's logs, and says so each time.)
prove -r --timer "${@:-t/}" 2>&1 | grep -v '^unknown log name' | tee "$log"
status=${PIPESTATUS[0]}

# prove: `Files=3, Tests=27, …` and, for each file that failed, `t/x.t (Wstat: … Tests: 9 Failed: 2)`;
# a file that stopped early has no failed test there, but did fail.
tests=$(sed -nE 's/^Files=[0-9]+, Tests=([0-9]+).*/\1/p' "$log")
failed=$(sed -nE 's/.*\(Wstat: .*Tests: [0-9]+ Failed: ([0-9]+)\)$/\1/p' "$log" |
    awk '{ n += $1 > 0 ? $1 : 1; seen += $1 } END { print n + 0, seen + 0 }')
read -r failures counted <<< "$failed"
passed=$((${tests:-0} - counted))
[ "$status" -eq 0 ] || [ "$failures" -gt 0 ] || failures=1

# Not one line that an operator would be alarmed by, in all the logs of all the tests.
alarming=$(grep -hE '\[(alert|emerg)\]|AddressSanitizer|runtime error:|exited on signal' \
    "$world"/errors-of-all.log "$world"/*/logs/error.log "$world"/sanitizer.* 2>/dev/null | sort | uniq -c | head -n 20)
if [ -n "$alarming" ]; then
    printf 'alarming lines in the error logs:\n%s\n' "$alarming"
    failures=$((failures + 1))
else
    passed=$((passed + 1))
fi

echo "$passed passed, $failures failed"
[ "$failures" -eq 0 ]
