"""Writes populations whose problems come with the conditions that they belong to, to learn maps from.

Usage: python3 make_conditions.py TASK FOLDER [--small] [--dimension D] [--latent]     (needs numpy and h5py)

FOLDER/train.h5 and FOLDER/test.h5 are populations of clouds. Every problem has numbers that describe it in
/problems/context and, where it is known, the true map of its source points in /problems/image.
FOLDER/test_conditions.csv says of every test problem of which part it is. Seeds are fixed, so that the files are always
the same.

gaussians  Between Gaussians of D dimensions. The source is N(m0, S0), the target N(m(t), S(t)), smooth in t from
           [0, 1]^2, which is the context. Images are those of the optimal map, which is affine.
           Train: t up to 0.8. Test: `between`, t in the range of those trained on, then `beyond`, t above 0.8.
cells      Cells under five drugs and their pairs, measured once each: never the same cells before and after. The source
           are untreated cells, the context is the dose of each drug. A drug moves a cell in 50 latent coordinates along
           pathways, the more the more active a pathway is in it, and by a Hill curve of the dose. That move is the
           gradient of a convex function, so it is the optimal map for squared Euclidean costs. 500 genes are a noisy
           readout. Points are the first 50 principal components of log genes, without images, or with --latent the
           latent coordinates, with images.
           Train: single drugs at three doses, half of the pairs. Test: `seen` conditions, `dose_between`,
           `dose_beyond`, `unseen_pair`, all with fresh cells.
           The genes themselves are in cells.h5ad and test_cells.h5ad, as AnnData writes them, with obs/condition, and
           in contexts.npy and test_contexts.npy a row for each condition.
digits     From a Gaussian of the plane to a handwritten digit: points drawn from its pixels, moved evenly within each.
           The context is the image at half the resolution, 14 x 14 numbers: a model draws what it sees.
           Train: digits of the training set of digits.h5. Test: `seen` ones, then `unseen` ones of its test set, all
           with fresh points.
"""

import argparse
import itertools
import pathlib

import h5py
import numpy as np

SEED = 0


def write_population(file, sources, targets, pairs, contexts, images=None):
    """sources, targets: lists of points [n, d]; pairs: (source, target) of every problem; contexts [P, C]; images: a
    list of points for each problem."""
    with h5py.File(file, "w") as out:
        for side, clouds in (("source", sources), ("target", targets)):
            sizes = [len(points) for points in clouds]
            out[f"measures/{side}_offsets"] = np.cumsum([0] + sizes)
            out[f"measures/{side}_points"] = np.concatenate(clouds).astype(np.float64)
            out[f"measures/{side}_weights"] = np.concatenate([np.full(n, 1 / n) for n in sizes])
        out["problems/source"] = np.array([source for source, _ in pairs], dtype=np.int32)
        out["problems/target"] = np.array([target for _, target in pairs], dtype=np.int32)
        out["problems/context"] = np.asarray(contexts, dtype=np.float64)
        if images is not None:
            out["problems/image"] = np.concatenate(images)
        out.create_group("geometry").attrs.update(kind="clouds", cost="squared_euclidean")
    print(f"{file}: {len(pairs)} problems")


def write_parts(file, parts, contexts):
    """A line for each test problem: its part, then its context."""
    with open(file, "w", encoding="utf-8") as out:
        numbers = range(len(contexts[0]))
        print("problem", "part", *[f"context_{c}" for c in numbers], sep=",", file=out)
        for problem, (part, context) in enumerate(zip(parts, contexts)):
            print(problem, part, *[f"{value:.17g}" for value in context], sep=",", file=out)


# --- gaussians --------------------------------------------------------------------------------------------------------


