"""Entropic maps for elastic costs by otfleet and by OTT-JAX, and progressive maps beside entropic ones whose epsilon was
searched, on one core, beside the true maps; see ../plan_maps.sh.

Usage: python3 plan_maps FOLDER --otfleet PROGRAM [--smoke]
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import time

CORE = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import h5py
import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from ott.geometry import costs, pointcloud, regularizers
from ott.problems.linear import linear_problem
from ott.solvers.linear import sinkhorn

L1, L2, STRENGTH, OVERLAP = 0.5, 1.0, 2.0, 3
THRESHOLD = 1e-3
SHARES = (0.1, 0.03, 0.01)  # of the mean cost, as epsilon
SEARCHED = (0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125)  # the same, for maps between Gaussians
JOB = pathlib.Path(__file__).resolve().parents[3] / "inputs" / "conditional_gaussians.toml"


def shrink(z, cut):
    return np.sign(z) * np.maximum(np.abs(z) - cut, 0)


def shrink_rows(z, cut):
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return z * np.maximum(1 - cut / np.maximum(length, 1e-300), 0)


def squared_overlaps(rows, k):
    """Squares of the k-support norm (Argyriou et al. 2012, proposition 2.1)."""
    sizes = -np.sort(-np.abs(rows), axis=1)
    result, open_rows = np.zeros(len(rows)), np.ones(len(rows), dtype=bool)
    for r in range(k):
        rest = sizes[:, k - r - 1:].sum(axis=1) / (r + 1)
        fits = open_rows if r + 1 == k else open_rows & (sizes[:, k - r - 2] > rest)
        square = np.sum(sizes[:, :k - r - 1]**2, axis=1) + (r + 1) * rest**2
        result[fits] = square[fits]
        open_rows = open_rows & ~fits
    return result


def overlap_prox(z, strength):
    """The proximal map of 1/2 strength times that: of all candidates of Argyriou et al.'s algorithm 1 the best."""
    weight, (rows, d) = 1 / strength, z.shape
    order = np.argsort(-np.abs(z), axis=1)
    sizes = np.take_along_axis(np.abs(z), order, axis=1)
    best, least = np.zeros_like(z), np.full(rows, np.inf)
    for r in range(OVERLAP):
        for last in range(OVERLAP, d + 1):
            head, tail = slice(0, OVERLAP - r - 1), slice(OVERLAP - r - 1, last)
            cut = sizes[:, tail].sum(axis=1, keepdims=True) / (last - OVERLAP + (weight + 1) * (r + 1))
            found = np.zeros_like(z)
            found[:, head] = weight / (weight + 1) * sizes[:, head]
            found[:, tail] = np.maximum(sizes[:, tail] - cut, 0)
            value = 0.5 * np.sum((found - sizes)**2, axis=1) + 0.5 * strength * squared_overlaps(found, OVERLAP)
            better = value < least - 1e-15
            best[better], least[better] = found[better], value[better]
    result = np.empty_like(z)
    np.put_along_axis(result, order, best, axis=1)
    return np.sign(z) * result


# What is compared: name, the job's cost, the proximal map of the part that is not the square, OTT's cost if it has one.
CASES = (
    ("elastic, l1", {"problem.cost": "elastic", "problem.elastic_l1": L1}, lambda z, step: shrink(z, step * L1),
     lambda: costs.RegTICost(regularizers.L1(), lam=L1)),
    ("elastic, l2", {"problem.cost": "elastic", "problem.elastic_l2": L2}, lambda z, step: shrink_rows(z, step * L2),
     None),
    ("k-overlap", {"problem.cost": "k_overlap", "problem.overlap_count": OVERLAP, "problem.overlap_strength": STRENGTH},
     lambda z, step: overlap_prox(z, step * STRENGTH),
     lambda: costs.RegTICost(regularizers.SqKOverlap(OVERLAP), lam=STRENGTH)),
)


