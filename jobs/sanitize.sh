#!/usr/bin/env bash
# sanitize.sh [MINUTES]: builds the tests of kernels and files that need no LibTorch with the address and
# undefined-behavior sanitizers, in build/sanitize, and runs them: in MINUTES where they are given. Fails where a test
# fails or a source does not compile; what time was too short for is named, and no fault.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
minutes=${1:-1000000}
end=$((SECONDS + minutes * 60))
cd "$root"

out_of_time() {
  echo "jobs/sanitize.sh: $minutes minutes are over: $*" >&2
  exit 0
}
# in_time COMMAND …: runs it until the end at the latest; 124 then.
in_time() {
  local left=$((end - SECONDS))
  [ "$left" -gt 0 ] || return 124
  timeout "$left" "$@"
}

cmake --preset sanitize >/dev/null
code=0
in_time cmake --build --preset sanitize || code=$?
[ "$code" -ne 124 ] || out_of_time "not all was built; what was built is kept for the next time"
[ "$code" -eq 0 ] || exit "$code"
# The first test that fails ends it: were the time over after a failure, it would go unseen.
in_time ctest --preset sanitize --stop-on-failure --parallel "$(nproc)" || code=$?
[ "$code" -ne 124 ] || out_of_time "not all tests have run; of those that have, none has failed"
exit "$code"
