"""Writes train.h5 and test.h5, populations of clouds that a model is trained and judged on.

Usage: python3 make_clouds.py TASK FOLDER [SOURCE] [--small]

TASK   digits   MNIST digits as weighted points of the plane, each under a random affine map
       cities   a thousand cities on the globe, drawn around three places; great-circle costs
       colors   4,096 pixels of an image as points of the color cube
SOURCE digits: inputs/digits.h5, cities: inputs/world.h5 (the default of both), colors: a folder of
       PNG images, of which every third is for testing alone

Needs numpy and h5py, colors Pillow too. Random choices have a fixed seed.
"""

import argparse
import pathlib

import h5py
import numpy as np

INPUTS = pathlib.Path(__file__).resolve().parents[3] / "inputs"


def random_affine(rng, points):
    angle, shear = rng.uniform(-np.pi, np.pi), rng.normal(0, 0.2)
    stretch = np.exp(rng.normal(0, 0.25, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ (turn @ np.array([[stretch[0], shear], [0, stretch[1]]])).T + rng.uniform(-0.3, 0.3, 2)


def digit(rng, image):
    rows, columns = np.nonzero(image)
    weights = image[rows, columns].astype(float)
    points = np.stack([columns / 27 - 0.5, 0.5 - rows / 27], 1)
    return random_affine(rng, points), weights / weights.sum()


def digits(rng, source, training, count):
    with h5py.File(source or INPUTS / "digits.h5") as file:
        images = file["train_images" if training else "test_images"][:]
    return [digit(rng, images[rng.integers(len(images))]) for _ in range(count)]


def cities(rng, source, training, count, size=1000):
    with h5py.File(source or INPUTS / "world.h5") as file:
        places = file["demand"][:]
    clouds = []
    for _ in range(count):
        centers = places[rng.integers(len(places), size=3)]
        near = sum(np.exp(rng.uniform(0.5, 4) * (places @ center - 1)) for center in centers)
        chosen = rng.choice(len(places), size, replace=False, p=near / near.sum())
        clouds.append((places[chosen], np.full(size, 1 / size)))
    return clouds


def colors(rng, source, training, count, size=4096):
    from PIL import Image

    images = []
    for number, file in enumerate(sorted(pathlib.Path(source).glob("*.png"))):
        pixels = np.asarray(Image.open(file).convert("RGB")).reshape(-1, 3) / 255.0
        if (number % 3 != 1) == training and np.ptp(pixels - pixels.mean(1, keepdims=True)) > 0.02:
            images.append(pixels)
    clouds = []
    for k in range(count if training else len(images)):
        image = images[k % len(images)]
        points = image[rng.choice(len(image), size, replace=False)]
        clouds.append((points + rng.uniform(-0.5, 0.5, points.shape) / 255, np.full(size, 1 / size)))
    return clouds


# Measures and pairs to train on and to test on, and the cost.
TASKS = {
    "digits": (digits, (5000, 50000), (200, 200), "squared_euclidean"),
    "cities": (cities, (1000, 5000), (60, 60), "great_circle"),
    "colors": (colors, (340, 2000), (9, 18), "squared_euclidean"),
}


def random_pairs(rng, measures, count):
    pairs = [(i, j) for i in range(measures) for j in range(measures) if i != j] if measures < 400 else None
    if pairs is None:
        return rng.integers(measures, size=(count, 2))
    return np.array(pairs)[rng.permutation(len(pairs))[:count]]


def write(path, clouds, pairs, cost):
    with h5py.File(path, "w") as file:
        file["measures/offsets"] = np.cumsum([0] + [len(weights) for _, weights in clouds])
        file["measures/points"] = np.concatenate([points for points, _ in clouds])
        file["measures/weights"] = np.concatenate([weights for _, weights in clouds])
        file["problems/source"] = pairs[:, 0].astype(np.int32)
        file["problems/target"] = pairs[:, 1].astype(np.int32)
        file.create_group("geometry").attrs.update(kind="clouds", cost=cost)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("source", nargs="?")
    parser.add_argument("--small", action="store_true", help="a tenth of the problems, to see that it runs")
    args = parser.parse_args()
    if args.task == "colors" and not args.source:
        parser.error("colors needs a folder of images")
    draw, train, test, cost = TASKS[args.task]
    args.folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, (measures, pairs)) in enumerate([("train", train), ("test", test)]):
        rng = np.random.default_rng(seed)
        if args.small:
            measures, pairs = max(measures // 10, 4), max(pairs // 10, 4)
        clouds = draw(rng, args.source, name == "train", measures)
        write(args.folder / f"{name}.h5", clouds, random_pairs(rng, len(clouds), pairs), cost)


if __name__ == "__main__":
    main()
