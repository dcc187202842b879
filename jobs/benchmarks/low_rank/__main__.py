"""Plans of low rank by otfleet and OTT-JAX on one core; see ../low_rank.sh.

Usage: python3 low_rank FOLDER --otfleet PROGRAM --photos FOLDER [--smoke]
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import h5py
import jax
import jax.numpy as jnp
import numpy as np
from ott.geometry import pointcloud
from ott.initializers.linear import initializers_lr
from ott.problems.linear import linear_problem
from ott.solvers.linear import sinkhorn_lr
from PIL import Image

jax.config.update("jax_enable_x64", True)
CASES = ((5000, 3, 20), (20000, 3, 20), (50000, 3, 20), (20000, 32, 20))  # points, coordinates, rank
BOTH_STARTS = 5000  # points up to which OTT-JAX also has its default, random start; it is slower
LONG = {"gamma": 100.0, "threshold": 1e-9, "max_iterations": 200}  # what else it is asked for there
ALONE = (1000000, 3, 50)  # otfleet's


def mixtures(points, coordinates):
    """Points around eight places, and around eight others."""
    rng = np.random.default_rng(points + coordinates)
    return [3 * rng.normal(size=(8, coordinates))[rng.integers(0, 8, points)]
            + width * rng.normal(size=(points, coordinates)) for width in (0.4, 0.6)]


def colors(folder):
    """Of every pixel of two photographs, in [0, 1]."""
    return [np.asarray(Image.open(folder / name).convert("RGB"), dtype=float).reshape(-1, 3) / 255
            for name in ("astronaut.jpg", "coffee.jpg")]


def solve(program, folder, name, clouds, rank):
    with h5py.File(folder / f"{name}.h5", "w") as out:
        out["measures/offsets"] = np.cumsum([0] + [len(cloud) for cloud in clouds])
        out["measures/points"] = np.concatenate(clouds)
        out["measures/weights"] = np.concatenate([np.full(len(cloud), 1 / len(cloud)) for cloud in clouds])
        out["problems/source"], out["problems/target"] = np.int32([0]), np.int32([1])
        out.create_group("geometry").attrs.update(kind="clouds", cost="squared_euclidean")
    job = folder / f"{name}.toml"
    job.write_text(f'problem = "low_rank"\nfiles.test_population = "{name}.h5"\nlow_rank.rank = {rank}\n',
                   encoding="utf-8")
    began = time.perf_counter()
    done = subprocess.run([program, "solve", job, "--output", folder / name, "--quiet"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    seconds = time.perf_counter() - began
    report = json.loads((folder / name / "report.json").read_text(encoding="utf-8"))
    with h5py.File(folder / name / "solution.h5") as file:
        row = {key: file["solution"][key][0] for key in
               ("transport_cost", "lower_bound", "upper_bound", "bound_failure", "residual", "iterations", "status")}
    return {"seconds": report["seconds"]["solve"], "find_seconds": report["seconds"]["iterate"]
            + report["seconds"]["start"], "program_seconds": seconds,
            **{key: value.item() for key, value in row.items()}}


def peer(clouds, rank, name, **settings):
    initializer = {"random": initializers_lr.RandomInitializer, "k-means": initializers_lr.KMeansInitializer}[name]
    geometry = pointcloud.PointCloud(*map(jnp.asarray, clouds)).to_LRCGeometry()
    problem = linear_problem.LinearProblem(geometry)
    solver = jax.jit(sinkhorn_lr.LRSinkhorn(rank=rank, initializer=initializer(rank), **settings))
    solver(problem).g.block_until_ready()  # compiled
    began = time.perf_counter()
    found = solver(problem)
    found.g.block_until_ready()
    return {"seconds": time.perf_counter() - began, "cost": float(found.transport_cost_at_geom(geometry)),
            "converged": bool(found.converged)}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--otfleet", required=True)
    options.add_argument("--photos", type=pathlib.Path, required=True)
    options.add_argument("--smoke", action="store_true")
    given = options.parse_args()
    folder, result = given.folder.resolve(), []
    cases = [("mixtures", mixtures(points, d), rank) for points, d, rank in CASES]
    cases.append(("colors", colors(given.photos), 40))
    if given.smoke:
        cases = [("mixtures", mixtures(500, 3), 5)]
    for number, (name, clouds, rank) in enumerate(cases):
        ours = solve(given.otfleet, folder, f"case{number}", clouds, rank)
        result.append({"clouds": name, "points": [len(cloud) for cloud in clouds], "coordinates": clouds[0].shape[1],
                       "rank": rank, "otfleet": ours, "ott": {"k-means": peer(clouds, rank, "k-means")}})
        if len(clouds[0]) <= BOTH_STARTS:
            result[-1]["ott"]["random"] = peer(clouds, rank, "random")
            result[-1]["ott"]["k-means, long"] = peer(clouds, rank, "k-means", **LONG)
        print(json.dumps(result[-1]), file=sys.stderr)
    alone = {}
    if not given.smoke:
        points, coordinates, rank = ALONE
        alone = {"points": points, "coordinates": coordinates, "rank": rank,
                 "otfleet": solve(given.otfleet, folder, "alone", mixtures(points, coordinates), rank)}
        alone["gibibytes"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of the largest
    json.dump({"benchmark": "low_rank", "versions": {name: importlib.metadata.version(name) for name in
                                                     ("ott-jax", "jax", "numpy")},
               "cases": result, "alone": alone}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
