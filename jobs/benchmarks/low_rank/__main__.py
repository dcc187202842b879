"""Plans of low rank by otfleet and OTT-JAX on one core; see ../low_rank.sh.

Usage: python3 low_rank FOLDER --otfleet PROGRAM --photos FOLDER [--shapes] [--smoke]
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
from ott.problems.quadratic import quadratic_problem
from ott.solvers.linear import sinkhorn_lr
from ott.solvers.quadratic import gromov_wasserstein_lr
from PIL import Image

jax.config.update("jax_enable_x64", True)
CASES = ((5000, 3, 20), (20000, 3, 20), (50000, 3, 20), (20000, 32, 20))  # points, coordinates, rank
BOTH_STARTS = 5000  # points up to which OTT-JAX also has its default, random start; it is slower
LONG = {"gamma": 100.0, "threshold": 1e-9, "max_iterations": 200}  # what else it is asked for there
ALONE = (1000000, 3, 50)  # otfleet's
SHAPES = ((1000, 3, 20), (50000, 3, 20))  # the second one otfleet's alone


def mixtures(points, coordinates):
    """Points around eight places, and around eight others."""
    rng = np.random.default_rng(points + coordinates)
    return [3 * rng.normal(size=(8, coordinates))[rng.integers(0, 8, points)]
            + width * rng.normal(size=(points, coordinates)) for width in (0.4, 0.6)]


def colors(folder):
    """Of every pixel of two photographs, in [0, 1]."""
    return [np.asarray(Image.open(folder / name).convert("RGB"), dtype=float).reshape(-1, 3) / 255
            for name in ("astronaut.jpg", "coffee.jpg")]


def solve(program, folder, name, clouds, rank, job='problem = "low_rank"', *settings):
    with h5py.File(folder / f"{name}.h5", "w") as out:
        out["measures/offsets"] = np.cumsum([0] + [len(cloud) for cloud in clouds])
        out["measures/points"] = np.concatenate(clouds)
        out["measures/weights"] = np.concatenate([np.full(len(cloud), 1 / len(cloud)) for cloud in clouds])
        out["problems/source"], out["problems/target"] = np.int32([0]), np.int32([1])
        out.create_group("geometry").attrs.update(kind="clouds", cost="squared_euclidean")
    text, job = job, folder / f"{name}.toml"
    job.write_text(f'{text}\nfiles.test_population = "{name}.h5"\n', encoding="utf-8")
    if rank > 0:
        settings = (*settings, f"low_rank.rank={rank}")
    sets = [word for one in settings for word in ("--set", one)]
    began = time.perf_counter()
    done = subprocess.run([program, "solve", job, "--output", folder / name, "--quiet", *sets], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    seconds = time.perf_counter() - began
    report = json.loads((folder / name / "report.json").read_text(encoding="utf-8"))
    with h5py.File(folder / name / "solution.h5") as file:
        row = {key: file["solution"][key][0] for key in
               ("transport_cost", "lower_bound", "upper_bound", "residual", "iterations", "status")}
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


def distortion(clouds, found):
    """Of a plan in factors, by the moments that it has; equal weights."""
    x, y = [cloud - cloud.mean(0) for cloud in clouds]
    squares = [(points**2).sum(1) for points in (x, y)]
    q, r, g = [np.asarray(factor) for factor in (found.q, found.r, found.g)]
    moments = (q.T @ x / g[:, None]).T @ (r.T @ y)
    product = ((q.T @ (squares[0] - squares[0].mean())) * (r.T @ (squares[1] - squares[1].mean())) / g).sum()
    covariances = [points.T @ points / len(points) for points in (x, y)]
    return (4 * (squares[0].mean() - squares[1].mean())**2 + 2 * (squares[0].var() + squares[1].var() - 2 * product)
            + 4 * (sum((one**2).sum() for one in covariances) - 2 * (moments**2).sum()))


def peer_shapes(clouds, rank):
    geometries = [pointcloud.PointCloud(jnp.asarray(cloud)).to_LRCGeometry() for cloud in clouds]
    problem = quadratic_problem.QuadraticProblem(*geometries)
    solver = jax.jit(gromov_wasserstein_lr.LRGromovWasserstein(
        rank=rank, initializer=initializers_lr.KMeansInitializer(rank), min_iterations=100, max_iterations=2000))
    solver(problem).g.block_until_ready()  # compiled
    began = time.perf_counter()
    found = solver(problem)
    found.g.block_until_ready()
    return {"seconds": time.perf_counter() - began, "cost": float(distortion(clouds, found)),
            "converged": bool(found.converged)}


def shapes(program, folder, smoke):
    """The objective of Gromov–Wasserstein problems, beside plans of full rank."""
    result = []
    for number, (points, coordinates, rank) in enumerate(SHAPES[:1] if smoke else SHAPES):
        clouds = mixtures(200 if smoke else points, coordinates)
        one = {"points": len(clouds[0]), "coordinates": coordinates, "rank": rank,
               "otfleet": solve(program, folder, f"shapes{number}", clouds, rank, 'problem = "low_rank"',
                                "low_rank.objective=gromov_wasserstein")}
        if number == 0:
            one["otfleet_full"] = solve(program, folder, "full", clouds, 0, 'problem = "gromov_wasserstein"',
                                        "problem.epsilon=0.5", "gromov_wasserstein.starts=4", "solver.threshold=1e-3")
            one["ott"] = peer_shapes(clouds, rank)
        result.append(one)
    return result


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--otfleet", required=True)
    options.add_argument("--photos", type=pathlib.Path, required=True)
    options.add_argument("--shapes", action="store_true", help="these alone")
    options.add_argument("--smoke", action="store_true")
    given = options.parse_args()
    folder, result = given.folder.resolve(), []
    cases = [("mixtures", mixtures(points, d), rank) for points, d, rank in CASES]
    cases.append(("colors", colors(given.photos), 40))
    if given.smoke:
        cases = [("mixtures", mixtures(500, 3), 5)]
    for number, (name, clouds, rank) in enumerate([] if given.shapes else cases):
        ours = solve(given.otfleet, folder, f"case{number}", clouds, rank)
        result.append({"clouds": name, "points": [len(cloud) for cloud in clouds], "coordinates": clouds[0].shape[1],
                       "rank": rank, "otfleet": ours, "ott": {"k-means": peer(clouds, rank, "k-means")}})
        if len(clouds[0]) <= BOTH_STARTS:
            result[-1]["ott"]["random"] = peer(clouds, rank, "random")
            result[-1]["ott"]["k-means, long"] = peer(clouds, rank, "k-means", **LONG)
        print(json.dumps(result[-1]), file=sys.stderr)
    alone = {}
    if not given.smoke and not given.shapes:
        points, coordinates, rank = ALONE
        alone = {"points": points, "coordinates": coordinates, "rank": rank,
                 "otfleet": solve(given.otfleet, folder, "alone", mixtures(points, coordinates), rank)}
        alone["gibibytes"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of the largest
    json.dump({"benchmark": "low_rank", "versions": {name: importlib.metadata.version(name) for name in
                                                     ("ott-jax", "jax", "numpy")},
               "cases": result, "alone": alone,
               "shapes": shapes(given.otfleet, folder, given.smoke)}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
