"""inputs/make_conditions.py: are its populations what it says of them, and do its cells go through the program?

    python3 make_conditions_test.py REPOSITORY OTFLEET BUILD

Without h5py and NumPy all is skipped (exit code 77).
"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from python_packages import missing, run_with_packages

if __name__ == "__main__":
    REPOSITORY, OTFLEET, BUILD = (Path(word).absolute() for word in sys.argv[1:4])
    run_with_packages(BUILD, {"h5py": "h5py", "numpy": "numpy"})
    if missing(["h5py", "numpy"]):
        print("skipped: needs " + ", ".join(missing(["h5py", "numpy"])) + "; 'bash jobs/install.sh' installs them")
        sys.exit(77)

import h5py
import numpy as np

JOB = """
[data.train]
file = "cells.h5ad"
dataset = "X"
groups = { file = "cells.h5ad", dataset = "obs/condition" }
contexts = { file = "contexts.npy" }
[data.test]
file = "test_cells.h5ad"
dataset = "X"
groups = { file = "test_cells.h5ad", dataset = "obs/condition" }
contexts = { file = "test_contexts.npy" }
[problem]
geometry = "clouds"
[make]
pairs = { kind = "one_to_all", one = 0 }
"""


def run(*words, cwd=None):
    result = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def read(file):
    """Sources, targets and images, a list of points for each problem, and contexts."""
    with h5py.File(file) as population:
        points = {}
        for side in ("source", "target"):
            offsets = population[f"measures/{side}_offsets"][()]
            clouds = np.split(population[f"measures/{side}_points"][()], offsets[1:-1])
            points[side] = [clouds[k] for k in population[f"problems/{side}"]]
        images = None
        if "image" in population["problems"]:
            ends = np.cumsum([len(cloud) for cloud in points["source"]])
            images = np.split(population["problems/image"][()], ends[:-1])
        return points["source"], points["target"], images, population["problems/context"][()]


class MakeConditions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make(self, *words):
        run(sys.executable, "-B", REPOSITORY / "inputs" / "make_conditions.py", *words, "--small")

    def parts(self):
        lines = (self.folder / "test_conditions.csv").read_text().splitlines()[1:]
        return [line.split(",")[1] for line in lines]

    def info(self, name):
        return run(OTFLEET, "info", self.folder / name)

    def test_gaussians(self):
        self.make("gaussians", self.folder, "--dimension", "3")
        trained = read(self.folder / "train.h5")[3]
        sources, targets, images, contexts = read(self.folder / "test.h5")
        self.assertEqual(self.parts(), ["between"] * 4 + ["beyond"] * 2)
        self.assertTrue(((trained.min(axis=0) <= contexts) & (contexts <= trained.max(axis=0)))[:4].all())
        self.assertTrue((contexts.max(axis=1) > trained.max())[4:].all())
        for source, target, image in zip(sources, targets, images):
            # Optimal: affine, by a matrix that is symmetric and positive.
            ones = np.ones((len(source), 1))
            matrix, residuals = np.linalg.lstsq(np.hstack([source, ones]), image, rcond=None)[:2]
            self.assertLess(residuals.max(), 1e-18)
            np.testing.assert_allclose(matrix[:3], matrix[:3].T, atol=1e-10)
            self.assertGreater(np.linalg.eigvalsh(matrix[:3]).min(), 0)
            # It leads to the target: means of 100 points differ by what samples differ.
            error = np.sqrt(image.var(axis=0) / len(image) + target.var(axis=0) / len(target))
            self.assertLess(np.abs((image.mean(axis=0) - target.mean(axis=0)) / error).max(), 4)
        info = self.info("test.h5")
        for words in ("3 coordinates", "contexts: 2 numbers a problem", "images: "):
            self.assertIn(words, info)

    def test_digits(self):
        self.make("digits", self.folder)
        trained = read(self.folder / "train.h5")[3]
        sources, targets, images, contexts = read(self.folder / "test.h5")
        self.assertEqual(self.parts(), ["seen"] * 4 + ["unseen"] * 4)
        self.assertIsNone(images)
        np.testing.assert_array_equal(contexts[:4], trained[:4])
        self.assertFalse((contexts[4:, None] == trained[None]).all(axis=2).any())
        for target, context in zip(targets, contexts):
            # Points lie where the image has ink: pixels of the context's image that hold them are not empty.
            columns, rows = np.floor((target + 1) * 7).astype(int).T
            self.assertTrue((context.reshape(14, 14)[13 - rows, columns] > 0).all())
        self.assertIn("contexts: 196 numbers a problem", self.info("test.h5"))

    def test_latent_cells(self):
        self.make("cells", self.folder, "--latent")
        sources, targets, images, contexts = read(self.folder / "test.h5")
        seen, parts = read(self.folder / "train.h5")[3], np.array(self.parts())
        known = (contexts[:, None] == seen[None]).all(axis=2).any(axis=1)
        np.testing.assert_array_equal(known, parts == "seen")
        self.assertTrue((contexts[parts == "dose_beyond"].max(axis=1) > seen.max()).all())
        self.assertTrue(((contexts > 0).sum(axis=1)[parts == "unseen_pair"] == 2).all())
        for source, target, image in zip(sources, targets, images):
            # Monotone, as the gradient of a convex function is.
            moved = image - np.roll(image, 1, axis=0)
            self.assertGreater((moved * (source - np.roll(source, 1, axis=0))).sum(axis=1).min(), 0)
            error = np.sqrt(image.var(axis=0) / len(image) + target.var(axis=0) / len(target))
            self.assertLess(np.abs((image.mean(axis=0) - target.mean(axis=0)) / error).max(), 5)
        self.assertIn("images: ", self.info("test.h5"))

    def test_cells_through_the_program(self):
        self.make("cells", self.folder)
        self.assertIn("50 coordinates", self.info("train.h5"))
        (self.folder / "job.toml").write_text(JOB)
        run(OTFLEET, "make", "job.toml", "--quiet", cwd=self.folder)
        for name, problems in (("train", 25), ("test", 50)):
            info = self.info(f"job-out/make/{name}.h5")
            for words in ("500 coordinates", f"problems: {problems}", "contexts: 5 numbers a problem"):
                self.assertIn(words, info)
        with h5py.File(self.folder / "job-out/make/train.h5") as population:
            contexts = population["problems/context"][()]
        np.testing.assert_array_equal(contexts, np.load(self.folder / "contexts.npy")[1:])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
