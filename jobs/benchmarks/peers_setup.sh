# Sourced by the scripts here that compare our programs with packages from PyPI.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
here=$root/jobs/benchmarks

# prepare_peers OUTPUT_DIR PROGRAM REQUIREMENTS: makes the folder, with a Python that has the packages,
# and builds our programs unless the user names one.
prepare_peers() {
  mkdir -p "$1"
  if [ -z "$2" ]; then
    bash "$root/jobs/install.sh"
    build release
  fi
  python_with "$1" "$3"
}

# run_peers OUTPUT_DIR FOLDER ARGUMENTS...: the Python program of a folder here.
run_peers() {
  local output=$1 folder=$2
  shift 2
  PYTHONDONTWRITEBYTECODE=1 "$output/venv/bin/python" "$here/$folder" "$output" "$@"
}

# study_maps FOLDER PYTHON_FOLDER ARGUMENTS...: the Python program of a folder here, with our program (BUILD, or the
# release build, built first) on RANKS ranks; writes to $output.
study_maps() {
  local folder=$1 python=$2 programs=${BUILD:-$root/build/release}
  shift 2
  if [ -z "${BUILD:-}" ]; then
    bash "$root/jobs/install.sh"
    build release otfleet
  fi
  python_with "$python" "$here/$folder/requirements.txt"
  PYTHONDONTWRITEBYTECODE=1 "$python/venv/bin/python" "$here/$folder" "$output" "$@" \
    --otfleet "$programs/otfleet" --ranks "${RANKS:-2}"
}
