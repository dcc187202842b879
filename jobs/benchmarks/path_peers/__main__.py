"""Paths of least action by otfleet and by jaxopt on the same pairs of points; see ../path_peers.sh.

Usage: python jobs/benchmarks/path_peers OUTPUT_DIR --otfleet PROGRAM [--smoke]
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys

CORE = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})  # all processes inherit it
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import h5py
import jax
import numpy as np

import energies

jax.config.update("jax_enable_x64", True)

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ("jaxopt", "jax", "jaxlib", "numpy", "scipy")
# The usual one, and those of which one leaves gradients as small as jaxopt does.
TOLERANCES = (1e-5, 5e-6, 2e-6, 1e-6, 5e-7, 2e-7, 1e-7)
SAME = 1e-4  # relative, below which two actions count as the same
STATUSES = ("converged", "step limit", "stalled", "unbounded", "not finite")


class Case:
    """An energy and pairs of points in files. Of otfleet's pairs, the first `shared` are jaxopt's."""

    def __init__(self, name, count, shared, folder):
        self.name, self.count, self.shared, self.folder = name, count, shared, folder
        self.x, self.y = energies.pairs(name, count)
        np.save(folder / "x.npy", self.x)
        np.save(folder / "y.npy", self.y)
        np.savez(folder / "shared.npz", x=self.x[:shared], y=self.y[:shared])
        self.judge_of = energies.Judge(name)

    def judge(self, theta):
        count = len(theta)
        return self.judge_of.judge(theta, self.x[:count], self.y[:count])


class Ours:
    """`otfleet solve` on one rank; seconds are those of its report, files and start not included."""

    def __init__(self, case, program, tolerance):
        self.case, self.tolerance, self.pairs = case, tolerance, case.count
        self.label = f"otfleet, {tolerance:.0e}".replace("e-0", "e-")
        self.output, job = case.folder / "solve", case.folder / "job.toml"
        job.write_text(
            'problem = "least_action"\n'
            f'[lagrangian]\nname = "{case.name}"\n'
            "[path]\n"
            f'from.file = "{case.folder}/x.npy"\nto.file = "{case.folder}/y.npy"\n'
            f"nodes = {energies.NODES}\npoints = {energies.POINTS}\nstarts = 1\n"
            "[solution]\npicture = false\n"
        )
        self.command = [program, "solve", job, "--output", self.output, "--quiet"]
        self.command += ["--set", f"path.tolerance={tolerance}"]
        self.rounds = []
        self.sample()
        self.rounds.clear()  # the first one wakes files and the core
        self._judge()

    def sample(self):
        shutil.rmtree(self.output, ignore_errors=True)
        subprocess.run([str(word) for word in self.command], check=True)
        self.report = json.loads((self.output / "report.json").read_text())
        self.rounds.append(self.report["solve_seconds"]["iterate"])

    def _judge(self):
        """Of all pairs, whether the solution says of itself what the judge says; then of the shared ones."""
        with h5py.File(self.output / "solution.h5") as file:
            said = {name: dataset[()] for name, dataset in file["solution"].items()}
        theta = energies.deviations(said["path"], self.case.x, self.case.y)
        judged, straight = self.case.judge(theta), self.case.judge(np.zeros_like(theta))
        converged = said["status"] == 0
        self.facts = dict(
            mean_iterations=self.report["mean_iterations"],
            own_converged=float(converged.mean()),
            statuses={name: int((said["status"] == k).sum()) for k, name in enumerate(STATUSES)},
            stalled_on_straight_line=int(((said["status"] == 2) & (np.abs(theta).max((1, 2)) < 1e-12)).sum()),
            converged_above_tolerance=int((said["residual"][converged] > self.tolerance).sum()),
            worse_than_straight=int((judged["fine"] > straight["fine"] * (1 + 1e-9)).sum()),
            largest_difference_of_minimized_action=_difference(said["minimized_action"], judged["action"]),
            largest_difference_of_action=_difference(said["action"], judged["fine"]),
            largest_difference_of_straight_action=_difference(said["straight_action"], straight["fine"]),
        )
        self.judged = {name: values[: self.case.shared] for name, values in judged.items()}


class Jaxopt:
    """One of the programs of a process that has compiled them."""

    def __init__(self, case, process, name, facts):
        self.process, self.name, self.facts = process, name, facts
        self.pairs, self.rounds = facts.pop("pairs"), []
        self.label = f"jaxopt, {name}, {facts['line_search']}"
        self.judged = case.judge(np.load(case.folder / f"{name}.npy"))

    def sample(self):
        self.process.stdin.write(self.name + "\n")
        self.process.stdin.flush()
        self.rounds.append(json.loads(self.process.stdout.readline()))


def _difference(said, judged):
    return float(np.max(np.abs(said - judged) / np.maximum(np.abs(judged), 1e-300)))


def start_jaxopt(case, batch, cache):
    command = [sys.executable, HERE / "peer_jaxopt.py", case.name, case.folder / "shared.npz"]
    command += [batch, case.folder, cache]
    process = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    facts = json.loads(process.stdout.readline())
    return process, [Jaxopt(case, process, name, facts[name]) for name in facts]


def our_solvers(case, program, theirs):
    """At the usual tolerance, and at the first that leaves gradients as small as the best of theirs."""
    wanted = min(float(np.median(contender.judged["gradient"])) for contender in theirs)
    solvers = []
    for tolerance in TOLERANCES:
        solver = Ours(case, program, tolerance)
        reached = float(np.median(solver.judged["gradient"])) <= wanted
        if reached or not solvers:
            solvers.append(solver)
        if reached:
            break
    return solvers


def described(contender):
    judged = contender.judged
    return dict(
        solver=contender.label,
        timed_pairs=contender.pairs,
        judged_pairs=len(judged["action"]),
        paths_per_second=contender.pairs / statistics.median(contender.rounds),
        median_gradient=float(np.median(judged["gradient"])),
        largest_gradient=float(judged["gradient"].max()),
        share_below_1e_4=float((judged["gradient"] <= 1e-4).mean()),
        share_below_1e_5=float((judged["gradient"] <= 1e-5).mean()),
        mean_action=float(judged["action"].mean()),
        mean_fine_action=float(judged["fine"].mean()),
        **contender.facts,
    )


def compared(theirs, ours):
    """On the pairs of theirs. Times are of the same round: other work on the machine slows both."""
    count = len(theirs.judged["action"])
    difference = theirs.judged["action"] - ours.judged["action"][:count]
    room = SAME * np.abs(ours.judged["action"][:count])
    ratios = [
        (their_seconds / theirs.pairs) / (our_seconds / ours.pairs)
        for their_seconds, our_seconds in zip(theirs.rounds, ours.rounds)
    ]
    fine = theirs.judged["fine"] - ours.judged["fine"][:count]
    return dict(
        compared_with=ours.label,
        otfleet_is_times_as_fast=statistics.median(ratios),
        mean_theirs_minus_ours=float(difference.mean()),
        mean_fine_theirs_minus_ours=float(fine.mean()),
        share_ours_lower=float((difference > room).mean()),
        share_ours_higher=float((difference < -room).mean()),
    )


def measure(case, program, batch, rounds, cache):
    """The rows of an energy: all contenders in turns."""
    process, theirs = start_jaxopt(case, batch, cache)
    ours = our_solvers(case, program, theirs)
    for _ in range(rounds):
        for contender in [*ours, *theirs]:
            contender.sample()
    process.stdin.close()
    process.wait()
    rows = [dict(energy=case.name) | described(contender) for contender in [*ours, *theirs]]
    for row, contender in zip(rows[len(ours) :], theirs):
        # The loosest of ours whose gradients are as small as theirs, or a tenth larger.
        limit, count = 1.1 * row["median_gradient"], row["judged_pairs"]
        fit = [mine for mine in ours if np.median(mine.judged["gradient"][:count]) <= limit]
        row |= compared(contender, (fit or ours[-1:])[0])
    for row in rows:
        print(f"  {row}", flush=True)
    return rows


def markdown(rows, facts):
    lines = [
        "# Paths of least action",
        "",
        f"{facts['note']}One core of {facts['machine']}; medians of {facts['rounds']} rounds in turns; "
        f"{facts['versions']}. otfleet solves {facts['our_pairs']:,} pairs, jaxopt the first "
        f"{facts['shared_pairs']:,} of them one by one in a compiled loop, or the first {facts['batch']:,} at once "
        "(vmap). All but speed is of these pairs, and as one judge has it: the gradient's norm is by the inner "
        "nodes, the action is the sum that was minimized, the fine action that over ten times as many points. "
        "jaxopt stops by the gradient in its own parameters: the inner nodes, or (whitened) coefficients whose "
        "squared norm is the kinetic energy; otfleet's are whitened. jaxopt is compared with otfleet at the loosest "
        "tolerance here that leaves gradients as small. Lower and higher: paths whose action with otfleet is lower "
        f"or higher by more than {SAME:g} of it.",
        "",
        "| energy | solver | paths/s | iterations | median gradient | <= 1e-4 | <= 1e-5 | action | fine action "
        "| action − otfleet's | fine − otfleet's | otfleet lower | higher | otfleet is times as fast |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row["energy"],
            row["solver"],
            f"{row['paths_per_second']:,.0f}",
            f"{row['mean_iterations']:.1f}",
            f"{row['median_gradient']:.1e}",
            f"{row['share_below_1e_4']:.3f}",
            f"{row['share_below_1e_5']:.3f}",
        ]
        same_pairs = row["judged_pairs"] == facts["shared_pairs"]
        cells += [f"{row[key]:.4f}" if same_pairs else "" for key in ("mean_action", "mean_fine_action")]
        if "compared_with" in row:
            cells += [
                f"{row['mean_theirs_minus_ours']:+.4f}",
                f"{row['mean_fine_theirs_minus_ours']:+.4f}",
                f"{row['share_ours_lower']:.3f}",
                f"{row['share_ours_higher']:.3f}",
                f"{row['otfleet_is_times_as_fast']:.3g} ({row['compared_with'].split(', ')[1]})",
            ]
        else:
            cells += [""] * 5
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--otfleet", type=pathlib.Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    output, program = arguments.output.resolve(), arguments.otfleet.resolve()
    rounds = int(os.environ.get("PEERS_ROUNDS", "1" if arguments.smoke else "3"))
    wanted = re.compile(os.environ.get("PEERS_CASES", ""))
    names = ["hill"] if arguments.smoke else list(filter(wanted.search, energies.LAGRANGIANS))
    if not names:
        sys.exit(f"PEERS_CASES = {wanted.pattern!r} fits none of: " + ", ".join(energies.LAGRANGIANS))
    count, shared, batch = (16, 16, 8) if arguments.smoke else (16384, 1024, 128)
    facts = dict(
        machine=processor(),
        rounds=rounds,
        our_pairs=count,
        shared_pairs=shared,
        batch=batch,
        note="A FEW PAIRS: a trial of the script, the figures say nothing. " if arguments.smoke else "",
        versions=", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES),
    )
    print(facts, flush=True)
    rows, scratch = [], output / "scratch"
    for name in names:
        print(name, flush=True)
        scratch.mkdir(parents=True, exist_ok=True)
        rows += measure(Case(name, count, shared, scratch), program, batch, rounds, output / "compiled")
        shutil.rmtree(scratch)
        # After every energy, so that an interrupted run leaves what it has.
        (output / "paths.json").write_text(json.dumps(dict(facts=facts, rows=rows), indent=1) + "\n")
        (output / "paths.md").write_text(markdown(rows, facts))
    print((output / "paths.md").read_text())
    print(f"written: {output}/paths.json, paths.md")


if __name__ == "__main__":
    main()
