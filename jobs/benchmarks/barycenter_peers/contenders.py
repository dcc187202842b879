"""Who solves it, and how. A contender has run(effort) -> (barycenter [h, w], seconds), where effort
is a number of iterations, for otfleet a threshold. What a run prepares (compiling, files) is not
timed."""

import functools
import json
import os
import subprocess
import time
import warnings

import h5py
import numpy as np


def solve_job(program, job, output, values):
    """`otfleet solve` with these keys; the report of the run."""
    command = [program, "solve", job, "--output", output, "--quiet"]
    for key, value in values.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run([str(word) for word in command], check=True)
    return json.loads((output / "report.json").read_text())


class Ours:
    """`otfleet solve` as a user starts it; seconds are those of its report: potentials to
    barycenter, files and start of the program not included."""

    label = "otfleet"
    efforts = [10 ** (-k / 10) for k in range(5, 81)]  # thresholds

    def __init__(self, problem, program, folder):
        self.problem, self.program, self.folder = problem, program, folder
        self.iterations = None
        self.job = folder / "job.toml"
        self.job.write_text('problem = "barycenter"\n')
        self.population = folder / "threes.h5"
        count = len(problem.measures)
        with h5py.File(self.population, "w") as file:
            file.attrs["otfleet_family"] = "barycenter"
            file.create_group("geometry").attrs["kind"] = "grid"
            for axis in (0, 1):
                file[f"geometry/axis_{axis}"] = problem.axis
            file["measures/weights"] = problem.measures.reshape(count, -1)
            file["problems/offsets"] = [0, count]
            file["problems/measures"] = np.arange(count)

    def run(self, effort):
        output = self.folder / "solve"
        values = {
            "files.test_population": self.population,
            "problem.epsilon": self.problem.epsilon,
            "barycenter.debiased": str(self.problem.debiased).lower(),
            "solver.threshold": effort,
            "solver.max_iterations": 1000000,
        }
        report = solve_job(self.program, self.job, output, values)
        self.iterations = report["mean_iterations"]
        with h5py.File(output / "solution.h5") as file:
            found = file["solution/weights"][0]
        side = self.problem.side
        return found.reshape(side, side), report["solve_seconds"]["iterate"]


class Pot:
    """A function of POT; without a stop test but the one that it makes every tenth iteration."""

    iterations = None

    def __init__(self, problem, name, function, image=True, **options):
        self.problem, self.label = problem, f"POT {name}"
        self.function, self.image, self.options = function, image, options
        if not image:
            self.options["M"] = problem.cost()

    def run(self, effort):
        images = self.problem.measures
        data = images if self.image else np.ascontiguousarray(images.reshape(len(images), -1).T)
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it stops at its limit is what is asked for
            found = self.function(
                data, reg=self.problem.epsilon, numItermax=effort, stopThr=0, **self.options
            )
        seconds = time.perf_counter() - begin
        self.iterations = effort
        return np.asarray(found).reshape(images.shape[1:]), seconds


def pot(problem):
    import ot.bregman as bregman

    if problem.debiased:
        convolutional, dense = bregman.convolutional_barycenter2d_debiased, bregman.barycenter_debiased
    else:
        convolutional, dense = bregman.convolutional_barycenter2d, bregman.barycenter
    for method in ("sinkhorn", "sinkhorn_log"):
        yield Pot(problem, f"{convolutional.__name__}, {method}", convolutional, method=method)
        yield Pot(problem, f"{dense.__name__}, {method}", dense, image=False, method=method)


class Ott:
    """FixedBarycenter, compiled for every number of iterations, one look at its error at the end."""

    iterations = None

    def __init__(self, problem, geometry_name, lse_mode):
        import jax

        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp
        from ott.geometry import geometry, grid

        self.problem = problem
        self.label = f"OTT-JAX {geometry_name}, {'log' if lse_mode else 'kernel'} mode"
        self.lse_mode = lse_mode
        epsilon = problem.epsilon
        if geometry_name == "Grid":
            self.space = [jnp.asarray(problem.axis)] * 2
            self.make = lambda space: grid.Grid(x=space, epsilon=epsilon, scale_cost=1.0)
        else:
            self.space = jnp.asarray(problem.cost())
            self.make = lambda cost: geometry.Geometry(cost, epsilon=epsilon, scale_cost=1.0)
        self.measures = jnp.asarray(problem.measures.reshape(len(problem.measures), -1))
        self.compiled = functools.lru_cache(None)(self._compiled)

    def _compiled(self, iterations):
        import jax
        from ott.geometry import geometry
        from ott.problems.linear import barycenter_problem
        from ott.solvers.linear import discrete_barycenter

        solver = discrete_barycenter.FixedBarycenter(
            threshold=0.0,
            inner_iterations=iterations,
            min_iterations=iterations,
            max_iterations=iterations,
            lse_mode=self.lse_mode,
            debiased=self.problem.debiased,
        )

        def solve(space, measures):
            problem = barycenter_problem.FixedBarycenterProblem(self.make(space), measures)
            return solver(problem).histogram

        if self.problem.debiased:  # whether a Geometry is symmetric is asked outside of jit
            geometry.Geometry.is_symmetric = property(lambda self: True)
        return jax.jit(solve).lower(self.space, self.measures).compile()

    def run(self, effort):
        import jax

        program = self.compiled(effort)
        begin = time.perf_counter()
        found = jax.block_until_ready(program(self.space, self.measures))
        seconds = time.perf_counter() - begin
        self.iterations = effort
        return np.asarray(found).reshape(self.problem.measures.shape[1:]), seconds


def contenders(problem, program, folder):
    return [Ours(problem, program, folder), *pot(problem), *ott(problem)]


def ott(problem):
    for geometry_name in ("Grid", "Geometry"):
        for lse_mode in (False, True):
            yield Ott(problem, geometry_name, lse_mode)


def keep_to(core):
    """This process, all threads that it starts, and all programs, on one core."""
    os.sched_setaffinity(0, {core})
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["OMPI_ALLOW_RUN_AS_ROOT"] = os.environ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
