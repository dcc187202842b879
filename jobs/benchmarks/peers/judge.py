"""One judge for everybody's potentials, in double."""

import numpy as np

TILE = 1024


def marginal_error(case, k, f, g):
    """|P1 - a|_1 + |P'1 - b|_1 with P = exp((f + g - C) / epsilon) for problem k; NaN if f or g are
    not potentials. A potential of minus infinity is a row or column of zeros."""
    f, g = np.asarray(f, np.float64), np.asarray(g, np.float64)
    if np.isnan(f).any() or np.isnan(g).any() or np.isposinf(f).any() or np.isposinf(g).any():
        return np.nan
    rows, columns = np.flatnonzero(np.isfinite(f)), np.flatnonzero(np.isfinite(g))
    source, target = np.zeros_like(f), np.zeros_like(g)
    with np.errstate(over="ignore"):
        for begin in range(0, len(rows), TILE):
            tile = rows[begin : begin + TILE]
            plan = case.cost_block(tile, columns)
            np.subtract(g[columns], plan, out=plan)
            plan += f[tile, None]
            plan /= case.epsilon
            np.exp(plan, out=plan)
            source[tile] = plan.sum(1)
            target[columns] += plan.sum(0)
    return float(np.abs(source - case.a[k]).sum() + np.abs(target - case.b[k]).sum())


def largest_error(case, potentials):
    """Over {k: (f, g)}; NaN when any is."""
    return float(np.max([marginal_error(case, k, f, g) for k, (f, g) in potentials.items()]))
