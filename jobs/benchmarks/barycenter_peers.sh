#!/usr/bin/env bash
# The mean of fifty threes (inputs/digits.h5) by otfleet, POT and OTT-JAX: the same problem, the same
# epsilon, the same accuracy, on one core, in turns. Writes OUTPUT_DIR/barycenters.json and
# barycenters.md, and threes.png: otfleet's mean beside POT's, plain above debiased.
#
#   bash jobs/benchmarks/barycenter_peers.sh OUTPUT_DIR        about ten minutes
#
# In the environment: OTFLEET, the program (default: the repository's, built first); PEERS_ROUNDS, of
# which the fastest counts (default 7); PEERS_QUICK=1, five threes and a loose accuracy, only to see
# that it all runs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

[ $# -eq 1 ] || { echo "usage: bash jobs/benchmarks/barycenter_peers.sh OUTPUT_DIR" >&2; exit 2; }
output=$1
mkdir -p "$output"

if [ -z "${OTFLEET:-}" ]; then
  bash "$root/jobs/install.sh"
  build release
fi

here=$root/jobs/benchmarks
python_with "$output" "$here/peers/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 "$output/venv/bin/python" "$here/barycenter_peers" "$output" --otfleet "${OTFLEET:-$otfleet}"
