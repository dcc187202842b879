#!/usr/bin/env bash
# Conjugates of a network, L-BFGS of otfleet against that of jaxopt (vmap, compiled), on the same
# networks, points and tolerance, in turns. Writes OUTPUT_DIR/conjugates.json and conjugates.md.
#
#   bash jobs/benchmarks/conjugate_peers.sh OUTPUT_DIR [--trained MODEL.h5 BENCHMARK.h5]...   a quarter of an hour
#
# --trained: instead of random networks, MODEL.h5, a potential that `otfleet train` trained on the
# benchmark BENCHMARK.h5, from whose test set the points are.
# In the environment: CONJUGATE_SOLVE, the program (default: the repository's, built first);
# PEERS_ROUNDS, of which the median counts (default 5); PEERS_QUICK=1, a tiny problem, only to see
# that it all runs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 1 ] || { echo "usage: bash jobs/benchmarks/conjugate_peers.sh OUTPUT_DIR [--trained MODEL.h5 BENCHMARK.h5]..." >&2; exit 2; }
output=$1
shift
prepare_peers "$output" "${CONJUGATE_SOLVE:-}" "$here/conjugate_peers/requirements.txt"
run_peers "$output" conjugate_peers \
  --program "${CONJUGATE_SOLVE:-$root/build/release/conjugate_solve}" "$@"