def true_images(points, prox, bowl, center):
    """argmin over y of h(x - y) + 1/2 (y - center)' bowl (y - center), the map of the h-concave potential whose
    h-transform is minus that bowl (Cuturi, Klein & Ablin 2023, section 4.1), by accelerated proximal steps."""
    step = 1 / (1 + np.linalg.eigvalsh(bowl)[-1])
    z = np.zeros_like(points)
    ahead, momentum = z, 1.0
    for _ in range(500):
        slope = ahead - (points - ahead - center) @ bowl
        new = prox(ahead - step * slope, step)
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / grown * (new - z)
        moved = np.abs(new - z).max()
        z, momentum = new, grown
        if moved < 1e-9:
            break
    return points - z


def run(options, *words):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run([options.otfleet, *map(str, words), "--quiet"], check=True, stdout=sys.stderr, env=environment)


def by_otfleet(options, folder, case, data, share):
    """Images of the new points, and the seconds that solving and mapping took, without reading and writing."""
    source, target, new = data
    folder.mkdir()
    for name, points in (("source", source), ("target", target), ("new", new)):
        np.save(folder / f"{name}.npy", points)
    settings = {**case, "problem.epsilon": share, "problem.epsilon_relative": "mean", "solver.threshold": THRESHOLD}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    out = folder / "plan"
    run(options, "solve", "--source", folder / "source.npy", "--target", folder / "target.npy", "--output", out, *words)
    plan = json.loads((out / "report.json").read_text())
    run(options, "solve", out / "job.toml", "--set", f"files.solution={out / 'solution.h5'}",
        "--set", f"map.points.file={folder / 'new.npy'}", "--output", folder / "map")
    mapped = json.loads((folder / "map" / "report.json").read_text())
    seconds = [report["seconds"]["solve"] for report in (plan, mapped)]
    with h5py.File(folder / "map" / "solution.h5") as file:
        images, epsilon = file["solution/image"][0], float(file["solution"].attrs["epsilon"])
    return images, epsilon, *seconds


def by_ott(cost, data, epsilon):
    source, target, new = data
    times = []
    for _ in range(2):  # the first compiles

        def solve(x, y):
            problem = linear_problem.LinearProblem(pointcloud.PointCloud(x, y, cost_fn=cost, epsilon=epsilon))
            return sinkhorn.Sinkhorn(threshold=THRESHOLD, max_iterations=20000)(problem)

        solve_now = solve_now if times else jax.jit(solve)
        begin = time.perf_counter()
        out = jax.block_until_ready(solve_now(source, target))
        solved = time.perf_counter() - begin
        potentials = out.to_dual_potentials()
        transport = jax.jit(potentials.transport)
        jax.block_until_ready(transport(new))
        begin = time.perf_counter()
        images = np.asarray(jax.block_until_ready(transport(new)))
        times.append((solved, time.perf_counter() - begin))
    return images, *times[-1], bool(out.converged)


def scores(images, truth, points):
    """Squared error as a share of the squared displacement, and the share of coordinates that stay where they are."""
    return {"error": float(np.sum((images - truth)**2) / np.sum((truth - points)**2)),
            "still": float(np.mean(np.abs(images - points) < 1e-9))}


def root_of(matrix, inverse=False):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**(-0.5 if inverse else 0.5)) @ vectors.T


def covariance(random, dimension):
    """With deviations from 0.5 to 2."""
    turn, _ = np.linalg.qr(random.normal(size=(dimension, dimension)))
    return (turn * random.uniform(0.5, 2, dimension)**2) @ turn.T


