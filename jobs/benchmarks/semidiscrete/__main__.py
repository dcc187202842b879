"""Noise to digits by otfleet and OTT-JAX on one core; see ../semidiscrete.sh.

Usage: python3 semidiscrete FOLDER --otfleet PROGRAM --images FILE --dataset NAME [--smoke]
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
import jax
import jax.numpy as jnp
import numpy as np
import optax
from ott.geometry import semidiscrete_pointcloud
from ott.problems.linear import semidiscrete_linear_problem
from ott.solvers.linear import semidiscrete

COMPARED, THRESHOLD = 10000, 0.15  # points that both have
OPTIMIZERS = {f"{name} {rate:g}": getattr(optax, name)(rate)
              for name, rates in (("adam", (0.1, 0.3, 1, 3)), ("sgd", (100, 1e3, 1e4))) for rate in rates}
BATCH = 256
JUDGES = 40960  # samples


def solve(program, folder, name, points, *settings):
    with h5py.File(folder / f"{name}.h5", "w") as out:
        out["measures/offsets"] = np.int64([0, len(points)])
        out["measures/points"] = points.astype(float)
        out["measures/weights"] = np.full(len(points), 1 / len(points))
        out["problems/source"] = out["problems/target"] = np.int32([0])
        out.create_group("geometry").attrs.update(kind="clouds", cost="squared_euclidean")
    job = folder / f"{name}.toml"
    job.write_text(f'problem = "semidiscrete"\nfiles.test_population = "{name}.h5"\n', encoding="utf-8")
    sets = [word for one in settings for word in ("--set", one)]
    done = subprocess.run([program, "solve", job, "--output", folder / name, "--quiet", *sets], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    seconds = json.loads((folder / name / "report.json").read_text(encoding="utf-8"))["seconds"]
    with h5py.File(folder / name / "solution.h5") as file:
        row = {key: file["solution"][key][0].item() for key in
               ("transport_cost", "transport_error", "lower_bound", "upper_bound", "marginal_error", "marginal_lower",
                "marginal_upper", "samples", "iterations", "status")}
        potential = file["solution/g"][:]
    (folder / f"{name}.h5").unlink()
    return {"seconds": seconds["start"] + seconds["iterate"], "certify_seconds": seconds["certify"], **row}, potential


def chi(points, potential):
    """The root of the chi-square distance of shares from equal weights, by fresh samples."""
    rng, hits = np.random.default_rng(12345), np.zeros(len(points))
    heights = (potential - (points.astype(float)**2).sum(1)).astype(np.float32)
    for _ in range(JUDGES // 1024):
        scores = 2 * rng.standard_normal((1024, points.shape[1]), dtype=np.float32) @ points.T + heights
        hits += np.bincount(scores.argmax(1), minlength=len(points))
    square = (hits * (hits - 1)).sum() * len(points) / (JUDGES * (JUDGES - 1)) - 1
    return float(np.sqrt(max(square, 0)))


def peer(points, optimizer, budget):
    """As many steps as take so many seconds."""
    geometry = semidiscrete_pointcloud.SemidiscretePointCloud(
        lambda key, shape, dtype=None: jax.random.normal(key, shape, dtype), jnp.asarray(points), epsilon=0.0)
    problem = semidiscrete_linear_problem.SemidiscreteLinearProblem(geometry)

    def run(steps):
        solver = jax.jit(semidiscrete.SemidiscreteSolver(
            num_iterations=steps, batch_size=BATCH, optimizer=optimizer, error_eval_every=steps, error_num_repeats=1,
            potential_ema=0.99))
        solver(jax.random.key(0), problem).g.block_until_ready()  # compiled
        began = time.perf_counter()
        found = solver(jax.random.key(1), problem)
        found.g.block_until_ready()
        return time.perf_counter() - began, np.asarray(found.g, dtype=float)

    steps = max(int(budget / (run(20)[0] / 20)), 20)
    seconds, potential = run(steps)
    return {"seconds": seconds, "steps": steps, "chi": chi(points, potential)}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--otfleet", required=True)
    options.add_argument("--images", required=True)
    options.add_argument("--dataset", required=True)
    options.add_argument("--smoke", action="store_true")
    given = options.parse_args()
    folder = given.folder.resolve()
    with h5py.File(given.images) as file:
        images = file[given.dataset][:500 if given.smoke else None]
    points = (images.reshape(len(images), -1) / 255).astype(np.float32)
    some = points[:COMPARED]
    ours, potential = solve(given.otfleet, folder, "compared", some, f"solver.threshold={THRESHOLD}")
    compared = {"points": len(some), "otfleet": {**ours, "chi": chi(some, potential)}, "ott": {}}
    for name, optimizer in OPTIMIZERS.items():
        compared["ott"][name] = peer(some, optimizer, ours["seconds"])
        print(name, compared["ott"][name], file=sys.stderr)
    drawn = 20480
    rate, _ = solve(given.otfleet, folder, "drawn", points, "solver.max_iterations=1", f"semidiscrete.assignments={drawn}",
                    "semidiscrete.certificate_samples=512")
    result = {"benchmark": "semidiscrete", "versions": {name: importlib.metadata.version(name) for name in
                                                        ("ott-jax", "jax", "numpy")},
              "compared": compared, "assignments_a_second": drawn / rate["certify_seconds"]}
    if not given.smoke:
        result["all"] = {"points": len(points), "otfleet": solve(given.otfleet, folder, "all", points)[0]}
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
