"""One judge of everybody's potentials of one large problem, in double, from a share of its points."""

import numpy as np

TILE = 64


def marginal_errors(case, f, g, share):
    """(rows, columns): the L1 errors of the marginals of P = exp((f + g - |x - y|^2) / epsilon), as
    shares of the mass, from a random share of the rows over all columns and the reverse."""
    return (
        _error(case.x, case.y, case.a[0], f, g, case.epsilon, share),
        _error(case.y, case.x, case.b[0], g, f, case.epsilon, share),
    )


def _error(x, y, weights, own, others, epsilon, share):
    count = max(1, round(share * len(x)))
    rows = np.sort(np.random.default_rng(7).choice(len(x), count, replace=False))
    x, y = x.astype(np.float64), y.astype(np.float64)
    error = 0.0
    for begin in range(0, count, TILE):
        tile = rows[begin : begin + TILE]
        exponent = own[tile, None] + others[None, :]
        for k in range(x.shape[1]):
            exponent -= (x[tile, None, k] - y[None, :, k]) ** 2
        exponent /= epsilon
        error += np.abs(np.exp(exponent, out=exponent).sum(1) - weights[tile]).sum()
    return float(error * len(x) / count)
