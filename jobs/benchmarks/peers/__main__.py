"""Runs otfleet and its peers on the same problems; see ../peers.sh.

Usage: python jobs/benchmarks/peers OUTPUT_DIR --otfleet PROGRAM --ranks N
"""

import argparse
import dataclasses
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import re
import statistics

import instances
import ours
import peer_numpy
import peer_ott
import peer_pot
import tables
import throughput
from judge import largest_error
from worker import Contender, Failure, Worker

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEERS = (peer_ott, peer_pot, peer_numpy)


@dataclasses.dataclass(frozen=True)
class Limits:
    budget: float = 60  # seconds one call may take
    enough: float = 3  # seconds after which a pass over the batch is cut, and is the only one
    at_least: float = 0.7  # seconds of one sample
    rounds: int = 3


QUICK = Limits(budget=30, enough=1, at_least=0.01, rounds=1)


def cases(quick):
    """All cases, those that matter most first."""
    inputs = ROOT / "inputs"
    if quick:
        yield instances.digits(inputs, 2, 1e-2, 1e-2)
        yield instances.spherical(inputs, 2, 1e-1, stand_in=True)
        yield instances.cloud(256, 3)
        return
    for epsilon, threshold in ((1e-2, 1e-3), (1e-3, 1e-3), (1e-2, 1e-2), (1e-2, 1e-6)):
        yield instances.digits(inputs, 256, epsilon, threshold)
    yield instances.digits(inputs, 1, 1e-2, 1e-3)
    for threshold in (1e-2, 1e-3):
        case = instances.spherical(inputs, 16, threshold)
        if case is None:
            print("spherical: inputs/world.h5 is not there, left out")
            break
        yield case
    for points in (4096, 16384):
        for dimension in (3, 64):
            yield instances.cloud(points, dimension)


class Result:
    """What is known of one contender."""

    def __init__(self, peer, contender, limits):
        self.limits = limits
        self.peer, self.contender, self.label = peer, contender, contender.label
        self.samples, self.error, self.failure, self.once = [], None, None, False

    def first(self):
        try:
            seconds, per_problem, potentials = self.contender.first_pass(self.limits.enough)
        except Failure as failure:
            self.failure = str(failure)
            return
        case = self.contender.case
        self.error = largest_error(case, potentials)
        if math.isnan(self.error):
            self.failure = "not finite"
        elif case.threshold and self.error > case.threshold * (1 + 1e-6):
            self.failure = "did not reach the threshold"
        if seconds > self.limits.enough:
            self.once = True
            self.samples = [per_problem]

    def again(self):
        if self.once or self.error is None or math.isnan(self.error):
            return
        try:
            self.samples.append(self.contender.sample(self.limits.at_least, self.limits.enough))
        except Failure as failure:
            self.failure = str(failure)
            self.once = True

    @property
    def seconds(self):
        return statistics.median(self.samples) if self.samples else None

    @property
    def finished(self):
        return self.failure is None and self.seconds is not None

    @property
    def setting(self):
        return self.contender.label + (f": {self.failure}" if self.failure else "")

    def rank(self):
        """Those that reach the threshold first, then the faster ones."""
        return not self.finished, self.seconds is None, self.seconds or 0


def best_of_each_label(results):
    best = {}
    for result in results:
        key = result.peer, result.label
        if key not in best or result.rank() < best[key].rank():
            best[key] = result
    return list(best.values())


def our_settings(case):
    """(label, values, job file): a model needs the job that names its architecture."""
    yield "zeros", {"solver.initializer": "zeros"}, None
    if case.kind == "grid":
        for start in ("gaussian", "subsample"):
            yield start, {"solver.initializer": start}, None
        checkpoint = os.environ.get("OTFLEET_CHECKPOINT")
        if checkpoint:
            path = pathlib.Path(checkpoint).resolve()
            values = {"solver.initializer": "model", "files.checkpoint": path}
            yield "model", values, ROOT / "inputs" / "digits.toml"


def title(case):
    goal = f"to {case.threshold:g}" if case.threshold else f"{case.iterations} iterations"
    return f"{case.name}, epsilon {case.epsilon:g}, {goal}, batch {len(case)}"


