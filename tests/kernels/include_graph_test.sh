#!/bin/bash
# include_graph_test.sh ROOT [BUILD_FOLDER]: arrows between folders go down only, src/ knows no Kokkos
# (nor do the compiler's commands for it, where a build folder has them), LibTorch and fmt do not meet,
# and every View and kernel launch of kernels/ carries a label "otfleet::area::kernel". Prints what is
# wrong; fails if anything is.
set -u
root=$1
build=${2:-}
failures=0

complain() {
  echo "$1"
  failures=$((failures + 1))
}

sources() {
  find -L "$root/$1" -name '*.hpp' -o -name '*.cpp' | sort
}

# forbid FOLDER REGEX WHAT: no file of FOLDER includes anything that matches.
forbid() {
  local file found
  for file in $(sources "$1"); do
    found=$(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$file") &&
      complain "$file includes $3: $found"
  done
}

for folder in kernels distributed; do
  [ -n "$(sources $folder)" ] || complain "$root/$folder has no sources: the test looks at nothing"
done

forbid kernels '(\.\./)*(src|distributed|tests)/' 'another layer'
forbid kernels '(.*/)?(mpi|torch|ATen|c10|H5|hdf5|nccl)' 'MPI, LibTorch, HDF5 or NCCL'
forbid distributed '(\.\./)*(src|kernels|tests)/' 'another layer'
forbid distributed '(.*/)?(torch|ATen|c10|Kokkos)' 'LibTorch or Kokkos'
for folder in kernels distributed; do
  # One include root: "kernels/…", never a path relative to the file.
  forbid "$folder" '\.\.?/' 'a relative path'
done

# Folders of kernels/, lowest first: each may include those before it. networks/ and training/ stand
# beside the solvers.
order="lanes geometry problems operators solvers outputs initializers free_support"
above=""
for folder in $(tr ' ' '\n' <<<"$order" | tac); do
  [ -d "$root/kernels/$folder" ] || complain "kernels/$folder is missing: the test looks at nothing"
  [ -z "$above" ] || forbid "kernels/$folder" "kernels/($above)/" 'a folder above'
  above="${above:+$above|}$folder"
done
for folder in minimize networks training; do
  forbid "kernels/$folder" 'kernels/(problems|operators|solvers|outputs|initializers|free_support)/' 'optimal transport'
done
forbid kernels/minimize 'kernels/(networks|training)/' 'a folder above'
forbid kernels/networks 'kernels/training/' 'a folder above'

# reaching FOLDER REGEX: the headers of FOLDER that include <REGEX…>, by way of others of FOLDER, too.
reaching() {
  local known="" reach
  reach=$(cd "$root" && grep -rlE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<($2)" "$1" \
    --include='*.hpp' | sort)
  while [ -n "$reach" ] && [ "$reach" != "$known" ]; do
    known=$reach
    reach=$(
      cd "$root" && {
        echo "$known"
        grep -rlE "^[[:space:]]*#[[:space:]]*include[[:space:]]*\"($(paste -sd '|' <<<"$known"))\"" \
          "$1" --include='*.hpp'
      } | sort -u
    )
  done
  echo "$reach"
}

# What has LibTorch includes no fmt: LibTorch 2 has another one on its path.
reach_torch=$(reaching src torch/)
[ -n "$reach_torch" ] || complain "no header of src/ includes LibTorch: the test looks at nothing"
reach_fmt=$(reaching src '(spdlog|fmt)/')
[ -n "$reach_fmt" ] || complain "no header of src/ includes fmt: the test looks at nothing"
including() {
  cd "$root" && grep -rlE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" src | sort
}
while read -r file; do
  [ -z "$file" ] ||
    complain "$file has LibTorch and fmt: write its texts without fmt, or take them elsewhere"
done < <(comm -12 <(including "torch/|$(paste -sd '|' <<<"$reach_torch")") \
  <(including "spdlog/|fmt/|$(paste -sd '|' <<<"$reach_fmt")"))

# Nothing of src/ and no plain header of kernels/ includes Kokkos, by way of other headers either.
reach_kokkos=$(reaching kernels Kokkos)
[ -n "$reach_kokkos" ] || complain "no header of kernels/ includes Kokkos: the test looks at nothing"
with_kokkos="Kokkos|$(paste -sd '|' <<<"$reach_kokkos")"
forbid src "$with_kokkos" 'Kokkos, or a header that does'
plain=$(cd "$root" && ls kernels/api/*.hpp) || complain "kernels/api has no headers"
for header in $plain kernels/device_array.hpp kernels/runtime.hpp kernels/self_test.hpp; do
  ! grep -qx "$header" <<<"$reach_kokkos" ||
    complain "$header reaches Kokkos: programs that have none include it"
done
if [ -e "$build/compile_commands.json" ]; then
  commands=$(grep -oE '"command": .* -o src/CMakeFiles/otfleet[^ ]*' "$build/compile_commands.json") ||
    complain "$build/compile_commands.json compiles nothing of src/: the test looks at nothing"
  while read -r command; do
    [ -z "$command" ] || complain "src/ is compiled with Kokkos on its path: $command"
  done < <(grep -E -- '-DKOKKOS|(-I|-isystem) *[^ ]*([Kk]okkos|trilinos)' <<<"$commands")
fi
# The plain functions stand above all that they call.
for folder in $order minimize networks training; do
  forbid "kernels/$folder" 'kernels/api/' 'the plain functions'
done

# The sources as one line each, without comments.
for file in $(sources kernels); do
  text=$(sed 's,//.*,,' "$file" | tr '\n' ' ' | tr -s ' ')
  # Launches: a label first, unless it is a loop inside a team or passes a label on.
  while read -r launch; do
    [ -z "$launch" ] || complain "$file launches a kernel without an otfleet:: label: $launch"
  done < <(grep -oE 'parallel_(for|reduce|scan)\( *[^,]*' <<<"$text" |
    grep -vE '\( *("otfleet::|label$|Kokkos::(TeamThreadRange|TeamVectorRange|ThreadVectorRange)\()')
  while read -r launch; do
    [ -z "$launch" ] || complain "$file launches tiles without an otfleet:: label: $launch"
  done < <(grep -oE 'launch_tiles\([a-z_]+, *"[^"]*"' <<<"$text" | grep -v '"otfleet::')
  # Views: a literal that is a first argument is a label, unless an exception takes it.
  while read -r view; do
    [ -z "$view" ] || complain "$file allocates a View without an otfleet:: label: $view"
  done < <(
    grep -oE 'view_alloc\([^)]*\)' <<<"$text" | grep -vE '"otfleet::[a-z_]*::|\(label,'
    grep -oE '[A-Za-z_>]+ *\( *"[^"]*"' <<<"$text" |
      grep -vE '^([a-z_]*_error|invalid_argument|check_[a-z]+|flat_rows|asm) *\(' | grep -v '"otfleet::[a-z_]*::'
  )
done

echo "$(sources kernels | wc -l) files of kernels/, $(sources distributed | wc -l) of distributed/," \
  "$failures faults"
[ "$failures" -eq 0 ]
