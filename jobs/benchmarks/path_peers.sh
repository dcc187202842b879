#!/usr/bin/env bash
# Paths of least action, otfleet against jaxopt's L-BFGS (compiled, in double), on the same pairs of points
# and the same energies, on one core, in turns; judged by one program. Writes OUTPUT_DIR/paths.json and
# paths.md.
#
#   bash jobs/benchmarks/path_peers.sh OUTPUT_DIR            about ten minutes
#   bash jobs/benchmarks/path_peers.sh OUTPUT_DIR --smoke    sixteen pairs of one energy, to see that it all runs
#
# jaxopt takes paths one by one, in a compiled loop, or 128 at once by vmap, where all take as long as the
# slowest; over the nodes, or in a basis as otfleet's; with the faster of two line searches. What was compiled
# stays in OUTPUT_DIR/compiled, so that a second run takes five.
#
# In the environment: OTFLEET, the program (default: the repository's, built first); PEERS_ROUNDS, of which
# the median counts (default 3); PEERS_CASES, a regular expression on the energies (box, slit, hill, well,
# circle, crossing). On a machine with other work put `chrt -f 5` before it all.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

usage() {
  echo "usage: bash jobs/benchmarks/path_peers.sh OUTPUT_DIR [--smoke]" >&2
  exit 2
}
case "$#:${2:-}" in 1: | 2:--smoke) ;; *) usage ;; esac
case $1 in -*) usage ;; esac
prepare_peers "$1" "${OTFLEET:-}" "$here/path_peers/requirements.txt"
run_peers "$1" path_peers --otfleet "${OTFLEET:-$otfleet}" "${@:2}"
