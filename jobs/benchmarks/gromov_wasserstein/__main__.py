"""Gromov–Wasserstein problems between turned digits by otfleet, POT and OTT-JAX, on one core; see
../gromov_wasserstein.sh.

Usage: python3 gromov_wasserstein FOLDER --otfleet PROGRAM [--smoke]
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import time
import warnings

CORE = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["OMP_NUM_THREADS"] = "1"

import h5py
import jax
import numpy as np
import ot
import ot.batch

jax.config.update("jax_enable_x64", True)

from ott.geometry import geometry
from ott.problems.quadratic import quadratic_problem
from ott.solvers.linear import sinkhorn
from ott.solvers.quadratic import gromov_wasserstein

DIGITS = pathlib.Path(__file__).resolve().parents[3] / "inputs" / "digits.h5"
RELATIVE = 0.05  # of the mean cost, as epsilon: the program's default


def turned_digits(each, rng):
    """Points of dark pixels, turned by any angle, every other one mirrored; their classes."""
    with h5py.File(DIGITS) as file:
        images, labels = file["test_images"][:], file["test_labels"][:]
    chosen = np.concatenate([np.flatnonzero(labels == digit)[:each] for digit in range(10)])
    clouds = []
    for index in chosen:
        row, column = np.nonzero(images[index] > 127)
        points = np.stack([column, -row], axis=1) / 27
        points -= points.mean(axis=0)
        points[:, 0] *= rng.choice([-1, 1])
        angle = rng.uniform(0, 2 * np.pi)
        clouds.append(points @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return clouds, labels[chosen]


def write_pairs(file, clouds, pairs, cost):
    sizes = [len(cloud) for cloud in clouds]
    with h5py.File(file, "w") as out:
        out["measures/offsets"] = np.cumsum([0] + sizes)
        out["measures/points"] = np.concatenate(clouds)
        out["measures/weights"] = np.concatenate([np.full(n, 1 / n) for n in sizes])
        out["problems/source"], out["problems/target"] = np.asarray(pairs, dtype=np.int32).T
        out.create_group("geometry").attrs.update(kind="clouds", cost=cost)


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def solve(self, name, problem, population, *settings):
        """Solution and report of a population."""
        job = self.folder / f"{name}.toml"
        job.write_text(f'problem = "{problem}"\nfiles.test_population = "{population}"\n', encoding="utf-8")
        sets = [word for one in settings for word in ("--set", one)]
        done = subprocess.run([self.path, "solve", job, "--output", self.folder / name, "--quiet", *sets],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        report = json.loads((self.folder / name / "report.json").read_text(encoding="utf-8"))
        with h5py.File(self.folder / name / "solution.h5") as file:
            columns = {key: value[:] for key, value in file["solution"].items()
                       if value.shape == file["solution/status"].shape}
            epsilon = file["solution"].attrs["epsilon"]
        return columns, report, epsilon


def neighbors_right(values, pairs, labels):
    """Share of digits whose nearest other one is of their class."""
    distances = np.full((len(labels), len(labels)), np.inf)
    for (i, j), value in zip(pairs, values):
        distances[i, j] = distances[j, i] = value
    return float(np.mean(labels[np.argmin(distances, axis=1)] == labels))


def inner_costs(cloud, cost):
    squares = np.sum((cloud[:, None] - cloud[None])**2, axis=-1)
    return np.sqrt(squares) if cost == "euclidean" else squares


def distortion(first, second, plan):
    a, b = plan.sum(axis=1), plan.sum(axis=0)
    value = a @ first**2 @ a + b @ second**2 @ b - 2 * np.sum((first @ plan @ second) * plan)
    return float(value), float(np.abs(a - 1 / len(a)).sum() + np.abs(b - 1 / len(b)).sum())


def summary(seconds, count, values, errors):
    return {"problems_a_second": round(count / seconds, 2), "mean_distortion": float(np.mean(values)),
            "largest_marginal_error": float(np.max(errors))}


def pot_one_by_one(matrices, pairs, epsilon, tolerance):
    began, values, errors = time.perf_counter(), [], []
    for i, j in pairs:
        plan = ot.gromov.entropic_gromov_wasserstein(matrices[i], matrices[j], epsilon=epsilon, tol=tolerance)
        value, error = distortion(matrices[i], matrices[j], plan)
        values.append(value)
        errors.append(error)
    return summary(time.perf_counter() - began, len(pairs), values, errors)


def pot_in_batch(matrices, pairs, epsilon):
    """Spaces filled up to the largest one with points of nearly no weight."""
    size = max(len(matrix) for matrix in matrices)
    filled = np.zeros((len(matrices), size, size))
    weights = np.full((len(matrices), size), 1e-12)  # 0 makes all NaN
    for k, matrix in enumerate(matrices):
        filled[k, :len(matrix), :len(matrix)] = matrix
        weights[k, :len(matrix)] = 1 / len(matrix)
    first, second = np.transpose(pairs)
    began = time.perf_counter()
    plans = ot.batch.solve_gromov_batch(filled[first], filled[second], a=weights[first], b=weights[second],
                                        reg=epsilon).plan
    seconds = time.perf_counter() - began
    found = [distortion(matrices[i], matrices[j], plan[:len(matrices[i]), :len(matrices[j])])
             for (i, j), plan in zip(pairs, plans)]
    return summary(seconds, len(pairs), *zip(*found))


def ott_one_by_one(matrices, pairs, epsilon, threshold):
    """Compiled once for every pair of sizes, which is not counted: each problem is solved twice."""
    # Their linearization has half of the gradient, so epsilon is halved, too.
    solver = gromov_wasserstein.GromovWasserstein(
        linear_solver=sinkhorn.Sinkhorn(threshold=threshold, max_iterations=2000), epsilon=epsilon / 2,
        threshold=threshold, max_iterations=200, store_inner_errors=False)

    def solve(first, second):
        problem = quadratic_problem.QuadraticProblem(geometry.Geometry(cost_matrix=first),
                                                     geometry.Geometry(cost_matrix=second))
        return solver(problem).matrix

    compiled = jax.jit(solve)
    seconds, values, errors = 0, [], []
    for i, j in pairs:
        arguments = jax.numpy.asarray(matrices[i]), jax.numpy.asarray(matrices[j])
        compiled(*arguments).block_until_ready()
        began = time.perf_counter()
        plan = np.asarray(compiled(*arguments))
        seconds += time.perf_counter() - began
        value, error = distortion(matrices[i], matrices[j], plan)
        values.append(value)
        errors.append(error)
    return summary(seconds, len(pairs), values, errors)


def ours(columns, report):
    return {"problems_a_second": round(len(columns["status"]) / report["seconds"]["solve"], 2),
            "mean_distortion": float(np.mean(columns["transport_cost"])),
            "mean_lower_bound": float(np.mean(columns["lower_bound"])),
            "largest_marginal_error": float(np.max(columns["marginal_error"])),
            "converged": int(np.sum(columns["status"] == 0))}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--otfleet", required=True)
    options.add_argument("--smoke", action="store_true")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    program = Program(given.otfleet, given.folder.resolve())
    each, compared = (3, 3) if given.smoke else (30, 40)
    clouds, labels = turned_digits(each, np.random.default_rng(0))
    pairs = [(i, j) for i in range(len(clouds)) for j in range(i)]
    some = [pairs[k * len(pairs) // compared] for k in range(compared)]
    result = {"benchmark": "gromov_wasserstein", "digits": len(clouds), "problems": len(pairs),
              "points": float(np.mean([len(cloud) for cloud in clouds])), "compared_problems": compared,
              "versions": {name: importlib.metadata.version(name) for name in ("POT", "ott-jax", "jax", "numpy")},
              "costs": {}}
    for cost in ("squared_euclidean", "euclidean"):
        population, few = f"{cost}.h5", f"few_{cost}.h5"
        write_pairs(program.folder / population, clouds, pairs, cost)
        write_pairs(program.folder / few, clouds, some, cost)
        relative = ("problem.epsilon_relative=mean", f"problem.epsilon={RELATIVE}")
        found = {}
        columns, report, epsilon = program.solve(f"gromov_{cost}", "gromov_wasserstein", population, *relative)
        found["all"] = ours(columns, report)
        found["nearest_neighbors"] = {"gromov_wasserstein": neighbors_right(columns["transport_cost"], pairs, labels),
                                      "its_lower_bound": neighbors_right(columns["lower_bound"], pairs, labels)}
        linear, linear_report, _ = program.solve(f"linear_{cost}", "linear", population, *relative,
                                                 "solution.potentials=false")
        found["nearest_neighbors"]["linear"] = neighbors_right(linear["transport_cost"], pairs, labels)
        found["linear_problems_a_second"] = round(len(pairs) / linear_report["seconds"]["solve"], 1)
        same = f"problem.epsilon={epsilon:.17g}"
        columns, report, _ = program.solve(f"few_{cost}", "gromov_wasserstein", few, same)
        found["otfleet"] = ours(columns, report)
        columns, report, _ = program.solve(f"exact_{cost}", "gromov_wasserstein", few, same, "solver.threshold=1e-6")
        found["otfleet_1e-6"] = ours(columns, report)
        matrices = [inner_costs(cloud, cost) for cloud in clouds]
        for tolerance in (1e-3, 1e-6):
            found[f"pot_{tolerance:.0e}"] = pot_one_by_one(matrices, some, epsilon, tolerance)
        found["pot_in_batch"] = pot_in_batch(matrices, some, epsilon)
        found["ott"] = ott_one_by_one(matrices, some, epsilon, 1e-3)
        result["costs"][cost] = found
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
