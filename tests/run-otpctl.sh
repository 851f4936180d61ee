#!/bin/bash
# otpctl from outside, against a Redis of its own (OTPCTL_TEST_PORT: the one TCP port, for TLS).
set -u

cd "$(dirname "$0")/.." || exit 1
out=build${TEST_BUILD:+/$TEST_BUILD}
mkdir -p build/test
log=build/test/otpctl.tap
make=build/test/record_make

if ! "${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I. ${TEST_CFLAGS:-} -o "$make" tests/otpctl/record_make.c \
    "$out/libotpcore.a" -lhiredis -ljansson -lcrypto -lcrypt; then
    echo "0 passed, 1 failed"
    exit 1
fi
python3 -B tests/otpctl/test_otpctl.py "$out/otpctl" "$make" docs/man/otpctl.8 | tee "$log"
status=${PIPESTATUS[0]}
passed=$(grep -c '^ok ' "$log") failed=$(grep -c '^not ok ' "$log")
planned=$(sed -nE '1s/^1\.\.([0-9]+)$/\1/p' "$log")
# A run that broke off is a failure, whatever it had passed before.
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ] || [ $((passed + failed)) -ne "${planned:-0}" ]; then
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
