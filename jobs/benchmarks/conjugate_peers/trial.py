"""A short run of conjugate_solve, judged as the peers' script judges it.

Usage: python trial.py PROGRAM FOLDER     exit code 77: no NumPy or h5py
"""

import json
import pathlib
import subprocess
import sys

try:
    import h5py
    import numpy as np

    import potential
except ImportError as error:
    print(error)
    sys.exit(77)


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    network = potential.draw(width=24, dimension=3, gain=1.0, seed=0)
    # A second look at the input, and a quadratic term of rank 2.
    random = np.random.default_rng(2)
    network["layers"][1]["input"] = 0.1 * random.normal(size=(24, 3))
    network["layers"][1]["quadratic"] = 0.1 * random.normal(size=(48, 3))
    network["layers"][1]["activation"] = "elu"
    potential.write(folder / "network.h5", network)
    y = random.normal(size=(50, 3))
    with h5py.File(folder / "points.h5", "w") as file:
        file["y"] = y
    for precision in ("float", "double", "mixed"):
        files = [folder / "network.h5", folder / "points.h5", precision, "1", folder / "x.h5"]
        command = [program, *map(str, files)]
        text = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        print(json.loads(text[text.index("{") :]))
        with h5py.File(folder / "x.h5") as file:
            residual = np.linalg.norm(potential.gradient(network, file["x"][()]) - y, axis=1)
        print(precision, "largest residual", residual.max())
        assert residual.max() < 1.01e-3


if __name__ == "__main__":
    main()
