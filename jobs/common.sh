# Sourced by the scripts here: where things are, and how to start ranks on one machine.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
otfleet=$root/build/release/otfleet

# Ranks on this machine, also as root in a container and with fewer cores than ranks.
run_ranks() {
  local ranks=$1
  shift
  local flags=(--oversubscribe)
  [ "$(id -u)" -eq 0 ] && flags+=(--allow-run-as-root)
  mpirun "${flags[@]}" -n "$ranks" "$@"
}

# new_output DIR: makes a folder, which must not have files yet; $output is its full name.
new_output() {
  if [ -e "$1" ] && [ -n "$(ls -A "$1" 2>&1)" ]; then
    echo "$1: has files, or is none itself; name a new folder" >&2
    exit 2
  fi
  mkdir -p "$1"
  output=$(cd "$1" && pwd)
}

# python_with FOLDER REQUIREMENTS: a Python in FOLDER/venv that has these packages from PyPI.
python_with() {
  python3 -c 'import ensurepip, venv' 2>/dev/null || bash "$root/jobs/install.sh" python3-venv
  [ -x "$1/venv/bin/python" ] || python3 -m venv "$1/venv"
  "$1/venv/bin/pip" install --quiet --disable-pip-version-check -r "$2"
}

# build PRESET [TARGET …]: configures when needed and builds with all cores; without targets, all.
build() {
  local preset=$1
  shift
  (cd "$root" && cmake --preset "$preset" >/dev/null &&
    cmake --build --preset "$preset" ${1:+--target "$@"})
}
