#!/usr/bin/env bash
# check_changes.sh [BASE]: clang-format 14 on the files and clang-tidy 14 on the lines that changed since BASE, changes
# that are not committed included. Without BASE: since origin/main where this branch has commits of its own, else since
# the last commit but one. clang-tidy reads a changed source itself, a changed header with the source of its name, but
# nothing that includes LibTorch. Fails for what either finds. A tool that is not installed is named and left out.
#
# CHECK_SECONDS: no source is begun after so many (no limit without it); what was not checked is counted, and no fault.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
end=$((SECONDS + ${CHECK_SECONDS:-1000000}))

base=${1:-}
if [ -z "$base" ]; then
  base=$(git merge-base HEAD origin/main 2>/dev/null) || base=
  [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ] || base=$(git rev-parse -q --verify HEAD~1) || {
    echo "jobs/check_changes.sh: no earlier commit to compare with; nothing is checked" >&2
    exit 0
  }
fi
mapfile -t changed < <({
  git diff --name-only --diff-filter=d "$base" -- '*.cpp' '*.hpp'
  git ls-files --others --exclude-standard -- '*.cpp' '*.hpp'
} | sort -u)
echo "jobs/check_changes.sh: ${#changed[@]} changed sources and headers since $(git rev-parse --short "$base")"
[ ${#changed[@]} -gt 0 ] || exit 0

faults=0
if command -v clang-format-14 >/dev/null; then
  clang-format-14 --dry-run -Werror "${changed[@]}" || faults=1
else
  echo "jobs/check_changes.sh: clang-format-14 is not installed: formats are not checked" >&2
fi

if command -v clang-tidy-14 >/dev/null; then
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # The commands of every source; nothing is compiled, but for the header with the revision.
  { cmake --preset tidy && cmake --build build/tidy --target otfleet_revision; } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  # clang 14 does not read LibTorch's headers as C++20.
  torch=$(python3 -c 'import json
print("\n".join(one["file"] for one in json.load(open("build/tidy/compile_commands.json")) if "/torch/" in one["command"]))')
  sources=()
  for file in "${changed[@]}"; do
    source=${file%.?pp}.cpp
    grep -qxF "$root/$source" <<<"$torch" && continue
    grep -q "\"file\": \"$root/$source\"" build/tidy/compile_commands.json && sources+=("$source")
  done
  mapfile -t sources < <(printf '%s\n' "${sources[@]}" | sort -u | sed '/^$/d')
  # The changed lines, as clang-tidy wants them; of a file that git does not know, all.
  lines=$(python3 - "$base" "${changed[@]}" <<'END'
import json, re, subprocess, sys

base, *files = sys.argv[1:]
diff = subprocess.run(["git", "diff", "-U0", base, "--", *files], capture_output=True, text=True, check=True).stdout
lines = {}
for line in diff.splitlines():
    if line.startswith("+++ b/"):
        name = line[6:]
    elif found := re.match(r"@@ \S+ \+(\d+)(?:,(\d+))? @@", line):
        first, count = int(found[1]), int(found[2] or 1)
        if count:
            lines.setdefault(name, []).append([first, first + count - 1])
known = set(subprocess.run(["git", "ls-files", "--", *files], capture_output=True, text=True).stdout.split("\n"))
print(json.dumps([{"name": name, "lines": lines[name]} for name in lines] +
                 [{"name": name} for name in files if name not in known]))
END
)
  # One line for each source, so that a run that is out of time ends at one.
  tidy() {
    [ "$(date +%s)" -lt "$2" ] || { echo "$1" >>"$3"; return 0; }
    clang-tidy-14 --quiet --warnings-as-errors='*' -line-filter="$4" -p build/tidy "$1" 2>/dev/null
  }
  export -f tidy
  left_out=$(mktemp)
  trap 'rm -f "$log" "$left_out"' EXIT
  last=$(($(date +%s) + end - SECONDS))
  printf '%s\n' "${sources[@]}" | sed '/^$/d' |
    xargs -P "$(nproc)" -I{} bash -c 'tidy "$@"' tidy {} "$last" "$left_out" "$lines" || faults=1
  missed=$(wc -l <"$left_out")
  echo "jobs/check_changes.sh: clang-tidy read $((${#sources[@]} - missed)) of ${#sources[@]} sources; out of time for $missed"
else
  echo "jobs/check_changes.sh: clang-tidy-14 is not installed: sources are not read by it" >&2
fi
[ "$faults" -eq 0 ] || { echo "jobs/check_changes.sh: mend what is named above" >&2; exit 1; }
