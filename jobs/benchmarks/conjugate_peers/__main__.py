"""Conjugates by otfleet and by jaxopt on the same networks and points; see ../conjugate_peers.sh.

Usage: python jobs/benchmarks/conjugate_peers OUTPUT_DIR --program PROGRAM [--trained MODEL.h5 BENCHMARK.h5]...
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import select
import shutil
import statistics
import subprocess
import sys

import h5py
import numpy as np

import potential

HERE = pathlib.Path(__file__).resolve().parent
COMMON = HERE.parents[1] / "common.sh"
TOLERANCE = 1e-3
LIMIT = 120  # seconds that a peer may take until its first answer, compilation included
PACKAGES = ("jaxopt", "jax", "jaxlib", "numpy")


class Ours:
    """`conjugate_solve`, a rank a core, a process a round."""

    def __init__(self, program, problem, precision, cores, repeats):
        self.problem, self.cores = problem, cores
        self.output = problem.folder / f"ours-{precision}.h5"
        command = [problem.network_file, problem.points_file, precision, repeats, self.output]
        ranks = [] if len(cores) == 1 else ["bash", "-c", 'source "$0"; run_ranks "$@"', COMMON]
        ranks += [len(cores)] if ranks else []
        self.command = [str(part) for part in [*ranks, program, *command]]
        self.label, self.rounds = f"otfleet, {precision}", []
        self.sample()
        self.rounds.clear()  # the first one wakes files and cores

    def sample(self):
        report = _answer(_run(self.command, self.cores))
        self.rounds.append(statistics.median(report["seconds"]))
        self.facts = {name: report[name] for name in ("mean_steps", "mean_evaluations")}

    def minimizers(self):
        with h5py.File(self.output) as file:
            return file["x"][()]

    def stop(self):
        pass


class Jaxopt:
    """A process that compiled once and solves when it is asked to."""

    def __init__(self, problem, precision, line_search, cores, repeats):
        self.output = problem.folder / "jaxopt.npy"
        command = [sys.executable, HERE / "peer_jaxopt.py", problem.network_file]
        command += [problem.points_file, precision, line_search, repeats, self.output]
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self.label, self.rounds = f"jaxopt, {precision}, {line_search}", []
        # Under vmap all points take as many evaluations as the slowest: some networks are out of reach.
        if not select.select([self.process.stdout], [], [], LIMIT)[0]:
            self.process.kill()
            self.process.wait()
            return
        self.facts = json.loads(self.process.stdout.readline())
        self.found = np.load(self.output)

    def answers(self):
        return self.process.poll() is None

    def sample(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.rounds.append(statistics.median(json.loads(self.process.stdout.readline())))

    def minimizers(self):
        return self.found

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Problem:
    """A network and points in files, and the judge of minimizers."""

    def __init__(self, name, network, y, folder):
        self.name, self.network, self.y, self.folder = name, network, y, folder
        self.network_file, self.points_file = folder / "network.h5", folder / "points.h5"
        potential.write(self.network_file, network)
        with h5py.File(self.points_file, "w") as file:
            file["y"] = self.y

    def judge(self, x):
        """Largest |∇f(x) − y| and the share that is below the tolerance, but for float's rounding."""
        residual = np.linalg.norm(potential.gradient(self.network, x) - self.y, axis=1)
        return dict(
            largest_residual=float(residual.max()),
            share_below_tolerance=float((residual <= 1.01 * TOLERANCE).mean()),
        )


def _run(command, cores):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    ).stdout


def _answer(text):
    return json.loads(text[text.index("{") :])


def measure(problem, program, cores, rounds, repeats):
    """The rows of a problem on some cores: all contenders in turns."""
    contenders, left_out = [], []
    for precision in ("double", "float"):
        for mine in ("mixed", "double") if precision == "double" else ("float",):
            contenders.append(Ours(program, problem, mine, cores, repeats))
        for line_search in ("zoom", "backtracking"):
            contender = Jaxopt(problem, precision, line_search, cores, repeats)
            if contender.answers():
                contenders.append(contender)
            else:
                left_out.append(contender)
    for _ in range(rounds):
        for contender in contenders:
            contender.sample()
    common = dict(problem=problem.name, points=len(problem.y), cores=len(cores))
    rows = []
    for contender in contenders:
        row = common | dict(solver=contender.label, **contender.facts)
        row["conjugates_per_second"] = len(problem.y) / statistics.median(contender.rounds)
        row |= problem.judge(contender.minimizers())
        contender.stop()
        rows.append(row)
        print(f"  {row}", flush=True)
    for row, contender in zip(rows, contenders):
        name, precision = row["solver"].split(", ")[:2]
        for mine in contenders:
            label = mine.label.removeprefix("otfleet, ")
            if name == "jaxopt" and label in (precision, "mixed" if precision == "double" else ""):
                # Of the same round: other work on the machine slows both.
                pairs = zip(contender.rounds, mine.rounds)
                row[f"otfleet_{label}_is_times_as_fast"] = statistics.median(
                    theirs / ours for theirs, ours in pairs
                )
    rows += [common | dict(solver=c.label, no_answer_within_seconds=LIMIT) for c in left_out]
    return rows


