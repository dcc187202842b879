#!/usr/bin/env bash
# The mean of fifty threes (inputs/digits.h5) by otfleet, POT and OTT-JAX, and that of ten threes as
# clouds, on a hundred points that move: the same problem, the same epsilon, the same start, the same
# accuracy, on one core, in turns. Writes OUTPUT_DIR/barycenters.json and barycenters.md, and
# threes.png: otfleet's mean beside POT's, plain above debiased.
#
#   bash jobs/benchmarks/barycenter_peers.sh OUTPUT_DIR        about a quarter of an hour
#
# In the environment: OTFLEET, the program (default: the repository's, built first); PEERS_ROUNDS, of
# which the fastest counts (default 7); PEERS_CASES, a regular expression on the cases' names ("plain,
# epsilon 0.004, to 0.01"; also debiased, free support); PEERS_QUICK=1, five threes and a loose accuracy, only to see
# that it all runs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -eq 1 ] || { echo "usage: bash jobs/benchmarks/barycenter_peers.sh OUTPUT_DIR" >&2; exit 2; }
prepare_peers "$1" "${OTFLEET:-}" "$here/peers/requirements.txt"
run_peers "$1" barycenter_peers --otfleet "${OTFLEET:-$otfleet}"
