#!/bin/sh
# So many minutes of everything: people, the helpdesk, a reload each minute, a restart of Redis each five.
cd "$(dirname "$0")/.." || exit 1
GATEWAYS_PORT=${GATEWAYS_PORT:-8420}
export GATEWAYS_PORT
exec python3 -B tests/faults/soak.py "$@"
