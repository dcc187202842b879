"""One problem between two large clouds, by otfleet and by GeomLoss; see ../clouds.sh.

Usage: python jobs/benchmarks/cloud_peers OUTPUT_DIR --otfleet PROGRAM --ranks N [--points N]
Writes OUTPUT_DIR/geomloss.json.
"""

import argparse
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import shutil
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "peers"))

import h5py
import numpy as np

import ours
from cloud_judge import marginal_errors
from instances import Case
from worker import Contender, Failure, Setting, Worker

PACKAGES = ("geomloss", "pykeops", "torch", "numpy")
EPSILON, THRESHOLD = 2.5e-3, 1e-2
LIMIT = 600  # seconds of one solve
SHORT = 10  # seconds, below which a peer's solve is timed once more
# Its defaults first: a ratio of 0.5 between blurs, 2,000 clusters, blocks up to 5 epsilon.
RATIOS, CLUSTERS, TRUNCATION = (0.5, 0.7, 0.8, 0.9), (2000, 8000), 5


def uniform_case(points):
    """Both clouds uniform in the unit cube."""
    random = np.random.default_rng(0)
    x, y = (random.random((points, 3), dtype=np.float32) for _ in range(2))
    uniform = np.full((1, points), 1 / points)
    return Case(
        f"cube n={points}",
        "points",
        EPSILON,
        uniform,
        uniform,
        threshold=THRESHOLD,
        precision="float32",
        x=x,
        y=y,
    )


def judged(case, f, g, share):
    """A potential's error is that of the worse marginal."""
    rows, columns = marginal_errors(case, f, g, share)
    return {"row_error": rows, "column_error": columns, "error": max(rows, columns)}


def geomloss_rows(case, threads, share, most):
    worker = Worker("peer_geomloss")
    for clusters, ratio in itertools.islice(itertools.product(CLUSTERS, RATIOS), most):
        options = {
            "scaling": ratio,
            "clusters": clusters,
            "truncate": TRUNCATION,
            "threads": threads,
        }
        contender = Contender(worker, case, Setting("geomloss", options), LIMIT)
        try:
            seconds, _, potentials = contender.first_pass(0)
            if seconds < SHORT:
                seconds = min(seconds, contender.sample(SHORT / 10, SHORT))
        except Failure as failure:
            yield {"settings": options, "failure": str(failure)}
            continue
        yield {"settings": options, "seconds": seconds} | judged(case, *potentials[0], share)
    worker.stop()


def our_row(case, program, threshold, share, rounds):
    """To a threshold; seconds are those of the solver, as a peer's are."""
    values = {
        "problem.epsilon": case.epsilon,
        "solver.precision": "float",
        "solver.method": "multiscale",
        "solver.initializer": "zeros",
        "solver.threshold": threshold,
    }
    population = program.scratch / "population.h5"
    ours.write_population(population, case)
    seconds, certify = [], []
    for _ in range(rounds):
        report, solution = program.solve(population, values, LIMIT)
        seconds.append(ours.seconds_per_problem(report))
        certify.append(report["solve_seconds"].get("certify"))
    with h5py.File(solution) as file:
        f, g = (file[f"solution/{name}"][:] for name in "fg")
        certified = float(file["solution/marginal_error"][0])
    return {
        "threshold": threshold,
        "seconds": statistics.median(seconds),
        "certify_seconds": certify[-1],
        "certified_error": certified,
    } | judged(case, f, g, share)


def summary(row):
    theirs, settings = row["geomloss"], row["geomloss"]["settings"]
    text = f"geomloss, scaling {settings['scaling']}, {settings['clusters']} clusters: "
    if "failure" in theirs:
        return text + theirs["failure"]
    mine = row["otfleet"]
    return (
        f"{text}{theirs['seconds']:.3g} s, error {theirs['error']:.2g}; "
        f"otfleet {mine['seconds']:.3g} s, error {mine['error']:.2g}: "
        f"{row['times_as_fast']:.3g} times as fast"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--otfleet", required=True)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--judged-share", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--settings", type=int, help="only so many of GeomLoss's")
    options = parser.parse_args()

    scratch = options.output / "cloud_peers"
    os.environ["OMP_NUM_THREADS"] = str(options.ranks)  # KeOps' threads
    os.environ["KEOPS_CACHE_FOLDER"] = str(scratch.resolve() / "keops")
    case = uniform_case(options.points)
    program = ours.Program(options.otfleet, options.ranks, HERE.parents[1] / "common.sh", scratch)

    pairs = []
    for theirs in geomloss_rows(case, options.ranks, options.judged_share, options.settings):
        row = {"geomloss": theirs}
        if "error" in theirs:
            threshold = min(theirs["error"], 0.5)
            row["otfleet"] = our_row(case, program, threshold, options.judged_share, options.rounds)
            row["times_as_fast"] = theirs["seconds"] / row["otfleet"]["seconds"]
        print(summary(row), flush=True)
        pairs.append(row)
    reached = [row for row in pairs if row["geomloss"].get("error", 1) <= THRESHOLD]
    fastest = min(reached, key=lambda row: row["geomloss"]["seconds"], default=None)
    result = {
        "benchmark": "cloud_peers",
        "case": case.name,
        "points": options.points,
        "epsilon": EPSILON,
        "ranks": options.ranks,
        "judged_share": options.judged_share,
        "at_equal_error": pairs,
        f"fastest_to_{THRESHOLD:g}": fastest,
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
    }
    (options.output / "geomloss.json").write_text(json.dumps(result, indent=2) + "\n")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
