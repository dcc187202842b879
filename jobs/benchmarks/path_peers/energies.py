"""What paths cost, in JAX: the formulas of kernels/paths/lagrangians/ with their usual parameters, the
sum over a path, the pairs of points, and the judge. Nothing here comes from otfleet's own program."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import CubicSpline

NODES, POINTS = 30, 20
INNER = NODES - 2
FINE_POINTS = (POINTS - 1) * 10 + 1
WIDTH, ALONG = 0.01, 1e-3


def _between(x, low, high):
    return jax.nn.sigmoid((x - low) / WIDTH) - jax.nn.sigmoid((x - high) / WIDTH)


def _box(x):
    return 3.61 * _between(x[0], -0.5, 0.5) * _between(x[1], -0.5, 0.5)


def _slit(x):
    return 361 * _between(x[0], -0.1, 0.1) * (1 - _between(x[1], -0.25, 0.25))


def _hill(x):
    return 18.05 * jnp.exp(-(x @ x))


def _well(x):
    return 3.61 * (x @ x)


def _circle(x):
    """w w', w = (-x2, x1) / |x|."""
    w = jnp.stack([-x[1], x[0]])
    return jnp.outer(w, w) / jnp.maximum(x @ x, 1e-12)


def _crossing(x):
    """w w', w = tanh|x1 x2| (1, s) / sqrt(2), s the sign of x1 x2."""
    t = jnp.tanh(x[0] * x[1])
    same, cross = t * t / 2, t * jnp.abs(t) / 2
    return jnp.stack([jnp.stack([same, cross]), jnp.stack([cross, same])])


def _with_barrier(barrier):
    return lambda x, v: v @ v / 2 + barrier(x)


def _with_direction(square):
    return lambda x, v: (v @ v - (1 - ALONG) * (v @ square(x) @ v)) / 2


LAGRANGIANS = {
    "box": _with_barrier(_box),
    "slit": _with_barrier(_slit),
    "hill": _with_barrier(_hill),
    "well": _with_barrier(_well),
    "circle": _with_direction(_circle),
    "crossing": _with_direction(_crossing),
}


def pairs(name, count):
    """x, y [count, 2]: from left to right through a barrier, or anywhere but near the origin."""
    random = np.random.default_rng(0)
    if name in ("circle", "crossing"):
        points = random.uniform(-1.2, 1.2, (4 * count, 2))  # twice what is needed
        points = points[np.hypot(*points.T) > 0.2]
        return points[0 : 2 * count : 2], points[1 : 2 * count : 2]
    x1, x2, y1, y2 = random.random((count, 4)).T
    x = np.stack([-1.25 + 0.25 * x1, 2 * x2 - 1], 1)
    y = np.stack([1 + 0.25 * y1, 2 * y2 - 1], 1)
    return x, y


def _splines():
    """The natural cubic splines that are 1 at one inner node and 0 at the others."""
    unit = np.zeros((NODES, INNER))
    unit[1:-1] = np.eye(INNER)
    return CubicSpline(np.linspace(0, 1, NODES), unit, bc_type="natural")


def spline_table(points):
    """[points, INNER], at equal times."""
    return _splines()(np.linspace(0, 1, points))


def whitened_basis():
    """[INNER, 18]: deviations whose kinetic energy, as the sum has it, is half of the squared norm of
    their coefficients. Of the splines with the same sum it has those with the least integral."""
    step = 1 / (NODES - 1)
    middles = (np.arange(NODES - 1) + 0.5) * step
    stiffness = np.zeros((INNER, INNER))
    for place, weight in zip(np.sqrt(0.6) * np.array([-1, 0, 1]) / 2, np.array([5, 8, 5]) / 18):
        slope = _splines()(middles + place * step, 1)
        stiffness += weight * step * slope.T @ slope
    values, vectors = np.linalg.eigh(stiffness)
    root = vectors / np.sqrt(values) @ vectors.T
    change = np.diff(spline_table(POINTS), axis=0) * np.sqrt(POINTS - 1)
    values, vectors = np.linalg.eigh(root @ change.T @ change @ root)
    kept = values > 1e-10 * values.max()
    return root @ vectors[:, kept] / np.sqrt(values[kept])


def action_of(name, points=POINTS):
    """The function (theta [INNER, 2], x, y) -> action: the sum over steps, each at its middle."""
    lagrangian = jax.vmap(LAGRANGIANS[name])
    table, time = jnp.asarray(spline_table(points)), jnp.linspace(0, 1, points)[:, None]
    step = 1 / (points - 1)

    def action(theta, x, y):
        path = (1 - time) * x + time * y + table @ theta
        return step * lagrangian((path[1:] + path[:-1]) / 2, (path[1:] - path[:-1]) / step).sum()

    return action


def deviations(nodes, x, y):
    """theta [N, INNER, 2] of the places of nodes [N, NODES, 2]."""
    time = np.linspace(0, 1, NODES)[1:-1, None]
    return nodes[:, 1:-1] - (1 - time) * x[:, None] - time * y[:, None]


class Judge:
    """Actions, and norms of gradients by the inner nodes, of anybody's paths."""

    def __init__(self, name):
        self.sums = jax.jit(jax.vmap(jax.value_and_grad(action_of(name))))
        self.fine_sum = jax.jit(jax.vmap(action_of(name, FINE_POINTS)))

    def judge(self, theta, x, y):
        """[N] each."""
        action, gradient = self.sums(theta, x, y)
        norm = np.linalg.norm(np.asarray(gradient).reshape(len(theta), -1), axis=1)
        return dict(
            action=np.asarray(action), gradient=norm, fine=np.asarray(self.fine_sum(theta, x, y))
        )