def rotation(angles):
    """[D, D]: turns the planes of coordinates 0 and 1, 1 and 2, … one after the other."""
    turned = np.eye(len(angles) + 1)
    for j, angle in enumerate(angles):
        plane = np.eye(len(turned))
        plane[j:j + 2, j:j + 2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        turned = turned @ plane
    return turned


def target_gaussian(t, dimension):
    """Mean [D] and covariance [D, D] of the target."""
    j = np.arange(dimension)
    mean = 2 * np.sin(np.pi * t[0] + 0.9 * j) + 1.5 * np.cos(np.pi * t[0] * t[1] + 0.5 * j)
    widths = np.exp(0.9 * np.sin(np.pi * (t[0] + t[1]) + 1.3 * j))
    turned = rotation(0.4 + np.pi / 2 * t[1] * np.cos(j[1:] + t[0]))
    return mean, turned * widths @ turned.T


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(values) @ vectors.T


def optimal_matrix(source, target):
    """The linear part of the optimal map between Gaussians of these covariances."""
    half = root(source)
    inverse = np.linalg.inv(half)
    return inverse @ root(half @ target @ half) @ inverse


def conditions_beyond(random, count):
    """t of which one coordinate at least is from [0.85, 1]."""
    found = []
    while len(found) < count:
        t = random.uniform(0, 1, 2)
        if t.max() >= 0.85:
            found.append(t)
    return np.array(found)


def make_gaussians(folder, options):
    dimension = options.dimension
    random = np.random.default_rng(SEED)
    points = 100 if options.small else 1000
    train_count, between, beyond = (12, 4, 2) if options.small else (40, 14, 6)
    source_mean = np.linspace(-1, 1, dimension)
    turned = rotation(np.full(dimension - 1, 0.7))
    source_covariance = turned * np.geomspace(0.4, 2.5, dimension) @ turned.T

    def write(name, conditions):
        sources, targets, images = [], [], []
        for t in conditions:
            mean, covariance = target_gaussian(t, dimension)
            source = random.normal(size=(points, dimension)) @ root(source_covariance) + source_mean
            sources.append(source)
            targets.append(random.normal(size=(points, dimension)) @ root(covariance) + mean)
            images.append((source - source_mean) @ optimal_matrix(source_covariance, covariance) + mean)
        pairs = [(k, k) for k in range(len(conditions))]
        write_population(folder / name, sources, targets, pairs, conditions, images)

    train = random.uniform(0, 0.8, (train_count, 2))
    test = np.concatenate([random.uniform(train.min(axis=0), train.max(axis=0), (between, 2)),
                           conditions_beyond(random, beyond)])
    write("train.h5", train)
    write("test.h5", test)
    write_parts(folder / "test_conditions.csv", ["between"] * between + ["beyond"] * beyond, test)


# --- cells ------------------------------------------------------------------------------------------------------------

DRUGS, LATENT, GENES, TYPES, PATHWAYS = 5, 50, 500, 4, 12


class Tissue:
    """What is fixed of the cells: their types, what drugs do to them, how genes read them out."""

    def __init__(self):
        random = np.random.default_rng(SEED)
        wide = 15  # latent coordinates in which cells differ most; the pathways lie in them
        self.shares = np.array([0.4, 0.3, 0.2, 0.1])
        self.centers = np.zeros((TYPES, LATENT))
        self.centers[:, :wide] = random.normal(scale=1.5, size=(TYPES, wide))
        self.spread = 0.8 / (1 + np.arange(LATENT) / 8)
        self.pathways = np.zeros((PATHWAYS, LATENT))  # orthonormal
        self.pathways[:, :wide] = np.linalg.qr(random.normal(size=(wide, PATHWAYS)))[0].T
        self.thresholds = random.normal(scale=0.5, size=PATHWAYS)
        self.effects = np.zeros((DRUGS, PATHWAYS))
        for drug in range(DRUGS):
            acted_on = random.choice(PATHWAYS, 4, replace=False)
            self.effects[drug, acted_on] = random.choice([-1.5, 2.0, 3.0], 4)
        self.half_doses = random.uniform(0.15, 0.6, DRUGS)
        self.steepness = random.uniform(1, 2, DRUGS)
        self.interactions = {pair: np.zeros(PATHWAYS) for pair in itertools.combinations(range(DRUGS), 2)}
        for effect in self.interactions.values():
            effect[random.choice(PATHWAYS, 2, replace=False)] = random.choice([-0.6, 1.0], 2)
        self.loadings = random.normal(scale=1 / np.sqrt(8), size=(LATENT, GENES))
        self.levels = random.normal(scale=1, size=GENES)

    def cells(self, random, count):
        """Untreated ones, latent [count, 50]."""
        types = random.choice(TYPES, count, p=self.shares)
        return self.centers[types] + self.spread * random.normal(size=(count, LATENT))

    def response(self, cells, doses):
        """Where cells [n, 50] go under doses [5]: cell + sum_p c_p sigmoid(w_p . cell - b_p) w_p. The sigmoid rises by
        1/4 at most, so that the map is the gradient of a convex function where every c_p > -4."""
        powers = doses ** self.steepness
        hill = powers / (self.half_doses ** self.steepness + powers)
        strength = hill @ self.effects
        for (first, second), effect in self.interactions.items():
            strength = strength + hill[first] * hill[second] * effect
        assert strength.min() > -4, "the response is no optimal map"
        activity = 1 / (1 + np.exp(-(cells @ self.pathways.T - self.thresholds)))
        return cells + activity * strength @ self.pathways

    def genes(self, random, cells):
        """Expression float32 [n, 500]: softplus, then noise, none below zero."""
        means = np.logaddexp(0, cells @ self.loadings + self.levels)
        return np.maximum(means + 0.2 * random.normal(size=means.shape), 0).astype(np.float32)


def doses_of(*given):
    doses = np.zeros(DRUGS)
    for drug, dose in given:
        doses[drug] = dose
    return doses


def name_of(doses):
    """As a table of cells would call the condition."""
    given = [f"drug {drug + 1} at {dose:g}" for drug, dose in enumerate(doses) if dose > 0]
    return " and ".join(given) or "control"


def single_doses(*doses):
    return [doses_of((drug, dose)) for drug in range(DRUGS) for dose in doses]


def pair_doses(pairs, *doses):
    return [doses_of((first, dose), (second, dose)) for first, second in pairs for dose in doses]


def write_strings(group, name, values):
    group.create_dataset(name, data=list(values), dtype=h5py.string_dtype())
    group[name].attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})


