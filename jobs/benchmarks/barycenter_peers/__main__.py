"""Means of threes by otfleet and its peers; see ../barycenter_peers.sh.

Usage: python jobs/benchmarks/barycenter_peers OUTPUT_DIR --otfleet PROGRAM
"""

import argparse
import json
import math
import os
import pathlib
import platform
import re
import struct
import sys
import time
import zlib

import contenders

contenders.keep_to(max(os.sched_getaffinity(0)))  # before NumPy starts threads

import importlib.metadata

import free_contenders
import free_problem
import problem as problems

PACKAGES = ("POT", "ott-jax", "jax", "jaxlib", "numpy")
EPSILON = 4e-3  # that of POT's example of convolutional barycenters


def first_good(contender, problem, exact, guess):
    """The least effort that reaches the accuracy, as (effort, error, barycenter), or why there is
    none. `guess`: where to begin; others took as many iterations."""

    def result(effort):
        found, seconds = contender.run(effort)
        return effort, problem.error(found, exact), found, seconds

    efforts = getattr(contender, "efforts", range(1, 200_001))  # ever better
    at = efforts.index(guess) if guess in efforts else min(7, len(efforts) - 1)
    low, high, best = -1, None, None
    while high is None or high - low > 1 + high // 50:
        _, error, _, seconds = now = result(efforts[at])
        if seconds > problem.limit:
            return f"takes more than {problem.limit} s"
        if not math.isfinite(error):
            return "not finite"
        if error <= problem.accuracy:
            high, best = at, now[:3]
            nearby = int(0.95 * at)  # a guess is mostly right
            at = nearby if low < 0 and at == guess else (low + at) // 2
            at = max(at, low + 1)
        else:
            low = at
            if high is None and at == len(efforts) - 1:
                return "does not reach the accuracy"
            at = (low + high) // 2 if high else min(2 * at + 1, len(efforts) - 1)
    return best


def measure(problem, solvers, rounds):
    """A row for each of the solvers, otfleet first, and what they found by their labels."""
    print(problem.name, flush=True)
    begin = time.perf_counter()
    exact, moved = problem.reference()
    print(f"  reference: {time.perf_counter() - begin:.0f} s, moved by {moved:.1e} in its second half", flush=True)
    rows, found, guess = [], {}, None
    for contender in solvers:
        row = {"problem": problem.name, "solver": contender.label, "seconds": None}
        rows.append(row)
        best = first_good(contender, problem, exact, guess)
        if isinstance(best, str):
            row["failure"] = best
            print(f"  {contender.label}: {row['failure']}", flush=True)
            continue
        row["effort"], row["error"], found[contender.label] = best
        row["contender"] = contender
        row |= problem.figures(found[contender.label])
        guess = guess if contender is solvers[0] else row["effort"]
    for _ in range(rounds):  # in turns
        for row in rows:
            if "effort" not in row or (row["seconds"] or 0) > problem.limit / rounds:
                continue
            _, seconds = row["contender"].run(row["effort"])
            row["iterations"] = row["contender"].iterations
            row["seconds"] = min(seconds, row["seconds"] or math.inf)
    for row in rows:
        row.pop("contender", None)
        if row["seconds"]:
            row["times_otfleet"] = row["seconds"] / rows[0]["seconds"]
            print(
                f"  {row['solver']}: {row['seconds'] * 1e3:.1f} ms, {row['iterations']:g} iterations,"
                f" error {row['error']:.1e}, {row['times_otfleet']:.1f} times otfleet"
                + (f", value {row['value']:.6f}" if "value" in row else ""),
                flush=True,
            )
    return rows, found


def pictures_of(rows, found):
    """otfleet's barycenter, and that of POT's fastest function."""
    pot = [row for row in rows if row["solver"].startswith("POT") and row["seconds"]]
    fastest = min(pot, key=lambda row: row["seconds"])["solver"] if pot else None
    return [found["otfleet"], found[fastest]] if fastest else [found["otfleet"]]


def write_png(file_name, rows, zoom=6):
    """Rows of images side by side, dark where mass is."""
    import numpy as np

    lines = []
    for row in rows:
        images = [np.pad(255 - 255 * image / image.max(), 1, constant_values=255) for image in row]
        lines.append(np.concatenate(images, 1))
    pixels = np.concatenate(lines, 0).round().astype(np.uint8)
    pixels = pixels.repeat(zoom, 0).repeat(zoom, 1)
    raw = b"".join(b"\0" + line.tobytes() for line in pixels)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    file_name.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def markdown(rows):
    lines = ["| problem | solver | iterations | ms | times otfleet |", "|---|---|---|---|---|"]
    for row in rows:
        figures = (
            f"{row['iterations']:g} | {row['seconds'] * 1e3:.3g} | {row['times_otfleet']:.1f}"
            if row["seconds"]
            else f"| {row['failure']} |"
        )
        lines.append(f"| {row['problem']} | {row['solver']} | {figures} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--otfleet", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    output, program = arguments.output, arguments.otfleet.resolve()
    quick = os.environ.get("PEERS_QUICK", "0") not in ("", "0")
    rounds = int(os.environ.get("PEERS_ROUNDS", "1" if quick else "7"))
    wanted = re.compile(os.environ.get("PEERS_CASES", ""))
    measures = problems.threes(5 if quick else 50)
    plain, debiased = ([0.1], [0.5]) if quick else ([1e-2, 1e-3], [1e-1, 1e-2])
    few, points, free = (3, 30, [3e-2]) if quick else (10, 100, [1e-2, 1e-3])
    cases = [
        *(problems.Problem(measures, EPSILON, False, accuracy) for accuracy in plain),
        *(problems.Problem(measures, EPSILON, True, accuracy) for accuracy in debiased),
        *(free_problem.FreeProblem(measures[:few], points, EPSILON, accuracy) for accuracy in free),
    ]
    rows, pictures = [], {}
    for case in filter(lambda case: wanted.search(case.name), cases):
        moves = isinstance(case, free_problem.FreeProblem)
        make = free_contenders.contenders if moves else contenders.contenders
        more, found = measure(case, make(case, program, output), rounds)
        rows += more
        if not moves:
            pictures[case.debiased] = pictures_of(more, found)  # of the better accuracy
    if not rows:
        sys.exit(f"PEERS_CASES = {wanted.pattern!r} fits none of: " + "; ".join(c.name for c in cases))
    result = {
        "machine": f"one core of {processor()}",
        "rounds": rounds,
        "measures": len(measures),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "rows": rows,
    }
    (output / "barycenters.json").write_text(json.dumps(result, indent=1) + "\n")
    (output / "barycenters.md").write_text(markdown(rows))
    if pictures:
        write_png(output / "threes.png", list(pictures.values()))
    print(f"\n{markdown(rows)}\nwritten: {output}/barycenters.json, barycenters.md, threes.png")


if __name__ == "__main__":
    main()
