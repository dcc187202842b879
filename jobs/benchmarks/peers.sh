#!/usr/bin/env bash
# otfleet against what one would use instead, OTT-JAX and POT from PyPI (and plain NumPy), on the same
# problems in one run, in turns. Writes OUTPUT_DIR/peers.json, peers.md and throughput.json.
#
#   bash jobs/benchmarks/peers.sh OUTPUT_DIR        about three quarters of an hour
#
# In the environment: RANKS (default 2); OTFLEET, the program (default: the repository's, built first);
# OTFLEET_CHECKPOINT, a model trained on inputs/digits.toml; PEERS_CASES, a regular expression on the
# cases' titles ("digits 28x28, epsilon 0.01, to 0.001, batch 256"; also spherical, cloud);
# PEERS_ROUNDS, of which the median counts (default 3); PEERS_QUICK=1, tiny problems, only to see that
# it all runs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -eq 1 ] || { echo "usage: bash jobs/benchmarks/peers.sh OUTPUT_DIR" >&2; exit 2; }
prepare_peers "$1" "${OTFLEET:-}" "$here/peers/requirements.txt"
run_peers "$1" peers --otfleet "${OTFLEET:-$otfleet}" --ranks "${RANKS:-2}"
