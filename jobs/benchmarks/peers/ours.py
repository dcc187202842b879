"""otfleet, as a user starts it: a population file, `otfleet solve` under mpirun, report.json."""

import json
import os
import pathlib
import signal
import subprocess

import h5py
import numpy as np

from worker import Failure


class Program:
    """The program, the ranks it is given, and a folder for its files."""

    def __init__(self, otfleet, ranks, common_sh, scratch):
        self.otfleet, self.ranks, self.common_sh = otfleet, ranks, common_sh
        self.scratch = pathlib.Path(scratch)
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.job = self.scratch / "job.toml"
        self.job.write_text("# every key is set on the command line\n")

    def solve(self, population, values, timeout, job=None):
        """Solves a population file; returns report.json and solution.h5's path."""
        output = self.scratch / "solve"
        sets = {"files.test_population": population.resolve()} | values
        command = [
            "bash",
            "-c",
            'source "$0"; run_ranks "$@"',
            str(self.common_sh),
            str(self.ranks),
            str(self.otfleet),
            "solve",
            str(job or self.job),
            "--output",
            str(output),
            "--quiet",
        ]
        for key, value in sets.items():
            command += ["--set", f"{key}={value}"]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            text, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Failure(f"stopped after {timeout:.0f} s") from None
        if process.returncode != 0:
            lines = [line for line in text.splitlines() if any(map(str.isalpha, line))] or [""]
            said = next((line for line in lines if "otfleet:" in line), lines[0])
            said = said.replace(str(population.resolve()), population.name)
            raise Failure(f"exit code {process.returncode}: {said[:160]}")
        return json.loads((output / "report.json").read_text()), output / "solution.h5"


def seconds_per_problem(report):
    """In memory, as peers are called: starts and iterations of the slowest rank, no files, no
    certificates (no peer makes any)."""
    seconds = report.get("solve_seconds", report["seconds"])
    return (seconds["start"] + seconds["iterate"]) / report["instances"]


def write_population(file_name, case, source=None, target=None):
    """A population of the case's problems, or of pairs of rows of `case.a` where they are given."""
    with h5py.File(file_name, "w") as file:
        file.attrs["otfleet_kind"] = np.bytes_(b"population")
        file.attrs["otfleet_version"] = 1
        geometry = file.create_group("geometry")
        if case.kind == "grid":
            geometry.attrs["kind"] = np.bytes_(b"grid")
            for number, axis in enumerate(case.axes):
                geometry[f"axis_{number}"] = axis
        elif case.kind == "dense":
            geometry.attrs["kind"] = np.bytes_(b"dense")
            geometry.attrs["cost"] = np.bytes_(b"matrix")
            geometry["cost"] = case.cost
        else:  # points of their own: all ranks then share the rows of a single problem
            geometry.attrs["kind"] = np.bytes_(b"clouds")
            geometry.attrs["cost"] = np.bytes_(b"squared_euclidean")
            sides = {"source": (case.x, case.a), "target": (case.y, case.b)}
            for side, (points, weights) in sides.items():
                count = len(case)
                file[f"measures/{side}_weights"] = weights.ravel()
                file[f"measures/{side}_points"] = np.tile(points.astype(np.float64), (count, 1))
                file[f"measures/{side}_offsets"] = np.arange(count + 1) * len(points)
        rows = np.arange(len(case))
        if source is not None:
            file["measures/weights"] = case.a
        elif case.kind == "grid":  # one set of measures, as a model for digits was trained
            file["measures/weights"] = np.concatenate([case.a, case.b])
            source, target = rows, rows + len(case)
        elif case.kind == "points":
            source = target = rows
        else:
            file["measures/source_weights"], file["measures/target_weights"] = case.a, case.b
            source = target = rows
        file["problems/source"] = source.astype(np.int32)
        file["problems/target"] = target.astype(np.int32)


class Ours:
    """A setting of ours on a case; the same interface as worker.Contender.

    A batch is one population; problems one at a time are populations of one problem each.
    """

    def __init__(self, program, case, label, values, budget, job=None):
        self.program, self.case, self.label = program, case, label
        self.start, self.budget, self.job = label, budget, job
        self.values = {
            "problem.epsilon": case.epsilon,
            "solver.precision": "float" if case.precision == "float32" else "double",
        }
        if case.iterations:
            self.values |= {
                "solver.threshold": 1e-30,
                "solver.max_iterations": case.iterations,
                "solver.inner_iterations": case.iterations,
                "solver.method": "sinkhorn",
                "solver.acceleration": "none",
            }
        else:
            self.values |= {
                "solver.threshold": case.threshold,
                "solver.max_iterations": 100000,
                "solver.inner_iterations": 1,
            }
        self.values |= values
        self.population = program.scratch / "population.h5"

    def _run(self):
        write_population(self.population, self.case)
        return self.program.solve(self.population, self.values, self.budget, self.job)

    def first_pass(self, enough):
        report, solution = self._run()
        if "method" in report:
            self.label = f"{self.start}, {report['method']['chosen']}"
        iterations = report["mean_iterations"]
        if self.case.iterations and iterations != self.case.iterations:
            raise Failure(f"{iterations:g} iterations instead of {self.case.iterations}")
        with h5py.File(solution) as file:
            f, g = (file[f"solution/{name}"][:].reshape(len(self.case), -1) for name in "fg")
        seconds = seconds_per_problem(report)
        potentials = {k: (f[k], g[k]) for k in range(len(self.case))}
        return seconds * len(self.case), seconds, potentials

    def sample(self, at_least, enough):
        return seconds_per_problem(self._run()[0])
