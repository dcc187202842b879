#!/bin/bash
# gpu_check_test.sh REPOSITORY BUILD_FOLDER: makes a bundle of a build and starts it as a bare machine
# would, with an empty environment. Without a GPU it says so and exits with 2. Of a build for the host,
# some parts run; a part that fails and one that is late are reported, and keep no other from running.
set -euo pipefail
root=$1
build=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "$*"
  exit 1
}
expect() { # expect FILE REGEX
  grep -qE -- "$2" "$1" || fail "$1 has no line $2: $(cat "$1")"
}

bash "$root/jobs/gpu_check.sh" --no-archive "$build" "$folder/bundle" 2>"$folder/left_out"
mkdir "$folder/foreign"
if bash "$root/jobs/gpu_check.sh" --no-archive "$build" "$folder/foreign" 2>"$folder/refusal"; then
  fail "a folder that is no bundle was replaced"
fi
expect "$folder/refusal" 'is there and is no bundle'

space=$(sed -n 's/^space=//p' "$folder/bundle/built")
check() {
  code=0
  env -i "$folder/bundle/gpu_check" "$@" >"$folder/out" 2>"$folder/err" || code=$?
}
if nvidia-smi -L >/dev/null 2>&1; then
  echo "there is a GPU: that none is refused was not tried"
else
  check "$folder/results"
  [ "$code" -eq 2 ] || fail "without a GPU: exit code $code"
  expect "$folder/err" '^gpu_check: no CUDA device'
  [ ! -e "$folder/results" ] || fail "without a GPU: $folder/results was made"
fi
[ "$space" != Cuda ] || exit 0

# More tests of the kernels: one that fails, one that is aborted, one that skips itself, one that does not end.
printf '#!/bin/sh\necho nothing is right\nexit 3\n' >"$folder/bundle/tests/failing_test"
printf '#!/bin/sh\necho "  what():  an illegal address" >&2\nkill -ABRT $$\n' >"$folder/bundle/tests/aborted_test"
printf '#!/bin/sh\necho "[  PASSED  ] 0 tests."\n' >"$folder/bundle/tests/skipped_test"
printf '#!/bin/sh\nsleep 100\n' >"$folder/bundle/tests/late_test"
chmod +x "$folder/bundle/tests"/{failing,aborted,skipped,late}_test

check --host --parts '^(self-test|make|solve|mpi-two-ranks|(failing|aborted|skipped|self_test)_test)$' "$folder/results"
[ "$code" -eq 1 ] || fail "with a part that fails: exit code $code: $(cat "$folder"/out "$folder"/err "$folder"/results/*.log)"
table=$folder/results/gpu_check.txt
for name in self-test make solve mpi-two-ranks; do
  expect "$table" "^$name +ok "
done
expect "$table" '^solve .* problems a second$'
expect "$table" '^mpi-two-ranks .* averaged by MPI$'
expect "$table" '^failing_test +failed .*nothing is right$'
expect "$table" '^aborted_test +failed .*an illegal address$'
expect "$table" '^skipped_test +skipped '
[ ! -x "$folder/bundle/tests/self_test_test" ] || expect "$table" '^self_test_test +ok .* tests$'

check --host --parts '^(late_test|self-test)$' --seconds 3 "$folder/late"
[ "$code" -eq 1 ] || fail "with a part that is late: exit code $code"
expect "$folder/late/gpu_check.txt" '^late_test +late .*not done in'

check --host --parts nothing_like_it "$folder/none"
[ "$code" -eq 2 ] || fail "without a part: exit code $code"
check --host
[ "$code" -eq 2 ] || fail "without an output folder: exit code $code"

if command -v python3 >/dev/null; then
  python3 - "$folder/results/gpu_check.json" <<'END'
import json, sys
with open(sys.argv[1]) as file:
    found = json.load(file)
assert found["otfleet_kind"] == "gpu_check", found
states = {part["name"]: part["state"] for part in found["parts"]}
assert states["solve"] == "ok" and states["failing_test"] == "failed", states
assert all(part["seconds"] >= 0 for part in found["parts"]), found
END
fi
echo "the bundle for $space runs"
