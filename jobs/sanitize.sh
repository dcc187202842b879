#!/usr/bin/env bash
# sanitize.sh [MINUTES]: builds the tests of kernels and files that need no LibTorch with the address and
# undefined-behavior sanitizers, in build/sanitize, and runs them: in MINUTES where they are given, of which a third is
# kept for running. Says how many ran of how many. Fails where a source does not compile or a test finds a fault; what
# there was no time for is no fault, nor is a test that takes longer than tests may.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
minutes=${1:-}
seconds=$((${minutes:-1000000} * 60))
end=$((SECONDS + seconds))
cd "$root"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# before SECOND COMMAND …: runs it until then at the latest; 124 then.
before() {
  local left=$(($1 - SECONDS))
  shift
  [ "$left" -gt 0 ] || return 124
  timeout "$left" "$@"
}

cmake --preset sanitize >/dev/null
code=0
before $((end - seconds / 3)) cmake --build --preset sanitize || code=$?
case $code in
  0) ;;
  124) echo "jobs/sanitize.sh: no time to build all; what was built is kept for the next time" >&2 ;;
  *) exit "$code" ;;
esac

# The tests whose programs are there and, as a pattern of ctest, their names.
read -r all pattern < <(ctest --preset sanitize --show-only=json-v1 | python3 -c '
import json, os, re, sys
tests = json.load(sys.stdin)["tests"]
built = [one["name"] for one in tests  # ctest names no command whose program is missing, but mpirun
         if "command" in one and all(os.path.exists(word) for word in one["command"] if word.startswith(os.getcwd()))]
print(len(tests), "^(" + "|".join(map(re.escape, built)) + ")$" if built else "")')
if [ -n "$pattern" ]; then
  before "$end" ctest --preset sanitize -R "$pattern" --parallel "$(nproc)" 2>&1 | tee "$log" || true
fi
count() { grep -cE "^ *[0-9]+/[0-9]+ Test +#[0-9]+: .*$1" "$log" || true; }
late=$(count '\*\*\*Timeout') faults=$(count '\*\*\*(Failed|Exception|Not Run)')
ran=$(($(count '') - late))
echo "jobs/sanitize.sh: $ran of $all tests ran, $faults with faults; $late took longer than tests may"
[ "$faults" -eq 0 ] || exit 1
[ -n "$minutes" ] || [ "$ran" -eq "$all" ] || exit 1
