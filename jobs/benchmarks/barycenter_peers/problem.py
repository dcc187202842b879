"""The problem that everybody solves, and the judge of what they find."""

import dataclasses
import pathlib

import h5py
import numpy as np

DIGITS = pathlib.Path(__file__).resolve().parents[3] / "inputs" / "digits.h5"


@dataclasses.dataclass(frozen=True)
class Problem:
    """Equal weights; the cost is the squared distance on the unit square, neither halved nor scaled."""

    measures: np.ndarray  # [S, h, w], each of mass 1
    epsilon: float
    debiased: bool
    accuracy: float  # L1 distance to the barycenter at this epsilon, a share of the mass
    limit = 10  # seconds that one run of a peer may take

    @property
    def side(self):
        return self.measures.shape[1]

    @property
    def axis(self):
        return np.arange(self.side) / (self.side - 1)

    @property
    def name(self):
        what = "debiased" if self.debiased else "plain"
        return f"{what}, epsilon {self.epsilon:g}, to {self.accuracy:g}"

    def cost(self):
        """[n, n], for those who need it stored."""
        points = np.stack(np.meshgrid(self.axis, self.axis, indexing="ij"), -1).reshape(-1, 2)
        return ((points[:, None] - points[None]) ** 2).sum(-1)


    def reference(self):
        return reference(self)

    def error(self, found, exact):
        return distance(found, exact)

    def figures(self, found):
        return {}


def threes(count):
    with h5py.File(DIGITS) as file:
        labels = file["train_labels"][()]
        images = file["train_images"][np.flatnonzero(labels == 3)[:count]].astype(float)
    return images / images.sum((1, 2), keepdims=True)


def reference(problem):
    """The barycenter by plain iterations in nested products (Benamou et al. 2015; debiased: Janati
    et al. 2020, algorithm 1), as many as it takes until twice as many move it by less than a
    fiftieth of the accuracy; and how far those moved it."""
    kernel = np.exp(-((problem.axis[:, None] - problem.axis[None]) ** 2) / problem.epsilon)
    apply = lambda images: kernel @ images @ kernel
    u = np.ones_like(problem.measures)
    factor = np.ones(problem.measures.shape[1:])
    before, step, look = factor, 0, 256
    while True:
        y = apply(problem.measures / apply(u))
        mean = factor * np.exp(np.log(y).mean(0))
        u = mean / y
        if problem.debiased:
            factor = np.sqrt(factor * mean / apply(factor))
        step += 1
        if step == look:
            moved = np.abs(mean - before).sum()
            if moved < problem.accuracy / 50:
                return mean, moved
            before, look = mean, 2 * look


def distance(found, exact):
    return float(np.abs(found - exact).sum())
