"""Who solves barycenters whose points move, and how; see contenders.py. Effort of a peer is a number
of moves."""

import functools
import time
import warnings

import h5py
import numpy as np

from contenders import solve_job

MOVES = sorted({round(1.26**k) for k in range(29)})  # up to 646


class Ours:
    label = "otfleet"
    efforts = [10 ** (-k / 10) for k in range(5, 61)]  # barycenter.point_threshold

    def __init__(self, problem, program, folder):
        self.problem, self.program, self.folder = problem, program, folder
        self.iterations = None
        self.job = folder / "free_job.toml"
        self.job.write_text('problem = "barycenter"\nbarycenter.support = "free"\n')
        self.population = folder / "clouds.h5"
        count = len(problem.measures)
        with h5py.File(self.population, "w") as file:
            file.attrs["otfleet_family"] = "barycenter"
            file.create_group("geometry").attrs.update(kind="clouds", cost="squared_euclidean")
            file["measures/offsets"] = np.cumsum([0] + [len(w) for _, w in problem.measures])
            file["measures/points"] = np.concatenate([x for x, _ in problem.measures])
            file["measures/weights"] = np.concatenate([w for _, w in problem.measures])
            file["problems/offsets"] = [0, count]
            file["problems/measures"] = np.arange(count)
            file["barycenter/points"] = problem.start[None]

    def run(self, effort):
        output = self.folder / "solve"
        values = {
            "files.test_population": self.population,
            "problem.epsilon": self.problem.epsilon,
            "barycenter.point_threshold": effort,
            "barycenter.max_moves": 100000,
            "solver.threshold": 1e-3,
            "solver.max_iterations": 1000000,
        }
        report = solve_job(self.program, self.job, output, values)
        with h5py.File(output / "solution.h5") as file:
            found, self.iterations = file["solution/points"][0], int(file["solution/moves"][0])
        return found, report["solve_seconds"]["iterate"]


class Pot:
    efforts = MOVES
    iterations = None

    def __init__(self, problem, inner):
        self.problem, self.inner = problem, inner
        self.label = f"POT free_support_sinkhorn_barycenter, {inner} inner iterations"

    def run(self, effort):
        import ot

        points, weights = zip(*self.problem.measures)
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it stops at its limits is what is asked for
            found = ot.bregman.free_support_sinkhorn_barycenter(
                list(points),
                list(weights),
                self.problem.start,
                self.problem.epsilon,
                numItermax=effort,
                numInnerItermax=self.inner,
                stopThr=0,
            )
        self.iterations = effort
        return np.asarray(found), time.perf_counter() - begin


class Ott:
    """Compiled for every number of moves."""

    efforts = MOVES
    iterations = None

    def __init__(self, problem, lse_mode):
        import jax

        jax.config.update("jax_enable_x64", True)
        self.problem, self.lse_mode = problem, lse_mode
        self.label = f"OTT-JAX FreeWassersteinBarycenter, {'log' if lse_mode else 'kernel'} mode"
        self.compiled = functools.lru_cache(None)(self._compiled)

    def _compiled(self, moves):
        import jax
        from ott.problems.linear import barycenter_problem
        from ott.solvers.linear import continuous_barycenter, sinkhorn

        inner = sinkhorn.Sinkhorn(
            threshold=1e-3, lse_mode=self.lse_mode, inner_iterations=10, max_iterations=20000
        )
        solver = continuous_barycenter.FreeWassersteinBarycenter(
            linear_solver=inner, threshold=0.0, min_iterations=moves, max_iterations=moves
        )

        def solve(points, weights, start):
            problem = barycenter_problem.FreeBarycenterProblem(
                points, weights, epsilon=self.problem.epsilon
            )
            return solver(problem, bar_size=self.problem.points, x_init=start).x

        arguments = (*self.problem.padded, self.problem.start)
        return jax.jit(solve).lower(*arguments).compile()

    def run(self, effort):
        import jax

        program = self.compiled(effort)
        begin = time.perf_counter()
        found = jax.block_until_ready(program(*self.problem.padded, self.problem.start))
        self.iterations = effort
        return np.asarray(found), time.perf_counter() - begin


def contenders(problem, program, folder):
    return [
        Ours(problem, program, folder),
        *(Pot(problem, inner) for inner in (10, 100, 1000)),
        *(Ott(problem, lse_mode) for lse_mode in (False, True)),
    ]
