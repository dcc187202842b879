#!/usr/bin/env python3
"""gpu_resources.py BUILD_FOLDER [--all]: registers, stack and shared memory of every kernel that a build
for CUDA has compiled (build/cuda, or build/cuda-kernels of compile_for_cuda.sh), as a table; no GPU is
needed. A line is a kernel of ours with all its variants (precisions, geometries); the largest numbers
are shown. "Warps" is how many of the 64 that a multiprocessor of compute capability 7 to 10 can hold are
left by the registers of the largest variant. --all: kernels of Kokkos, too.

Needs cuobjdump, of the CUDA toolkit or `pip install nvidia-cuda-cuobjdump` (CUOBJDUMP names it), and
c++filt.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys


def resources(cuobjdump, file):
    """(mangled name, registers, stack bytes, shared bytes) of the kernels in an object file."""
    text = subprocess.run([cuobjdump, "--dump-resource-usage", file], capture_output=True, text=True)
    if text.returncode != 0 and "does not contain device code" not in text.stdout + text.stderr:
        sys.exit(f"gpu_resources.py: {cuobjdump}: {text.stderr.strip() or text.stdout.strip()}")
    name = None
    for line in text.stdout.splitlines():
        line = line.strip()
        if line.startswith("Function "):
            name = line[len("Function ") :].rstrip(":")
        elif line.startswith("REG:") and name is not None:
            numbers = {key: int(value) for key, value in re.findall(r"([A-Z]+):(\d+)", line)}
            yield name, numbers["REG"], numbers["STACK"], numbers["SHARED"]
            name = None


def without_arguments(name):
    """The name without what stands in <> and ()."""
    kept, depth = [], 0
    for character in name:
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth -= 1
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def first_arguments(text):
    """The template arguments that `text` begins with, after the <."""
    arguments, depth, begin = [], 0, 0
    for k, character in enumerate(text):
        if character in "<({":
            depth += 1
        elif character in ">)}":
            if depth == 0:
                return arguments + [text[begin:k].strip()]
            depth -= 1
        elif character == "," and depth == 0:
            arguments.append(text[begin:k].strip())
            begin = k + 1
    return arguments + [text[begin:].strip()]


def functor_of(kernel):
    """What Kokkos was given to run: the first argument of its ParallelFor, -Reduce or -Scan."""
    start = re.search(r"Parallel(For|Reduce|Scan(WithTotal)?)<(Kokkos::Impl::CombinedFunctorReducer<)?", kernel)
    return first_arguments(kernel[start.end() :])[0] if start else kernel


# Functions that launch what they are given, and which of their template arguments that is.
HELPERS = {"for_tiles": 2, "sum_group_points": 2}


def short_name(kernel):
    """The function or class of ours that a kernel belongs to."""
    text = re.sub(r"_INTERNAL_\w+::|\(anonymous namespace\)::", "", functor_of(kernel))
    while (helper := re.match(r"otfleet::kernels::(\w+)<", text)) and helper.group(1) in HELPERS:
        text = first_arguments(text[helper.end() :])[HELPERS[helper.group(1)]]
    name = re.sub(r"\{lambda#?\d*\}|#\d+", "", without_arguments(text)).replace("otfleet::kernels::", "")
    words = [word for word in name.replace(" const", " ").split() if word.strip(":&*")]
    return words[-1].strip(":") if words else text[:60]


def warps(registers):
    """Warps a multiprocessor holds by its 65,536 registers, which a warp takes in pieces of 256."""
    pieces = -(-max(registers, 1) * 32 // 256) * 256
    return min(64, 65536 // pieces)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--all", action="store_true", help="also kernels of Kokkos")
    arguments = parser.parse_args()
    objects = sorted((arguments.build / "kernels").rglob("*.cpp.o"))
    if not objects:
        sys.exit(f"gpu_resources.py: {arguments.build}/kernels has no compiled sources")
    cuobjdump = os.environ.get("CUOBJDUMP", "cuobjdump")

    found = {}  # a template is in every file that uses it, and once in the program
    try:
        for file in objects:
            for name, *numbers in resources(cuobjdump, file):
                found.setdefault(name, numbers)
    except FileNotFoundError:
        sys.exit(f"gpu_resources.py: {cuobjdump} is not there; set CUOBJDUMP")
    if not found:
        sys.exit(f"gpu_resources.py: {arguments.build} has no kernels for a GPU: is it a build for CUDA?")
    names = subprocess.run(["c++filt"], input="\n".join(found), capture_output=True, text=True, check=True)

    rows = {}
    for plain, numbers in zip(names.stdout.splitlines(), found.values()):
        if "otfleet" not in functor_of(plain) and not arguments.all:
            continue
        rows.setdefault(short_name(plain), []).append(numbers)
    print(f"{len(found)} kernels in {len(objects)} files; {sum(map(len, rows.values()))} of them below\n")
    print("| kernel | variants | registers | warps | stack, bytes | shared, bytes |")
    print("|---|---|---|---|---|---|")
    for name, variants in sorted(rows.items(), key=lambda row: (-max(v[0] for v in row[1]), row[0])):
        registers, stack, shared = (max(v[k] for v in variants) for k in range(3))
        least = min(v[0] for v in variants)
        span = f"{least} to {registers}" if least < registers else f"{registers}"
        print(f"| {name} | {len(variants)} | {span} | {warps(registers)} | {stack} | {shared} |")


if __name__ == "__main__":
    main()
