#!/bin/bash
# Checks the model of exactly-once acceptance (README.md): what must hold holds in every state that can be reached, and
# each rule, taken out, makes an assertion fail.  One line a variant; the last one says how many passed and failed.
set -u

cd "$(dirname "$0")" || exit 1
model=$PWD/once.pml
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

for tool in spin gcc; do
    command -v "$tool" > /dev/null || { echo "model: there is no $tool"; echo "0 passed, 1 failed"; exit 1; }
done

# search DIRECTORY -D…: the output is in DIRECTORY/log.  Most of the time goes into compiling, unless the search is long.
search() {
    local fast=-O0
    [[ $* != *-DFAULTS=2* && $* != *-DNODES=3* ]] || fast=-O2
    mkdir -p "$1" && cd "$1" && shift || return
    {
        spin -a "$@" "$model" && gcc $fast -w -DSAFETY -DCOLLAPSE -DMEMLIM=1900 -o pan pan.c && ./pan -m100000 -w24
    } > log 2>&1
}

# The result of one variant.  "errors: 0" of a search that was completed, or a broken assertion; all else is a failure,
# such as running out of memory, or a deadlock, which is an error too.
judge() {
    local log=$1/log expected=$2 sentence=$3 found=failed states
    shift 3
    states=$(sed -nE 's/^ *([0-9]+) states, stored.*/\1/p' "$log")
    if grep -qE 'max search depth too small|out of memory|memory limit' "$log"; then
        found='not completed'
    elif grep -q 'errors: 0$' "$log"; then
        found=holds
    elif grep -q 'errors: 1$' "$log" && grep -q '^pan:1: assertion violated' "$log"; then
        found=breaks
    fi
    if [ "$found" = "$expected" ]; then
        echo "ok - $sentence: $found (${states:-0} states)"
    else
        echo "not ok - $sentence: $found (${states:-0} states) [$*]"
        tail -n 5 "$log" | sed 's/^/    /'
    fi
}

# check holds|breaks SENTENCE -D…: two at a time.
count=0
check() {
    local directory=$out/$((count += 1))
    {
        (search "$directory" "${@:3}")
        judge "$directory" "$@" > "$out/$count.result"
        cat "$out/$count.result"
        rm -rf "$directory"
    } &
    [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
}

echo "# the rules"
check holds 'no fault, three submissions, forms sent again' -DFAULTS=0 -DFLOWS=3 -DAGAIN
check holds 'one fault, forms sent again' -DFAULTS=1 -DAGAIN
check holds 'two faults' -DFAULTS=2
check holds 'replicas=1, one replica, split brain' -DFAULTS=1 -DREPLICAS=1 -DSPLIT_BRAIN
check holds 'replicas=2, both replicas, split brain' -DFAULTS=1 -DNODES=3 -DREPLICAS=2 -DSPLIT_BRAIN
check holds 'split brain, the workers of one gateway' -DFAULTS=1 -DSPLIT_BRAIN -DONE_GATEWAY -DNO_CRASH
check holds 'a key that counts, one gateway that does not crash' -DFAULTS=1 -DEVENTS -DONE_GATEWAY -DNO_CRASH

wait
echo "# one of them taken out"
check breaks 'no compare-and-set' -DFAULTS=0 -DNO_CAS
check breaks 'no floor' -DFAULTS=1 -DNO_FLOOR
check breaks 'no floor, replicas=1' -DFAULTS=1 -DREPLICAS=1 -DNO_FLOOR
check breaks 'a floor without the window beyond it' -DFAULTS=1 -DBEYOND=0
check breaks 'no second look at the floor when the record is written' -DFAULTS=1 -DNO_SECOND_LOOK
check breaks "no master's name in the data" -DFAULTS=2 -DNO_NAME_IN_DATA
check breaks 'the name is the run_id, which a promotion does not change' -DFAULTS=2 -DNAME_IS_RUN_ID
check breaks 'replicas=1, but nobody waits for them' -DFAULTS=1 -DREPLICAS=1 -DSPLIT_BRAIN -DNO_WAIT_ON_REPLICAS
check breaks 'no memory of the gateway' -DFAULTS=1 -DSPLIT_BRAIN -DONE_GATEWAY -DNO_CRASH -DNO_MEMORY
check breaks 'a memory that is written and not looked at in one' \
    -DFAULTS=1 -DSPLIT_BRAIN -DONE_GATEWAY -DNO_CRASH -DNO_CLAIM_OF_MEMORY
check breaks 'no answer is kept' -DFAULTS=0 -DFLOWS=3 -DAGAIN -DNO_ONCE
check breaks 'the record does not say which form it was' -DFAULTS=0 -DFLOWS=3 -DAGAIN -DNO_CLAIM
check breaks 'the record is not read again when only memory speaks against a code' \
    -DFAULTS=0 -DFLOWS=3 -DAGAIN -DNO_READ_AGAIN

wait
echo "# what is not promised"
check breaks 'split brain without replicas' -DFAULTS=1 -DSPLIT_BRAIN
check breaks 'split brain, replicas=1 of two' -DFAULTS=1 -DSPLIT_BRAIN -DNODES=3 -DREPLICAS=1
check breaks 'a key that counts, two gateways' -DFAULTS=1 -DEVENTS
check breaks 'a key that counts, replicas=1, and a master that starts again without its last writes' \
    -DFAULTS=1 -DEVENTS -DREPLICAS=1
check breaks 'a clock that is ahead by more than the window, both lessons of it lost' -DFAULTS=1 -DFLOWS=3 -DDRIFT
check breaks 'a form sent again while another one is written in between' -DFAULTS=0 -DFLOWS=3 -DAGAIN -DCROSSING

wait
passed=$(cat "$out"/*.result | grep -c '^ok - ')
echo "$passed passed, $((count - passed)) failed"
[ "$passed" -eq "$count" ] && [ "$passed" -gt 0 ]
