#!/bin/sh
# Two gateways, one Redis: races, revocation, faults, secrets at rest.  Arguments: tests to run (test_races …).
cd "$(dirname "$0")/.." || exit 1
exec python3 -B tests/gateways/run.py "$@"