def write_gaussians(file, random, problems, count, dimension):
    """Pairs of samples of Gaussians, and where the true map takes the sources (Peyre & Cuturi 2019, remark 2.31)."""
    sources, targets, images = [], [], []
    for _ in range(problems):
        one, other, center = covariance(random, dimension), covariance(random, dimension), random.normal(size=dimension)
        root = root_of(one)
        slope = root_of(one, True) @ root_of(root @ other @ root) @ root_of(one, True)
        sources.append(random.normal(size=(count, dimension)) @ root)
        targets.append(random.normal(size=(count, dimension)) @ root_of(other) + center)
        images.append(sources[-1] @ slope + center)
    offsets = np.arange(problems + 1) * count
    with h5py.File(file, "w") as write:
        write.create_group("geometry").attrs.update(kind="clouds", cost="squared_euclidean")
        for side, points in (("source", sources), ("target", targets)):
            write[f"measures/{side}_points"] = np.concatenate(points)
            write[f"measures/{side}_weights"] = np.full(problems * count, 1 / count)
            write[f"measures/{side}_offsets"] = offsets
            write[f"problems/{side}"] = np.arange(problems, dtype=np.int32)
        write["problems/image"] = np.concatenate(images)


def between_gaussians(options, folder, count, dimension, problems=3):
    """L2-UVP of the maps at the sources' points, in percent, and milliseconds a problem, of every method."""
    folder.mkdir()
    write_gaussians(folder / "pairs.h5", np.random.default_rng(dimension), problems, count, dimension)
    methods = {"chosen": ["map.method=entropic"], "progressive": ["map.method=progressive"]}
    methods |= {share: ["map.method=entropic", f"map.epsilon={share}"] for share in SEARCHED}
    result = {}
    for name, settings in methods.items():
        words = [word for setting in settings for word in ("--set", setting)]
        run(options, "evaluate", JOB, "--output", folder / str(name), "--set",
            f"files.test_population={folder / 'pairs.h5'}", "--set", "evaluate.points=200", *words)
        report = json.loads((folder / str(name) / "report.json").read_text())
        method = settings[0].split("=")[1]
        result[name] = {"uvp": report["maps"][method]["uvp"], "milliseconds": report["map_milliseconds"]}
    result["best of the search"] = min(result[share]["uvp"] for share in SEARCHED)
    result["the search"] = sum(result[share]["milliseconds"] for share in SEARCHED)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--otfleet", required=True)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    count, dimension, shares = (200, 4, SHARES[:1]) if options.smoke else (2000, 10, SHARES)
    random = np.random.default_rng(0)
    mixing = random.normal(size=(dimension, dimension)) / np.sqrt(dimension)
    bowl, center = mixing @ mixing.T + 0.2 * np.eye(dimension), random.normal(size=dimension)
    result = {"points": count, "dimension": dimension, "threshold": THRESHOLD,
              "packages": {name: importlib.metadata.version(name) for name in ("ott-jax", "jax")}, "cases": {}}
    for number, (name, job, prox, make_cost) in enumerate(CASES):
        points = [random.normal(size=(count, dimension)) for _ in range(3)]
        source, target, new = points[0], true_images(points[1], prox, bowl, center), points[2]
        truth = true_images(new, prox, bowl, center)
        rows = {"truth": scores(truth, truth, new)}
        for share in shares:
            images, epsilon, solve, mapping = by_otfleet(options, options.folder / f"case-{number}-{share}", job,
                                                         (source, target, new), share)
            row = {"epsilon": epsilon, "otfleet": {**scores(images, truth, new), "solve": solve, "map": mapping}}
            rows[f"epsilon {share} of the mean cost"] = row
            if make_cost is None:
                continue
            try:
                others, ott_solve, ott_map, converged = by_ott(make_cost(), (source, target, new), epsilon)
                row["ott"] = {**scores(others, truth, new), "solve": ott_solve, "map": ott_map, "converged": converged,
                              "largest_difference": float(np.abs(others - images).max())}
            except Exception as error:  # a peer that cannot is a result, too
                row["ott"] = {"failed": f"{type(error).__name__}: {error}"[:300]}
        result["cases"][name] = rows
    result["gaussians"] = {}
    for dimension in ((2,) if options.smoke else (2, 8, 32, 64)):
        for size in ((100,) if options.smoke else (1000,)):
            name = f"{dimension} dimensions, {size} points"
            result["gaussians"][name] = between_gaussians(options, options.folder / f"gaussians-{dimension}-{size}", size,
                                                          dimension)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