def measure(case, program, workers, quick):
    """All contenders of a case, in turns; the rows."""
    print(title(case), flush=True)
    limits = QUICK if quick else Limits(rounds=int(os.environ.get("PEERS_ROUNDS", "3")))
    mine = [
        Result("otfleet", ours.Ours(program, case, label, values, limits.budget, job), limits)
        for label, values, job in our_settings(case)
    ]
    theirs = [
        Result(peer.NAME, Contender(workers[peer.NAME], case, setting, limits.budget), limits)
        for peer in PEERS
        for setting in peer.settings(case, quick)
    ]
    for result in mine + theirs:
        result.first()
    for _ in range(limits.rounds):
        for result in mine + theirs:
            result.again()
    for worker in workers.values():
        worker.forget()
    for result in mine + theirs:
        print(
            f"  {result.peer:8} {result.setting}: {_number(result.seconds)} s a problem, "
            f"error {_number(result.error)}",
            flush=True,
        )

    theirs = best_of_each_label(theirs)
    rows = [row(case, peer, mine[0]) for peer in theirs]
    # Our other starts stand beside the fastest peer.
    fastest = min(theirs, key=Result.rank)
    return rows + [row(case, fastest, other) for other in mine[1:]]


def row(case, peer, mine):
    # Seconds that did not lead to the goal are shown, but not compared.
    both = peer.finished and mine.finished
    return {
        "case": case.name,
        "epsilon": case.epsilon,
        "threshold": case.threshold,
        "batch": len(case),
        "peer": peer.peer,
        "peer_setting": peer.setting,
        "peer_seconds_per_instance": peer.seconds,
        "ours_setting": mine.setting,
        "ours_seconds_per_instance": mine.seconds,
        "ratio": peer.seconds / mine.seconds if both else None,
        "judged_error_peer": _finite(peer.error),
        "judged_error_ours": _finite(mine.error),
    }


def _finite(value):
    return value if value is not None and math.isfinite(value) else None


def _number(value):
    return "-" if value is None else f"{value:.3g}"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--otfleet", type=pathlib.Path, required=True)
    parser.add_argument("--ranks", type=int, required=True)
    arguments = parser.parse_args()
    output, quick = arguments.output, os.environ.get("PEERS_QUICK", "0") not in ("", "0")
    wanted = re.compile(os.environ.get("PEERS_CASES", ""))

    packages = ("ott-jax", "jax", "jaxlib", "POT", "numpy", "scipy")
    versions = {package: importlib.metadata.version(package) for package in packages}
    print(versions)
    machine = f"{os.cpu_count()} cores, {processor()}"
    facts = dict(
        machine=machine,
        ranks=arguments.ranks,
        repeats=int(os.environ.get("PEERS_ROUNDS", "3")),
        enough=Limits.enough,
        note="TINY PROBLEMS: a trial of the script, the figures say nothing. " if quick else "",
        versions="Versions: " + ", ".join(f"{k} {v}" for k, v in versions.items()) + ".",
    )

    common_sh = ROOT / "jobs" / "common.sh"
    program = ours.Program(arguments.otfleet, arguments.ranks, common_sh, output / "ours")
    modules = {peer.NAME: peer.__name__ for peer in PEERS}
    workers = {name: Worker(module) for name, module in modules.items()}
    rows = []
    for case in cases(quick):
        if not wanted.search(title(case)):
            continue
        rows += measure(case, program, workers, quick)
        # After every case, so that an interrupted run leaves what it has.
        (output / "peers.json").write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n")
        (output / "peers.md").write_text(tables.markdown(rows, facts))

    result = {
        "machine": machine,
        "ranks": arguments.ranks,
        "versions": versions,
        "throughput": throughput.throughput(program, ROOT / "inputs", quick),
        "roofline": throughput.roofline(arguments.otfleet.parent / "sinkhorn_benchmark", quick),
    }
    (output / "throughput.json").write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    print()
    print((output / "peers.md").read_text())
    print(f"written: {output}/peers.json, peers.md, throughput.json")


if __name__ == "__main__":
    main()
