#!/bin/bash
# People in a browser: tests/journeys/*.test.mjs in Chromium against a demo of their own (build/journeys).
# Arguments, if any, are the files to run.  Pictures of every page go to build/screenshots/.
set -u

cd "$(dirname "$0")/.." || exit 1
top=$PWD
export DEMO_PORT=${JOURNEYS_PORT:-8340} DEMO_STATE=$top/build/journeys DEMO_BUILD=$top/build DEMO_PERIOD=5
export SCREENSHOTS=$top/build/screenshots
DEMO_PEOPLE=$(printf 'p%02d ' $(seq 60))
export DEMO_PEOPLE

broken() { echo "run-journeys: $*"; echo "0 passed, 1 failed"; exit 1; }

cd tests/journeys || exit 1
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --no-fund --no-audit || broken "npm cannot install the browser's driver"
    touch node_modules/.package-lock.json
fi
"$top/lua-free-conf/demo/demo.sh" start > "$top/build/journeys.log" 2>&1 || broken "$(tail -n 5 "$top/build/journeys.log")"
trap '"$top/lua-free-conf/demo/demo.sh" stop > /dev/null' EXIT

log=$(mktemp)
node --test --test-reporter=tap "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
passed=$(sed -n 's/^# pass //p' "$log" | tail -n 1)
failed=$(sed -n 's/^# \(fail\|cancelled\) //p' "$log" | awk '{ n += $1 } END { print n + 0 }')
rm -f "$log"
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1

if grep -hE '\[(alert|emerg|crit)\]|AddressSanitizer|exited on signal' "$DEMO_STATE"/*.log; then
    failed=$((failed + 1))
fi
echo "${passed:-0} passed, $failed failed"
[ "$failed" -eq 0 ]
