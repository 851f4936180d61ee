#!/bin/bash
# otpctl from outside: every tests/otpctl/test_*.py, against servers of its own (OTPCTL_TEST_PORT: the one TCP port,
# for TLS; OTPCTL_TESTS: only these, without test_ and .py).
set -u

cd "$(dirname "$0")/.." || exit 1
out=build${TEST_BUILD:+/$TEST_BUILD}
test=build/test
mkdir -p "$test"
passed=0 failed=0
# Debian's own, which has Debian's aiosmtpd, before any other.
python=$(command -v /usr/bin/python3 || echo python3)

# What otpctl itself cannot make.
for source in tests/otpctl/*_make.c; do
    program=$test/$(basename "${source%.c}")
    if ! "${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I. ${TEST_CFLAGS:-} -o "$program" "$source" \
        "$out/libotpcore.a" -lhiredis -ljansson -lstoken -lcrypto -lcrypt; then
        echo "$source: not built"
        failed=$((failed + 1))
    fi
done

arguments() {
    case $1 in
    test_otpctl) echo "$out/otpctl" "$test/record_make" docs/man/otpctl.8 ;;
    test_notify) echo "$out/otpctl" "$test/mail_make" lua-free-conf/templates lua-free-conf/redis/otp.acl ;;
    *)           echo "$out/otpctl" "$test/record_make" ;;
    esac
}

for source in tests/otpctl/test_*.py; do
    name=$(basename "${source%.py}")
    log=$test/$name.tap
    [[ " ${OTPCTL_TESTS:-${name#test_}} " == *" ${name#test_} "* ]] || continue
    echo "# $name"
    # shellcheck disable=SC2046
    "$python" -B "$source" $(arguments "$name") | tee "$log"
    status=${PIPESTATUS[0]}
    p=$(grep -c '^ok ' "$log") f=$(grep -c '^not ok ' "$log")
    planned=$(sed -nE '1s/^1\.\.([0-9]+)$/\1/p' "$log")
    # A run that broke off is a failure, whatever it had passed before.
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ] || [ $((p + f)) -ne "${planned:-0}" ]; then
        echo "# $name broke off (exit status $status)"
        f=$((f + 1))
    fi
    passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
