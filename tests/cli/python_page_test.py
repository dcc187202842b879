"""Runs every block of inputs/python.md as it stands, and checks what each computes.

    python3 python_page_test.py REPOSITORY OTFLEET BUILD

A block that imports a package that is not there is skipped by name; without h5py and NumPy all is (exit code 77).
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from python_packages import missing, run_with_packages

REPOSITORY, OTFLEET, BUILD = (Path(word).absolute() for word in sys.argv[1:4])
MODULES = {"h5py": "h5py", "numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn", "ot": "POT>=0.9.7"}

# What is true after the Python blocks of a section, in the order of the page. Each check sees the names that its
# block made.
CHECKS = {
    "Data for this page": ["""
assert np.load("images.npy").shape == (150, 28, 28) and np.load("images.npy").max() == 255
assert len(np.load("labels.npy")) == 150 and len(set(np.load("labels.npy"))) == 10
"""],
    "Potentials and values": ["""
assert converged.all() and len(cost) == 149 and np.all(error <= 1e-3) and epsilon == 0.01
assert np.all(lower <= upper) and np.all(source == 0) and np.all(target == np.arange(1, 150))
images = np.load("images.npy").reshape(150, -1) / np.load("images.npy").reshape(150, -1).sum(axis=1)[:, None]
assert np.all(np.isneginf(f) == (images[source] == 0)) and np.all(np.isneginf(g) == (images[target] == 0))
v, u = np.divmod(np.arange(784), 28) / np.float64(27)   # the pixels span the unit square
C = (v[:, None] - v) ** 2 + (u[:, None] - u) ** 2
P = np.exp((f[5][:, None] + g[5] - C) / epsilon)
assert abs((P * C).sum() - cost[5]) < 1e-9, ((P * C).sum(), cost[5])
assert abs(abs(P.sum(axis=1) - images[0]).sum() - error[5]) < 1e-9
assert abs(P.sum(axis=0) - images[target[5]]).max() < 1e-12
""", """
import numpy as np
assert f.shape == (300,) and g.shape == (200,) and np.isfinite(f).all() and np.isfinite(g).all()
"""],
    "A whole plan": ["""
assert P.shape == (300, 200) and abs(P.sum() - 1) < 1e-9
assert abs(P.sum(axis=1) - a).sum() <= 1e-6 and abs(P.sum(axis=0) - b).sum() < 1e-10
with h5py.File("out/map/solution.h5") as file:
    assert abs((C * P).sum() - file["solution/transport_cost"][0]) < 1e-9
"""],
    "A sparse plan": ["""
with h5py.File("out/first/solution.h5") as file:
    f, g, kept = file["solution/f"][k], file["solution/g"][k], file["plan/kept_mass"][k]
    assert file["problems/source"][k] == 0 and file["problems/target"][k] == 4
whole = f[P.nonzero()[0]] + g[P.nonzero()[1]]
v, u = np.divmod(np.arange(784), 28) / np.float64(27)
i, j = P.nonzero()
expected = np.exp((whole - (v[i] - v[j]) ** 2 - (u[i] - u[j]) ** 2) / 0.01)
assert P.nnz > 1000 and abs(P[i, j].A1 - expected).max() < 1e-12
assert abs(P.sum() - kept) < 1e-3 and 0.5 < kept <= 1
"""],
    "Where each point goes": ["""
assert moved.shape == x.shape and abs(step.mean(axis=0) - [3, 0]).max() < 0.3
assert abs(moved.mean(axis=0) - np.load("target.npy").mean(axis=0)).max() < 1e-5
"""],
    "New points through a potential": ["""
values, images = transport(np.load("source.npy"))
with h5py.File("out/map/solution.h5") as file:
    # A row of weight 1/300 is off by at most 1e-6, its potential by epsilon times the share.
    assert abs(values - file["solution/f"][:] + epsilon * np.log(1 / 300)).max() < epsilon * 1e-6 * 300 * 1.01
assert abs(images - moved).max() < 1e-9 and image.shape == (2, 2) and np.isfinite(potential).all()
"""],
    "A distance matrix": ["""