def write_frame(file, name, index, columns):
    """An empty data frame of AnnData with its index."""
    frame = file.create_group(name)
    frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    frame.attrs.create("column-order", list(columns), dtype=h5py.string_dtype(), shape=(len(columns),))
    write_strings(frame, "_index", index)
    return frame


def write_h5ad(path, genes, conditions, doses):
    """Cells as AnnData writes them. genes: a list of [n, 500] for each condition; doses [conditions, 5]. Conditions are
    in the order of their names, as pandas orders categories."""
    codes = np.repeat(np.arange(len(genes), dtype=np.int8), [len(rows) for rows in genes])
    dose_names = [f"dose_{drug + 1}" for drug in range(DRUGS)]
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        file["X"] = np.concatenate(genes)
        file["X"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        obs = write_frame(file, "obs", [f"cell_{i}" for i in range(len(codes))], ["condition"] + dose_names)
        condition = obs.create_group("condition")
        condition.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
        condition["codes"] = codes
        condition["codes"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        write_strings(condition, "categories", conditions)
        for drug, name in enumerate(dose_names):
            obs[name] = doses[codes, drug]
            obs[name].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        write_frame(file, "var", [f"gene_{g}" for g in range(GENES)], [])
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            file.create_group(name).attrs.update({"encoding-type": "dict", "encoding-version": "0.1.0"})
    print(f"{path}: {len(codes)} cells under {len(genes)} conditions")


def principal_components(genes, count):
    """Mean [500] and directions [500, count] of log genes [N, 500]; the largest entry of each is positive."""
    logs = np.log1p(genes.astype(np.float64))
    mean = logs.mean(axis=0)
    directions = np.linalg.eigh((logs - mean).T @ (logs - mean))[1][:, :-count - 1:-1]
    largest = np.abs(directions).argmax(axis=0)
    return mean, directions * np.sign(directions[largest, np.arange(count)])


def make_cells(folder, options):
    tissue = Tissue()
    controls, treated = (200, 60) if options.small else (1000, 500)
    pairs = list(itertools.combinations(range(DRUGS), 2))
    seen_pairs, unseen_pairs = pairs[::2], pairs[1::2]
    train = np.array(single_doses(0.1, 0.3, 1) + pair_doses(seen_pairs, 0.3, 1))
    parts = {"seen": train, "dose_between": single_doses(0.2, 0.6), "dose_beyond": single_doses(2),
             "unseen_pair": pair_doses(unseen_pairs, 0.3, 1)}
    test = np.concatenate(list(parts.values()))

    # Latent coordinates and genes of the untreated cells, then of those under each condition.
    random = np.random.default_rng(SEED + 1)
    sets = {}
    for name, conditions in (("train", train), ("test", test)):
        latent = [tissue.cells(random, controls)]
        latent += [tissue.response(tissue.cells(random, treated), doses) for doses in conditions]
        sets[name] = conditions, latent, [tissue.genes(random, cells) for cells in latent]

    mean, directions = principal_components(np.concatenate(sets["train"][2]), LATENT)
    for name, (conditions, latent, genes) in sets.items():
        images = None
        clouds = [(np.log1p(rows) - mean) @ directions for rows in genes]
        if options.latent:
            clouds = latent
            images = [tissue.response(latent[0], doses) for doses in conditions]
        write_population(folder / f"{name}.h5", clouds[:1], clouds[1:], [(0, k) for k in range(len(conditions))],
                         conditions, images)
        doses = np.concatenate([np.zeros((1, DRUGS)), conditions])
        order = sorted(range(len(doses)), key=lambda k: name_of(doses[k]))
        prefix = "" if name == "train" else "test_"
        write_h5ad(folder / f"{prefix}cells.h5ad", [genes[k] for k in order],
                   [name_of(doses[k]) for k in order], doses[order])
        np.save(folder / f"{prefix}contexts.npy", doses[order])
    write_parts(folder / "test_conditions.csv", [part for part, of in parts.items() for _ in of], test)


def points_of_digit(random, image, count):
    """Samples of an image [28, 28] in the square [-1, 1]^2, the first row of pixels at the top."""
    drawn = random.choice(image.size, size=count, p=image.ravel() / image.sum())
    rows, columns = np.divmod(drawn, image.shape[1])
    places = np.stack([columns, image.shape[0] - 1 - rows], axis=1) + random.uniform(0, 1, (count, 2))
    return 2 * places / image.shape[0] - 1


def make_digits(folder, options):
    random = np.random.default_rng(SEED)
    points = 100 if options.small else 512
    train_count, seen, unseen = (12, 4, 4) if options.small else (2000, 25, 25)
    with h5py.File(pathlib.Path(__file__).parent / "digits.h5") as file:
        train = file["train_images"][:train_count].astype(np.float64)
        test = np.concatenate([train[:seen], file["test_images"][:unseen]])

    def write(name, images):
        sources = [random.normal(scale=0.5, size=(points, 2)) for _ in images]
        targets = [points_of_digit(random, image, points) for image in images]
        contexts = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 14 * 14) / 255
        write_population(folder / name, sources, targets, [(k, k) for k in range(len(images))], contexts)
        return contexts

    write("train.h5", train)
    write_parts(folder / "test_conditions.csv", ["seen"] * seen + ["unseen"] * unseen, write("test.h5", test))


TASKS = {"gaussians": make_gaussians, "cells": make_cells, "digits": make_digits}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--small", action="store_true", help="few points and problems, to try it")
    parser.add_argument("--dimension", type=int, default=4, help="gaussians: of their points, 2 at least")
    parser.add_argument("--latent", action="store_true", help="cells: latent coordinates as points, with images")
    options = parser.parse_args()
    if options.dimension < 2:
        parser.error("--dimension must be 2 at least")
    options.folder.mkdir(parents=True, exist_ok=True)
    TASKS[options.task](options.folder, options)


if __name__ == "__main__":
    main()
