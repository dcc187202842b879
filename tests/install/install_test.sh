#!/bin/bash
# install_test.sh BUILD_FOLDER [CMAKE_OPTION…]: installs the kernels of a build into a temporary
# folder, builds the programs beside this file against them, and runs them. Installs and starts the
# program, too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cmake --install "$build" --prefix "$folder/prefix" --component kernels >"$folder/log"
# As somebody else has it: the sources elsewhere, found by the prefix alone.
cp "$here/CMakeLists.txt" "$here"/*.cpp "$folder/"
cmake -S "$folder" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" "$@" >>"$folder/log" ||
  { cat "$folder/log"; exit 1; }
cmake --build "$folder/build" || exit 1
"$folder/build/grid_batch"
"$folder/build/plain_batch"

# A package that cannot be used here is not found, which QUIET users live with.
cmake -S "$here/quiet" -B "$folder/quiet" -DCMAKE_PREFIX_PATH="$folder/prefix" "$@" >>"$folder/log" ||
  { cat "$folder/log"; exit 1; }

# The program finds its networks where they are installed: the self-test loads them.
cmake --install "$build" --prefix "$folder/program" --component program >>"$folder/log"
cd "$folder"
"$folder/program/bin/otfleet" --self-test