assert D.shape == (150, 150) and np.all(D == D.T) and np.all(np.diag(D) == 0)
assert np.all(D[np.triu_indices(150, 1)] > 0) and len(divergence) == 150 * 149 // 2
assert D[17, 3] == D[3, 17] == np.sqrt(divergence[(source == 3) & (target == 17)][0])
""", """
score = cross_val_score(nearest, D, labels, cv=LeaveOneOut()).mean()
assert score > 0.6, score   # guessing: 0.1
J = np.eye(150) - 1 / 150
values, vectors = np.linalg.eigh(J @ (-(D**2) / 2) @ J)
expected = vectors[:, :-3:-1] * np.sqrt(values[:-3:-1])
assert places.shape == (150, 2) and abs(abs(places) - abs(expected)).max() < 1e-6
"""],
    "A population by hand": ["""
with h5py.File("own.h5") as file:
    assert file["measures/weights"].shape == (4, 50) and dict(file["geometry"].attrs)["cost"] == "euclidean"
"""],
}
# What is true after all commands.
AFTER = """
import h5py, numpy as np
with h5py.File("out/own/solution.h5") as solution, h5py.File("own.h5") as population:
    assert np.all(solution["solution/status"][:] == 0) and np.all(solution["problems/target"][:] == [1, 2, 3])
    x, a = population["geometry/source_points"][:], population["measures/weights"][:]
    C = np.linalg.norm(x[:, None] - x, axis=2)
    P = np.exp((solution["solution/f"][2][:, None] + solution["solution/g"][2] - C) / 0.05)
    assert abs(P.sum(axis=1) - a[1]).sum() <= 1e-6 and abs(P.sum(axis=0) - a[3]).sum() < 1e-10
"""


def blocks_of(page):
    """(section, language, text) of each block; a block without a language is commands."""
    blocks, section, fence = [], "", None
    for line in page.splitlines(keepends=True):
        if line.startswith("```"):
            if fence is None:
                fence = line[3:].strip()
                blocks.append((section, fence, []))
            else:
                fence = None
        elif fence is not None:
            blocks[-1][2].append(line)
        elif line.startswith("## "):
            section = line[3:].strip()
    return [(section, language, "".join(lines)) for section, language, lines in blocks]


class Page(unittest.TestCase):
    def test_every_block_runs_as_it_stands(self):
        blocks = blocks_of((REPOSITORY / "inputs" / "python.md").read_text(encoding="utf-8"))
        checks = {section: list(texts) for section, texts in CHECKS.items()}
        environment = dict(os.environ, PATH=f"{OTFLEET.parent}:{os.environ['PATH']}", PYTHONDONTWRITEBYTECODE="1")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "inputs").symlink_to(REPOSITORY / "inputs")

            where = Path(folder) / "where"
            where.write_text(folder)

            def run(words, what):
                result = subprocess.run(words, cwd=where.read_text().strip(), env=environment, capture_output=True, text=True)
                self.assertEqual(result.returncode, 0, f"{what}\n{result.stdout}\n{result.stderr}")

            for section, language, text in blocks:
                self.assertIn(language, ("", "python"), section)
                if not language:
                    run(["bash", "-ec", f"{text}\npwd > {where}"], f"{section}: {text}")
                    continue
                self.assertLessEqual(text.count("\n"), 15, f"{section}: a block is about ten lines")
                check = checks[section].pop(0)
                absent = missing(set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)))
                if absent:
                    print(f"skipped: a block of '{section}' needs {', '.join(absent)}")
                    continue
                run([sys.executable, "-c", text + check], section)
            self.assertEqual({section for section, texts in checks.items() if texts}, set(), "checks without a block")
            run([sys.executable, "-c", AFTER], "after all commands")


if __name__ == "__main__":
    run_with_packages(BUILD, MODULES)
    if missing(["h5py", "numpy"]):
        print("skipped: no Python here has h5py and NumPy; 'bash jobs/install.sh' installs them")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
