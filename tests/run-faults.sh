#!/bin/sh
# Everything breaks: Redis, connections, workers, clocks, disks, networks.  Arguments: tests to run (test_random …).
# FAULTS_ROUNDS and FAULTS_SEED: how many random faults, and which.
cd "$(dirname "$0")/.." || exit 1
GATEWAYS_PORT=${GATEWAYS_PORT:-8420}
GATEWAYS_REDIS_PORT=${GATEWAYS_REDIS_PORT:-7420}
export GATEWAYS_PORT GATEWAYS_REDIS_PORT
exec python3 -B tests/faults/run.py "$@"
