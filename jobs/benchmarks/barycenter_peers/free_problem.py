"""Barycenters whose points move: the problem that everybody solves, and the judge of what they find."""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class FreeProblem:
    """Equal weights of measures and points; squared distances, neither halved nor scaled. Measures are
    the dark pixels of images; all begin with the same points."""

    images: np.ndarray  # [S, h, w], each of mass 1
    points: int
    epsilon: float
    accuracy: float  # on the residual
    limit = 40  # seconds that one run of a peer may take

    @property
    def name(self):
        return f"free support, epsilon {self.epsilon:g}, to {self.accuracy:g}"

    @functools.cached_property
    def measures(self):
        """[S] of points [m, 2] and weights [m]."""
        axis = np.arange(self.images.shape[1]) / (self.images.shape[1] - 1)
        grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
        return [(grid[image > 0], image[image > 0]) for image in self.images]

    @functools.cached_property
    def padded(self):
        """Points [S, most, 2], weights [S, most]; what is beyond a measure has weight 0."""
        most = max(len(weights) for _, weights in self.measures)
        pad = lambda values: np.pad(values, [(0, most - len(values))] + [(0, 0)] * (values.ndim - 1))
        points, weights = zip(*self.measures)
        return np.stack([pad(x) for x in points]), np.stack([pad(w) for w in weights])

    @functools.cached_property
    def start(self):
        """[points, 2]: different points of the measures, drawn by weight."""
        pooled = np.concatenate([x for x, _ in self.measures])
        weights = np.concatenate([w for _, w in self.measures])
        pooled, which = np.unique(pooled, axis=0, return_inverse=True)
        weights = np.bincount(which.ravel(), weights)
        chosen = np.random.default_rng(0).choice(
            len(pooled), self.points, replace=False, p=weights / weights.sum()
        )
        return pooled[chosen]

    @functools.cached_property
    def spread(self):
        """Root of the mean squared distance of the measures' points from their mean."""
        y, a = self.padded
        mean = np.einsum("sm,smd->d", a, y) / len(y)
        return np.sqrt(np.einsum("sm,sm->", a, ((y - mean) ** 2).sum(-1)) / len(y))

    def judge(self, x, threshold=1e-6):
        """How far one more move with exact plans takes the points, and the mean of the transports'
        regularized values <C, P> + epsilon <P, log P>."""
        y, a = self.padded
        cost = ((y[:, :, None] - x[None, None]) ** 2).sum(-1)
        with np.errstate(divide="ignore"):
            log_a = np.log(a)
        log_b = -np.log(len(x))
        f = np.zeros_like(a)
        for _ in range(200_000):
            g = log_b - _log_sum_exp(f[:, :, None] - cost / self.epsilon, 1)
            new = log_a - _log_sum_exp(g[:, None] - cost / self.epsilon, 2)
            with np.errstate(invalid="ignore"):
                ratio = np.where(a > 0, np.exp(f - new), 1)
            error = (a * np.abs(ratio - 1)).sum(1).max()
            if error <= threshold:
                break
            f = new
        log_plan = f[:, :, None] + g[:, None] - cost / self.epsilon
        plan = np.exp(log_plan)
        moved = np.einsum("smn,smd->nd", plan, y) * len(x) / len(y)
        value = (plan * cost).sum() + self.epsilon * (plan * np.where(plan > 0, log_plan, 0)).sum()
        residual = np.sqrt(((moved - x) ** 2).sum(1).mean()) / self.spread
        return float(residual), float(value / len(y))

    def reference(self):
        return None, 0.0

    def error(self, found, _):
        return self.judge(found)[0] if np.isfinite(found).all() else np.inf

    def figures(self, found):
        return {"value": self.judge(found)[1]}


def _log_sum_exp(values, axis):
    largest = values.max(axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(divide="ignore"):
        return (largest + np.log(np.exp(values - largest).sum(axis, keepdims=True))).squeeze(axis)
