"""Sliced distances by otfleet and POT on one core; see ../sliced.sh.

Usage: python3 sliced FOLDER --otfleet PROGRAM [--smoke]
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import time

os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import h5py
import numpy as np
import ot

DIRECTIONS = 64
CASES = ((100, 2, 1000), (1000, 10, 40), (10000, 3, 5))  # points, coordinates, pairs


def write_pairs(file, sources, targets):
    clouds = [cloud for pair in zip(sources, targets) for cloud in pair]
    sizes = [len(cloud) for cloud in clouds]
    with h5py.File(file, "w") as out:
        out["measures/offsets"] = np.cumsum([0] + sizes)
        out["measures/points"] = np.concatenate(clouds)
        out["measures/weights"] = np.concatenate([np.full(n, 1 / n) for n in sizes])
        out["problems/source"] = np.arange(0, len(clouds), 2, dtype=np.int32)
        out["problems/target"] = np.arange(1, len(clouds), 2, dtype=np.int32)
        out.create_group("geometry").attrs.update(kind="clouds", cost="squared_euclidean")


def solve(program, folder, name, population, *settings):
    job = folder / f"{name}.toml"
    job.write_text(f'problem = "sliced"\nfiles.test_population = "{population}"\n', encoding="utf-8")
    sets = [word for one in settings for word in ("--set", one)]
    done = subprocess.run([program, "solve", job, "--output", folder / name, "--quiet", *sets],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    report = json.loads((folder / name / "report.json").read_text(encoding="utf-8"))
    with h5py.File(folder / name / "solution.h5") as file:
        return {key: value[:] for key, value in file["solution"].items()}, report["seconds"]["solve"]


def timed(function, pairs):
    began = time.perf_counter()
    values = [function(*pair) for pair in pairs]
    return np.array(values), (time.perf_counter() - began) / len(pairs)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--otfleet", required=True)
    options.add_argument("--smoke", action="store_true")
    given = options.parse_args()
    folder, result = given.folder.resolve(), []
    for points, coordinates, count in CASES[:1] if given.smoke else CASES:
        rng = np.random.default_rng(points)
        count = 20 if given.smoke else count
        sources = rng.normal(size=(count, points, coordinates))
        # Stretched along one direction, and moved a little.
        direction = rng.normal(size=(count, 1, coordinates))
        direction /= np.linalg.norm(direction, axis=2, keepdims=True)
        targets = rng.normal(size=(count, points, coordinates))
        targets += np.sum(targets * direction, axis=2, keepdims=True) * direction + 0.3
        pairs = list(zip(sources, targets))
        write_pairs(folder / f"{points}.h5", sources, targets)
        plain, plain_seconds = solve(given.otfleet, folder, f"plain{points}", f"{points}.h5", "sliced.steps=0",
                                     "sliced.starts=1", f"sliced.directions={DIRECTIONS}")
        full, full_seconds = solve(given.otfleet, folder, f"full{points}", f"{points}.h5",
                                   f"sliced.directions={DIRECTIONS}")
        projections = rng.normal(size=(coordinates, DIRECTIONS))
        projections /= np.linalg.norm(projections, axis=0)
        theirs, their_seconds = timed(
            lambda x, y: ot.sliced_wasserstein_distance(x, y, projections=projections)**2, pairs)
        many = rng.normal(size=(coordinates, 20 * DIRECTIONS))
        many /= np.linalg.norm(many, axis=0)
        largest, largest_seconds = timed(
            lambda x, y: ot.max_sliced_wasserstein_distance(x, y, projections=many)**2, pairs)
        result.append({
            "points": points, "coordinates": coordinates, "pairs": count, "directions": DIRECTIONS,
            "otfleet_sliced_ms": 1e3 * plain_seconds / count, "otfleet_max_sliced_ms": 1e3 * full_seconds / count,
            "pot_sliced_ms": 1e3 * their_seconds, "pot_max_sliced_ms": 1e3 * largest_seconds,
            "sliced": float(np.mean(plain["sliced"])), "pot_sliced": float(np.mean(theirs)),
            "max_sliced": float(np.mean(full["max_sliced"])), "best_direction": float(np.mean(plain["max_sliced"])),
            "pot_max_sliced": float(np.mean(largest)), "bound": float(np.mean(full["upper_bound"])),
            "converged": int(np.sum(full["status"] == 0))})
    json.dump({"benchmark": "sliced", "versions": {name: importlib.metadata.version(name) for name in ("POT", "numpy")},
               "cases": result}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
