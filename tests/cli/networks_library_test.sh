#!/bin/bash
# networks_library_test.sh PROGRAM LIBRARY: does the program have all of otfleet's names that the library of
# networks, which it loads, looks for in it? Of a build for CUDA this is known without a GPU.
set -euo pipefail
names() { nm -D "$1" "$2" | awk '{print $NF}' | { grep otfleet || true; } | sort -u; }
wanted=$(names --undefined-only "$2")
[ -n "$wanted" ] || { echo "$2 looks for no name of otfleet's: is it the library of networks?"; exit 1; }
missing=$(comm -23 <(echo "$wanted") <(names --defined-only "$1"))
[ -z "$missing" ] || { echo "$1 does not show:"; c++filt <<<"$missing"; exit 1; }