def markdown(rows, facts):
    lines = [
        "# Conjugates of networks",
        "",
        f"{facts['note']}{facts['machine']}; medians of rates, and of ratios, over {facts['rounds']} rounds in turns; "
        f"{facts['versions']}. The residual |∇f(x) − y| is NumPy's, in double.",
        "",
        "| problem | cores | solver | conjugates/s | steps | evaluations | largest residual "
        "| below tolerance | otfleet is times as fast |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if limit := row.get("no_answer_within_seconds"):
            head = "| {problem} | {cores} | {solver} |".format(**row)
            lines.append(f"{head} no answer within {limit} s | | | | | |")
            continue
        ratios = [
            f"{row[key]:.2f} ({mine})"
            for mine in ("double", "mixed", "float")
            if (key := f"otfleet_{mine}_is_times_as_fast") in row
        ]
        lines.append(
            "| {problem} | {cores} | {solver} | {conjugates_per_second:,.0f} | {mean_steps:.2f} "
            "| {mean_evaluations:.2f} | {largest_residual:.1e} | {share_below_tolerance:.3f} "
            "| {} |".format(", ".join(ratios), **row)
        )
    return "\n".join(lines) + "\n"


def problems(arguments, width, dimension, points):
    """Name, network and points of each: random networks, or those that were trained."""
    for gain in () if arguments.trained else (1.0, 1.5):
        network = potential.draw(width, dimension, gain, seed=0)
        y = np.random.default_rng(1).normal(size=(points, dimension))
        yield f"½|x|² + MLP {width}, {width}, softplus, D = {dimension}, gain {gain:g}", network, y
    for model, benchmark in arguments.trained:
        network = potential.read_trained(model)
        with h5py.File(benchmark) as file:
            y = file["test_y"][:points]
        yield f"trained, D = {y.shape[1]}", network, y


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--trained", nargs=2, action="append", default=[])
    arguments = parser.parse_args()
    output, quick = arguments.output, os.environ.get("PEERS_QUICK", "0") not in ("", "0")
    rounds, repeats = int(os.environ.get("PEERS_ROUNDS", "5")), 3
    width, dimension, points = (64, 4, 64) if quick else (512, 64, 1024)
    if quick:
        rounds, repeats = 1, 1

    all_cores = sorted(os.sched_getaffinity(0))
    core_sets = [all_cores[-1:]] + ([all_cores[-2:]] if len(all_cores) > 1 else [])
    facts = dict(
        machine=f"{os.cpu_count()} cores, {processor()}",
        rounds=rounds,
        note="A TINY PROBLEM: a trial of the script, the figures say nothing. " if quick else "",
        versions=", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES),
    )
    print(facts, flush=True)
    scratch = output / "scratch"
    rows = []
    for name, network, y in problems(arguments, width, dimension, points):
        scratch.mkdir(parents=True, exist_ok=True)
        problem = Problem(name.replace("|", "\\|"), network, y, scratch)
        for cores in core_sets:
            print(f"{name}, {len(cores)} cores", flush=True)
            rows += measure(problem, arguments.program.resolve(), cores, rounds, repeats)
            # After every block, so that an interrupted run leaves what it has.
            (output / "conjugates.json").write_text(
                json.dumps(dict(facts=facts, rows=rows), indent=1) + "\n"
            )
            (output / "conjugates.md").write_text(markdown(rows, facts))
        shutil.rmtree(scratch)
    print((output / "conjugates.md").read_text())
    print(f"written: {output}/conjugates.json, conjugates.md")


if __name__ == "__main__":
    main()
