#!/bin/sh
# What is thrown at it: black-box attacks on two running gateways.  Arguments: tests to run (test_cookie …).
cd "$(dirname "$0")/.." || exit 1
GATEWAYS_PORT=${GATEWAYS_PORT:-8360}
export GATEWAYS_PORT
exec python3 -B tests/attacks/run.py "$@"
