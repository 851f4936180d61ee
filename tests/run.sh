#!/bin/bash
# Runs parts of the tests (tests/run-PART.sh each) and adds them up.
#
# A part ends with a line `N passed, N failed`.  One that ends otherwise, or says nothing failed and
# leaves with an error, counts as one failure more: a crash is never a success.
set -u

cd "$(dirname "$0")/.." || exit 1
mkdir -p build/test
passed=0 failed=0 table=

for part in "$@"; do
    log=build/test/$part.log
    printf '\n=== %s\n' "$part"
    script=tests/run-$part.sh
    [ "$part" != source ] || script=tests/source-guards.sh
    "$script" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    sum=$(tail -n 1 "$log" | grep -xE '[0-9]+ passed, [0-9]+ failed') || sum='0 passed, 1 failed (it broke off)'
    read -r p _ f _ <<< "$sum"
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1 sum="$sum, but exit status $status"
    fi
    passed=$((passed + p)) failed=$((failed + f))
    table+=$(printf '%-10s %s' "$part" "$sum")$'\n'
done

printf '\n%s%d passed, %d failed\n' "$table" "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
