"""POT (https://pythonot.github.io) with its NumPy backend.

POT tests the L2 norm every ten iterations. So that it stops where the others do, the largest
stopping value that brings the judged L1 error below the threshold is searched beforehand, for each
problem of the one-by-one functions and for each batch of the batch module.
"""

import importlib.util
import time

import numpy as np

from instances import Case
from judge import largest_error
from worker import Setting

NAME = "POT"
SEARCH_STEPS = 6


def settings(case: Case, quick):
    # Seconds that the search may take, and one run.
    limits = (
        dict(search_seconds=1, run_seconds=1) if quick else dict(search_seconds=15, run_seconds=10)
    )
    dropped = ", zero weights dropped" if case.kind != "points" else ""
    ways = [Setting(f"ot.sinkhorn{dropped}, one at a time", limits | dict(function="sinkhorn"))]
    if case.kind == "points" and case.a.shape[1] > 4096:
        print("  POT: sinkhorn_log is left out, it needs several matrices of n² at once")
    else:
        ways.append(
            Setting(
                f"ot.bregman.sinkhorn_log{dropped}, one at a time",
                limits | dict(function="sinkhorn_log"),
            )
        )
    if len(case) > 1:
        if not importlib.util.find_spec("ot.batch"):
            print("  POT: this version has no ot.batch")
        else:
            for method in ("sinkhorn", "log_sinkhorn"):
                chunk = min(8, len(case))
                ways.append(
                    Setting(
                        f"ot.batch.solve_batch {method}, {chunk} together",
                        limits | dict(function="batch", method=method),
                        chunk,
                    )
                )
    return ways


def prepare(case: Case, setting):
    import warnings

    warnings.filterwarnings("ignore")  # of divisions by zero; the judge sees what comes of them
    function = setting.options["function"]
    run = _batch(case, setting) if function == "batch" else _single(case, function)
    if case.iterations:
        return lambda indices: run(indices, 0.0, case.iterations)

    begin = time.perf_counter()
    run(list(range(setting.chunk)), 0.0, 11)
    limit = max(11, int(11 * setting.options["run_seconds"] / (time.perf_counter() - begin)))
    stops, begin = {}, time.perf_counter()

    def solve(indices):
        # Problems whose value was not searched in time take the smallest one found.
        return run(indices, stops.get(indices[0], min(stops.values())), limit)

    for first in range(0, len(case) - setting.chunk + 1, setting.chunk):
        indices = list(range(first, first + setting.chunk))
        stops[first] = _search(case, lambda stop: run(indices, stop, limit))
        if time.perf_counter() - begin > setting.options["search_seconds"]:
            break
    return solve


def _search(case, run):
    """|x|_2 <= |x|_1 <= sqrt(m) |x|_2 bounds the value from both sides."""
    low, high = case.threshold / np.sqrt(max(case.a.shape[1], case.b.shape[1])), case.threshold
    if not largest_error(case, run(low)) <= case.threshold:
        return low  # does not converge; the row will show how far it came
    for _ in range(SEARCH_STEPS):
        middle = np.sqrt(low * high)
        if largest_error(case, run(middle)) <= case.threshold:
            low = middle
        else:
            high = middle
    return low


def _single(case, function):
    import ot

    solver = ot.sinkhorn if function == "sinkhorn" else ot.bregman.sinkhorn_log
    kept = {}

    def problem(k):
        """The problem without its zero weights, made once."""
        if k not in kept:
            rows, columns = np.flatnonzero(case.a[k]), np.flatnonzero(case.b[k])
            cost = None if case.kind == "points" else case.cost_block(rows, columns)
            a, b = (
                weights.astype(case.precision) for weights in (case.a[k, rows], case.b[k, columns])
            )
            kept[k] = rows, columns, a, b, cost
        return kept[k]

    def run(indices, stop, limit):
        (k,) = indices
        rows, columns, a, b, cost = problem(k)
        if cost is None:  # clouds: the others make their costs inside the clock too
            cost = ot.dist(case.x, case.y)
        _, log = solver(
            a, b, cost, case.epsilon, numItermax=limit, stopThr=stop, log=True, warn=False
        )
        f, g = np.full(case.a.shape[1], -np.inf), np.full(case.b.shape[1], -np.inf)
        if "log_u" not in log:
            log["log_u"], log["log_v"] = np.log(log["u"]), np.log(log["v"])
        f[rows], g[columns] = case.epsilon * log["log_u"], case.epsilon * log["log_v"]
        return {k: (f, g)}

    return run


def _batch(case, setting):
    import ot.batch

    everything = slice(None)
    cost = np.repeat(case.cost_block(everything, everything)[None], setting.chunk, 0)
    method = setting.options["method"]

    def run(indices, stop, limit):
        rows = slice(indices[0], indices[-1] + 1)
        result = ot.batch.solve_batch(
            cost,
            case.epsilon,
            case.a[rows],
            case.b[rows],
            max_iter=limit,
            tol=stop,
            method=method,
            grad="detach",
        )
        f, g = result.potentials
        if method == "sinkhorn":
            f, g = np.log(f), np.log(g)
        return {k: (case.epsilon * f[row], case.epsilon * g[row]) for row, k in enumerate(indices)}

    return run
