#!/bin/bash
# Instructions that a request costs above bare nginx, under callgrind: no more than were admitted (docs/profile.md).
# PROFILE=FILE: which functions they are of.
set -u

cd "$(dirname "$0")/.." || exit 1
out=build${TEST_BUILD:+/$TEST_BUILD}
test=build/test
mkdir -p "$test"
broken() { echo "instructions: $*"; echo "0 passed, 1 failed"; exit 1; }

command -v valgrind > /dev/null || broken "there is no valgrind"
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I. ${TEST_CFLAGS:-} -o "$test/session_make" \
    tests/instructions/session_make.c "$out/libotpcore.a" -lhiredis -ljansson -lstoken -lcrypto -lcrypt ||
    broken "session_make is not built"
exec python3 -B tests/instructions/run.py "$out" "$test/session_make" ${PROFILE:+--profile "$PROFILE"}
