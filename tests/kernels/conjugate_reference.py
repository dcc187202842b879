#!/usr/bin/env python3
"""Minimizers of J(x; y) = f(x) - <x, y> by SciPy, for the tests: writes conjugate_reference.hpp.

Usage: python conjugate_reference.py > conjugate_reference.hpp     (needs NumPy and SciPy)

Gradients are written by hand, Hessians are those gradients' derivatives by complex steps, exact to
rounding; trust-exact goes on until the gradient is below 1e-11.
"""

import numpy as np
import scipy
from scipy.optimize import minimize

DIMENSION, POINTS = 3, 6


def wave(phase, rows, columns):
    """Weights that every language can make again: sin(phase + 1.3 k), k counts row by row."""
    return np.sin(phase + 1.3 * np.arange(rows * columns)).reshape(rows, columns)


def softplus(s):
    return np.log(1 + np.exp(s))


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def network(x):
    """An input-convex network, 3 -> 8 -> 5 -> 1, with a quadratic term of rank 1 for every unit of
    the second layer. Value and gradient; x may be complex."""
    a0, a1 = wave(0.1, 8, 3), wave(0.2, 5, 3)
    b0, b1 = wave(0.3, 1, 8)[0], wave(0.4, 1, 5)[0]
    u1, u2 = wave(0.5, 5, 8) ** 2 / 4, wave(0.6, 1, 5)[0] ** 2
    q = wave(0.7, 5, 3) / 2
    s0 = a0 @ x + b0
    product = q @ x
    s1 = u1 @ softplus(s0) + a1 @ x + b1 + product**2 / 2
    value = u2 @ softplus(s1) + 0.25 * (x @ x)
    d1 = u2 * sigmoid(s1)
    d0 = (u1.T @ d1) * sigmoid(s0)
    return value, a0.T @ d0 + a1.T @ d1 + q.T @ (d1 * product) + 0.5 * x


def log_sum_exp(x):
    """log sum exp(x) + |x|^2 / 4."""
    powers = np.exp(x)
    return np.log(powers.sum()) + x @ x / 4, powers / powers.sum() + x / 2


def quartic(x):
    """sum x^4 / 4 + (sum x)^2 / 2."""
    return (x**4).sum() / 4 + x.sum() ** 2 / 2, x**3 + x.sum()


def hessian(function, x):
    step = 1e-30
    return np.array([function(x + 1j * step * e)[1].imag / step for e in np.eye(len(x))])


def minimizer(function, y):
    solution = minimize(
        lambda x: function(x)[0] - x @ y,
        np.ones(DIMENSION),
        jac=lambda x: function(x)[1] - y,
        hess=lambda x: hessian(function, x),
        method="trust-exact",
        options={"gtol": 1e-11, "maxiter": 1000},
    )
    x = solution.x
    for _ in range(2):  # what the values of J are too coarse for
        x = x - np.linalg.solve(hessian(function, x), function(x)[1] - y)
    residual = np.linalg.norm(function(x)[1] - y)
    assert residual < 1e-13, (function.__name__, residual)
    return x, function(x)[0] - x @ y


def row(numbers):
    return "{" + ", ".join(f"{number:.17g}" for number in numbers) + "}"


def main():
    random = np.random.default_rng(20)
    print(f"""#pragma once

// Written by conjugate_reference.py, which says what the functions are (SciPy {scipy.__version__}).

namespace otfleet::kernels::reference {{

struct Minimizer {{
  double y[{DIMENSION}], x[{DIMENSION}], value;
}};
// clang-format off""")
    for function in (network, log_sum_exp, quartic):
        print(f"\ninline constexpr Minimizer {function.__name__}[] = {{")
        for y in random.normal(scale=2, size=(POINTS, DIMENSION)):
            x, value = minimizer(function, y)
            print(f"    {{{row(y)},\n     {row(x)},\n     {value:.17g}}},")
        print("};")
    print("""
// clang-format on
}  // namespace otfleet::kernels::reference""")


if __name__ == "__main__":
    main()
