"""The problems that everybody solves."""

import dataclasses
import pathlib

import h5py
import numpy as np

SEED = 0


@dataclasses.dataclass(frozen=True)
class Case:
    """P problems on one cost. Epsilon is absolute and the cost neither halved nor scaled.

    A grid has `axes`, a dense cost `cost` [n, m], points `x` [n, d] and `y` [m, d] with the squared
    Euclidean cost. Either `threshold` (L1 marginal error) or `iterations` (exactly as many) is set.
    """

    name: str
    kind: str  # grid, dense or points
    epsilon: float
    a: np.ndarray  # [P, n], rows sum to one
    b: np.ndarray  # [P, m]
    threshold: float | None = None
    iterations: int | None = None
    precision: str = "float64"
    axes: tuple = ()
    cost: np.ndarray | None = None
    x: np.ndarray | None = None
    y: np.ndarray | None = None

    def __len__(self):
        return len(self.a)

    def points(self):
        """Source and target points, for kinds that have them."""
        if self.kind == "grid":
            nodes = np.stack(np.meshgrid(*self.axes, indexing="ij"), -1).reshape(-1, len(self.axes))
            return nodes, nodes
        return self.x, self.y

    def cost_block(self, rows, columns):
        """C[rows][:, columns] in double."""
        if self.kind == "dense":
            return self.cost[rows][:, columns]
        source, target = self.points()
        return squared_distances(source[rows], target[columns])


def squared_distances(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    if x.shape[1] <= 4:  # exact near zero
        return sum((x[:, None, k] - y[None, :, k]) ** 2 for k in range(x.shape[1]))
    return (x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2 * x @ y.T


def digit_images(inputs):
    """The held-out digits as measures, [1000, 784]."""
    with h5py.File(inputs / "digits.h5") as file:
        images = file["test_images"][:].reshape(-1, 784).astype(np.float64)
    return images / images.sum(1, keepdims=True)


def digit_pairs(problems):
    """Random pairs of two different digits of the 1,000: [P], [P]."""
    random = np.random.default_rng(SEED)
    source = random.integers(0, 1000, problems)
    return source, (source + random.integers(1, 1000, problems)) % 1000


def digits(inputs: pathlib.Path, problems, epsilon, threshold):
    images = digit_images(inputs)
    source, target = digit_pairs(problems)
    axis = np.arange(28) / 27  # to the bit as otfleet makes it, so that a model's fingerprint fits
    return Case(
        "digits 28x28",
        "grid",
        epsilon,
        images[source],
        images[target],
        threshold,
        axes=(axis, axis),
    )


def spherical(inputs: pathlib.Path, problems, threshold, stand_in=False):
    """100 sources, 10,000 targets on the sphere (Meta OT). None when the points are not there."""
    random = np.random.default_rng(SEED)
    file_name = inputs / "world.h5"
    if stand_in:
        supply, demand = (unit_vectors(random, count) for count in (20, 50))
        name = "spherical 20x50 (stand-in)"
    elif file_name.exists():
        with h5py.File(file_name) as file:
            supply, demand = file["supply"][:], file["demand"][:]
        name = f"spherical {len(supply)}x{len(demand)}"
    else:
        return None
    # With the divisor of Meta OT, as inputs/spherical.toml has it.
    cost = np.arccos(np.clip(supply @ demand.T / (1 + 1e-4), -1, 1)).astype(np.float64)
    a = random.integers(0, 2, (problems, len(supply))) * random.uniform(
        size=(problems, len(supply))
    )
    b = random.uniform(size=(problems, len(demand)))
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    return Case(name, "dense", 1e-3, a, b, threshold, cost=cost)


def unit_vectors(random, count):
    vectors = random.normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cloud(points, dimension):
    """Two standard Gaussian clouds, their means at distance one, uniform weights, ten iterations.

    Epsilon is a twentieth of the mean cost 2 d (OTT's default is a twentieth too, of the cost's
    standard deviation or mean): 0.3 at d = 3, 6.4 at d = 64.
    """
    random = np.random.default_rng(SEED)
    x = random.normal(size=(points, dimension)).astype(np.float32)
    y = random.normal(size=(points, dimension)).astype(np.float32)
    y[:, 0] += 1
    uniform = np.full((1, points), 1 / points)
    return Case(
        f"cloud n={points} d={dimension}",
        "points",
        0.1 * dimension,
        uniform,
        uniform,
        iterations=10,
        precision="float32",
        x=x,
        y=y,
    )
