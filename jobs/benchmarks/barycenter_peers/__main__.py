"""The mean of fifty threes by otfleet and its peers; see ../barycenter_peers.sh.

Usage: python jobs/benchmarks/barycenter_peers OUTPUT_DIR --otfleet PROGRAM
"""

import argparse
import json
import math
import os
import pathlib
import platform
import struct
import time
import zlib

import contenders

contenders.keep_to(max(os.sched_getaffinity(0)))  # before NumPy starts threads

import importlib.metadata

import problem as problems

PACKAGES = ("POT", "ott-jax", "jax", "jaxlib", "numpy")
EPSILON = 4e-3  # that of POT's example of convolutional barycenters
LIMIT = 10  # seconds that one run of a peer may take


def first_good(contender, exact, accuracy, guess):
    """The least effort that reaches the accuracy, as (effort, error, barycenter), or why there is
    none. `guess`: where to begin; others took as many iterations."""

    def result(effort):
        found, seconds = contender.run(effort)
        return effort, problems.distance(found, exact), found, seconds

    efforts = getattr(contender, "efforts", range(1, 200_001))  # ever better
    at = efforts.index(guess) if guess in efforts else min(7, len(efforts) - 1)
    low, high, best = -1, None, None
    while high is None or high - low > 1 + high // 50:
        _, error, _, seconds = now = result(efforts[at])
        if seconds > LIMIT:
            return f"takes more than {LIMIT} s"
        if not math.isfinite(error):
            return "not finite"
        if error <= accuracy:
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


def measure(problem, program, output, quick, rounds):
    print(problem.name, flush=True)
    begin = time.perf_counter()
    exact, moved = problems.reference(problem)
    print(f"  reference: {time.perf_counter() - begin:.0f} s, moved by {moved:.1e} in its second half", flush=True)
    mine = contenders.Ours(problem, program, output)
    rows, found, guess = [], {}, None
    for contender in [mine, *contenders.pot(problem), *contenders.ott(problem)]:
        row = {"problem": problem.name, "solver": contender.label, "seconds": None}
        rows.append(row)
        best = first_good(contender, exact, problem.accuracy, guess)
        if isinstance(best, str):
            row["failure"] = best
            print(f"  {contender.label}: {row['failure']}", flush=True)
            continue
        row["effort"], row["error"], found[contender.label] = best
        row["contender"] = contender
        guess = guess if contender is mine else row["effort"]
    for _ in range(rounds):  # in turns
        for row in rows:
            if "effort" not in row or (row["seconds"] or 0) > LIMIT / rounds:
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
                f" error {row['error']:.1e}, {row['times_otfleet']:.1f} times otfleet",
                flush=True,
            )
    pot = [row for row in rows if row["solver"].startswith("POT") and row["seconds"]]
    fastest = min(pot, key=lambda row: row["seconds"])["solver"] if pot else None
    return rows, [found["otfleet"], found[fastest]] if fastest else [found["otfleet"]]


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
    output, quick = arguments.output, os.environ.get("PEERS_QUICK", "0") not in ("", "0")
    rounds = int(os.environ.get("PEERS_ROUNDS", "1" if quick else "7"))
    measures = problems.threes(5 if quick else 50)
    plain, debiased = ([0.1], [0.5]) if quick else ([1e-2, 1e-3], [1e-1, 1e-2])
    rows, pictures = [], []
    for is_debiased, accuracies in ((False, plain), (True, debiased)):
        for accuracy in accuracies:
            case = problems.Problem(measures, EPSILON, is_debiased, accuracy)
            more, images = measure(case, arguments.otfleet.resolve(), output, quick, rounds)
            rows += more
        pictures.append(images)  # of the better accuracy
    result = {
        "machine": f"one core of {processor()}",
        "rounds": rounds,
        "measures": len(measures),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "rows": rows,
    }
    (output / "barycenters.json").write_text(json.dumps(result, indent=1) + "\n")
    (output / "barycenters.md").write_text(markdown(rows))
    write_png(output / "threes.png", pictures)
    print(f"\n{markdown(rows)}\nwritten: {output}/barycenters.json, barycenters.md, threes.png")


if __name__ == "__main__":
    main()
