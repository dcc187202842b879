"""What a few lines of NumPy do: separable products on the grid, without a stop test.

The number of iterations is the smallest at which the whole batch is below the threshold.
"""

import numpy as np

from worker import Setting

NAME = "numpy"
MAX_ITERATIONS = 5_000


def settings(case, quick):
    if case.kind != "grid":
        return []
    options = [Setting("numpy, separable products, one at a time", {})]
    if len(case) > 1:
        options.append(Setting(f"numpy, separable products, {len(case)} together", {}, len(case)))
    return options


def prepare(case, setting):
    shape = [len(axis) for axis in case.axes]
    kernels = [np.exp(-((axis[:, None] - axis[None, :]) ** 2) / case.epsilon) for axis in case.axes]
    a, b = case.a.reshape(-1, *shape), case.b.reshape(-1, *shape)
    np.seterr(all="ignore")

    def apply(scaling):
        return kernels[0] @ scaling @ kernels[1]

    def count(rows):
        v = np.ones_like(b[rows])
        for iteration in range(1, MAX_ITERATIONS + 1):
            u = a[rows] / apply(v)
            product = apply(u)
            error = np.abs(v * product - b[rows]).sum((1, 2))
            if iteration > 1 and not np.max(error) > case.threshold:
                break
            v = b[rows] / product
        return iteration

    chunk = setting.chunk
    counts = {first: count(slice(first, first + chunk)) for first in range(0, len(case), chunk)}

    def solve(indices):
        rows = slice(indices[0], indices[-1] + 1)
        v = np.ones_like(b[rows])
        for _ in range(counts[indices[0]]):
            u = a[rows] / apply(v)
            v = b[rows] / apply(u)
        f, g = case.epsilon * np.log(u), case.epsilon * np.log(v)
        return {k: (f[row].ravel(), g[row].ravel()) for row, k in enumerate(indices)}

    return solve
