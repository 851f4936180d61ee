#!/bin/bash
# Searches with every harness of tests/fuzz, or with those that are named, for so many seconds each:
#
#   fuzz.sh SECONDS [NAME…]     AFL=1: AFL++ instead of libFuzzer     JOBS=2: so many at a time
#
# Begins with the corpora of the tree and with what was found before (build/fuzz/corpus, build/afl/out); prints the
# executions of each.  An input that breaks a harness is kept in build/fuzz/crashes or build/afl/crashes, and the search
# has failed.
set -u

cd "$(dirname "$0")/.." || exit 1
seconds=$1
shift
variant=fuzz compiler=clang
if [ -n "${AFL:-}" ]; then
    variant=afl compiler=afl-clang-fast
fi
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz: SECONDS=$seconds: say a number of seconds" >&2; exit 1; }
jobs=${JOBS:-$(nproc)}
out=$PWD/build/$variant
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=${source##*/fuzz_}
        names+=("${name%.c}")
    done
fi

# afl-clang-fast says much that is no matter of ours.
export AFL_QUIET=1 AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1
programs=()
for name in "${names[@]}"; do
    [ -e "tests/fuzz/fuzz_$name.c" ] || { echo "fuzz: FUZZ=$name: no tests/fuzz/fuzz_$name.c" >&2; exit 1; }
    programs+=("build/$variant/tests/fuzz/fuzz_$name")
done
echo "building (BUILD=$variant CC=$compiler)"
make --no-print-directory -s -j"$jobs" BUILD="$variant" CC="$compiler" "${programs[@]}" || exit 1
mkdir -p "$out/log" "$out/corpus" "$out/out" "$out/crashes"
before=$(find "$out/crashes" -type f | wc -l)

# What a fuzzer must not stop for: a leak is looked for at the end of each run, an allocation that fails gives NULL.
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

search_libfuzzer() {
    local name=$1
    mkdir -p "$out/corpus/$name"
    "$out/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix="$out/crashes/$name-" "$out/corpus/$name" "tests/fuzz/corpus/$name" > "$out/log/$name" 2>&1
    local status=$?
    awk -v name="$name" -v status="$status" '
        /^stat::number_of_executed_units/ { executions = $2 }
        /^stat::average_exec_per_sec/ { speed = $2 }
        /^stat::new_units_added/ { new = $2 }
        /SUMMARY:/ { found = $0 }
        END { printf "%-20s %12d executions %8d/s %6d new inputs  %s\n", name, executions, speed, new,
              status ? "FAILED: " found : "nothing found" }' "$out/log/$name"
    return "$status"
}

search_afl() {
    local name=$1 stats=$out/out/$1/default/fuzzer_stats input=tests/fuzz/corpus/$1 found
    [ ! -d "$out/out/$name" ] || input=-
    # It would only pass over an input of the tree that breaks the harness.
    if ! "$out/tests/fuzz/fuzz_$name" "tests/fuzz/corpus/$name"/* > "$out/log/$name" 2>&1; then
        printf '%-20s FAILED: its corpus breaks it: build/%s/log/%s\n' "$name" "$variant" "$name"
        return 1
    fi
    # AFL++ wants to be told where it aborts: of what it runs, and of what the sanitizers find there.
    ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0:allocator_may_return_null=1 \
        UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:symbolize=0 \
        afl-fuzz -m none -t 20000 -V "$seconds" -i "$input" -o "$out/out/$name" -- "$out/tests/fuzz/fuzz_$name" \
        > "$out/log/$name" 2>&1 || { tail -n 5 "$out/log/$name"; return 1; }
    found=$(find "$out/out/$name" -path '*crashes*' -name 'id:*' | wc -l)
    find "$out/out/$name" -path '*crashes*' -name 'id:*' | while read -r file; do
        cp "$file" "$out/crashes/$name-$(sha1sum < "$file" | cut -c 1-40)"
    done
    awk -v name="$name" -v found="$found" '
        /^execs_done/ { executions = $3 }
        /^execs_per_sec/ { speed = $3 }
        /^corpus_found/ { new = $3 }
        END { printf "%-20s %12d executions %8d/s %6d new inputs  %s\n", name, executions, speed, new,
              found + 0 ? "FAILED: " found " crashes" : "nothing found" }' "$stats"
    [ "$found" -eq 0 ]
}

search() {
    if [ "$variant" = afl ]; then
        search_afl "$1"
    else
        search_libfuzzer "$1"
    fi
}

failed=0
for name in "${names[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n || failed=1
    done
    search "$name" &
done
while [ -n "$(jobs -p)" ]; do
    wait -n || failed=1
done
after=$(find "$out/crashes" -type f | wc -l)
if [ "$failed" -ne 0 ] || [ "$after" -ne "$before" ]; then
    echo "fuzz: something was found: build/$variant/crashes, build/$variant/log"
    exit 1
fi
