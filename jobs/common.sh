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

# build PRESET: configures when needed and builds with all cores.
build() {
  (cd "$root" && cmake --preset "$1" >/dev/null && cmake --build --preset "$1")
}
