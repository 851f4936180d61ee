#!/bin/bash
# The core's tests: every tests/unit/test_*.c (cmocka) and every fuzzer over its corpus, with the
# address and undefined-behaviour sanitizers in.
set -u

cd "$(dirname "$0")/.." || exit 1
variant=${TEST_BUILD:-sanitize}
out=build/$variant
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
passed=0 failed=0

if ! make --no-print-directory -s -k -j"$(nproc)" BUILD="$variant" unit harnesses; then
    echo "not everything was built"
    failed=1
fi

# cmocka's own words: `[  PASSED  ] N test(s).`, `[  FAILED  ] N test(s), listed below:`.
count() {
    sed -nE "s/^\[ +$1 +\] ([0-9]+) test\(s\).*/\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for source in tests/unit/test_*.c; do
    [ -e "$source" ] || continue
    program=$out/${source%.c}
    [ -x "$program" ] || { echo "$source: not built"; failed=$((failed + 1)); continue; }
    "$program" > "$log" 2>&1
    status=$?
    p=$(count PASSED "$log") f=$(count FAILED "$log")
    [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
    if [ "$f" -ne 0 ] || [ "$p" -eq 0 ]; then
        cat "$log"
        echo "$source: exit status $status"
        [ "$f" -ne 0 ] || f=1
    else
        echo "$(grep -hE '^\[ +PASSED' "$log" | tail -n 1) $source"
    fi
    passed=$((passed + p)) failed=$((failed + f))
done

# One file of a corpus is one test.
for source in tests/fuzz/fuzz_*.c; do
    [ -e "$source" ] || continue
    program=$out/${source%.c} name=${source#tests/fuzz/fuzz_}
    name=${name%.c}
    corpus=tests/fuzz/corpus/$name
    [ -d "$corpus" ] || { echo "$source: no corpus ($corpus)"; failed=$((failed + 1)); continue; }
    [ -x "$program" ] || { echo "$source: not built"; failed=$((failed + 1)); continue; }
    if "$program" "$corpus" > "$log" 2>&1; then
        n=$(tail -n 1 "$log" | sed -nE 's/^([0-9]+) inputs replayed$/\1/p')
        echo "[  PASSED  ] ${n:-0} inputs $source"
        passed=$((passed + ${n:-0}))
        [ "${n:-0}" -gt 0 ] || failed=$((failed + 1))
    else
        tail -n 60 "$log"
        echo "$source: failed"
        failed=$((failed + 1))
    fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
