"""Trains conditional maps on what make_conditions.py writes, evaluates them on held-out problems, and prints JSON:
means over the parts of the held-out problems, of every map. See ../conditional_maps.sh.

Usage: python3 conditional_maps FOLDER --otfleet PROGRAM [--ranks N] [--minutes M] [--task NAME] [--smoke]
                                   [--cmonge PYTHON]
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys

import h5py
import numpy as np

PEER = pathlib.Path(__file__).resolve().parent / "cmonge_peer.py"
INPUTS = pathlib.Path(__file__).resolve().parents[3] / "inputs"
FIGURES = ("distance", "divergence", "mmd", "uvp")
# Of the first part of the held-out problems: their own maps, trained without the others.
ALONE = 3

# What is compared, as settings of a job.
MODELS = {
    "mlp": ["model.architecture=mlp"],
    "icnn": ["model.architecture=icnn"],
    "generated": ["model.architecture=icnn", "model.conditioning=generated"],
    "velocity": ["model.architecture=velocity"],
    "one_map": ["model.architecture=icnn", "model.conditioning=none"],
}
ALONE_MODEL = ["model.architecture=icnn", "model.conditioning=none"]
TASKS = {"gaussians": [], "cells": ["--latent"], "digits": []}
CMONGE_TASKS = ("gaussians", "cells")
# Settings of a task's models: a context of 196 numbers takes a wider network than one of two.
CONTEXTS = {"gaussians": [], "cells": [], "digits": ["model.context_hidden=[256,128]"]}
# Settings of a task's potentials. Cells are few in many dimensions, and potentials learn them by heart; the decay of
# weights was chosen on another draw of the generator. With 196 numbers of context the usual rate is too fast; this one
# was chosen on images that are neither trained on nor reported.
POTENTIALS = {"gaussians": [], "cells": ["train.weight_decay=3"], "digits": ["train.learning_rate=2e-3"]}


def run(options, command, output, settings):
    words = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(options.ranks)] if options.ranks > 1 else []
    words += [options.otfleet, command, str(INPUTS / "conditional_gaussians.toml"), "--output", str(output), "--quiet"]
    for setting in settings:
        words += ["--set", setting]
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run(words, check=True, stdout=sys.stderr, env=environment)
    return json.loads((output / "report.json").read_text())


def cmonge(options, train, test, folder):
    """cmonge's maps: what it says of its training, and figures of every problem's sources after them."""
    folder.mkdir()
    pushed = folder / "pushed.h5"
    words = [options.cmonge, str(PEER), str(train), str(test), str(pushed), str(options.minutes)]
    words += [word for setting in options.cmonge_set for word in ("--set", setting)]
    trained = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    settings = ["map.method=gaussian", f"files.test_population={pushed}"]  # needs no model
    return trained, run(options, "evaluate", folder / "evaluate", settings)["each"]


def one_problem(source, target, problem):
    """The population of one of a population's problems."""
    with h5py.File(source) as read, h5py.File(target, "w") as write:
        for group in ("geometry", "measures"):
            read.copy(group, write)
        points = [np.diff(read["measures/source_offsets"])[k] for k in read["problems/source"]]
        first = int(sum(points[:problem]))
        for name, values in read["problems"].items():
            own = slice(first, first + points[problem]) if name == "image" else slice(problem, problem + 1)
            write[f"problems/{name}"] = values[own]


def mean(problems, row, figure):
    values = [problem[row][figure] for problem in problems]
    return None if any(value is None for value in values) else float(np.mean(values))


def figures_of(problems, row):
    return {figure: mean(problems, row, figure) for figure in FIGURES}


def study(task, options):
    folder = options.folder / task
    make = [sys.executable, str(INPUTS / "make_conditions.py"), task, str(folder / "make"), *TASKS[task]]
    subprocess.run(make + (["--small"] if options.smoke else []), check=True, stdout=sys.stderr)
    with open(folder / "make" / "test_conditions.csv", encoding="utf-8") as file:
        parts = [row["part"] for row in csv.DictReader(file)]
    # Conditions of the first part of `cells` and `digits` are those trained on, in their order.
    seen = parts[0] == "seen"

    def trained(name, model, train, test):
        model = model + CONTEXTS[task] + (POTENTIALS[task] if "model.architecture=velocity" not in model else [])
        settings = model + [f"train.minutes={options.minutes}", f"files.train_population={train}"]
        training = run(options, "train", folder / name / "train", settings)
        settings = model + [f"files.checkpoint={folder / name / 'train' / 'model.h5'}", f"files.test_population={test}"]
        report = run(options, "evaluate", folder / name / "evaluate", settings)
        return report, training

    train, test = folder / "make" / "train.h5", folder / "make" / "test.h5"
    result = {"parts": {part: parts.count(part) for part in parts}, "maps": {}}
    reports = {}
    for name, model in MODELS.items():
        report, training = trained(name, model, train, test)
        reports[name] = report["each"]
        result["maps"][name] = {"steps": training["steps"], "parameters": training["parameters"],
                                "map_milliseconds": report["map_milliseconds"]}
    if options.cmonge and task in CMONGE_TASKS:
        result["maps"]["cmonge"], peer = cmonge(options, train, test, folder / "cmonge")
    for part in result["parts"]:
        for name, each in reports.items():
            problems = [problem for problem, of in zip(each, parts) if of == part]
            result["maps"][name][part] = figures_of(problems, "model")
        if options.cmonge and task in CMONGE_TASKS:
            problems = [problem for problem, of in zip(peer, parts) if of == part]
            result["maps"]["cmonge"][part] = figures_of(problems, "identity")
        for row in ("identity", "gaussian", "target_again"):  # the same in every report
            result["maps"].setdefault(row, {})[part] = figures_of(problems, row)
    result["alone"] = []
    for k in range(ALONE):
        place = k * parts.count(parts[0]) // ALONE
        own = folder / f"alone-{place}"
        own.mkdir()
        one_problem(train if seen else test, own / "train.h5", place)
        one_problem(test, own / "test.h5", place)
        report, _ = trained(f"alone-{place}", ALONE_MODEL, own / "train.h5", own / "test.h5")
        result["alone"].append({"problem": place, "alone": figures_of(report["each"], "model"),
                                **{name: figures_of([each[place]], "model") for name, each in reports.items()}})
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--otfleet", required=True)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--task", choices=TASKS, action="append", help="that one; default: all")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--cmonge", metavar="PYTHON", help="a Python that has cmonge: compare it, on one thread")
    parser.add_argument("--cmonge-set", action="append", default=[], metavar="NAME=VALUE", help="see cmonge_peer.py")
    options = parser.parse_args()
    if options.smoke:
        options.minutes = 0.02
    tasks = {task: study(task, options) for task in options.task or TASKS}
    print(json.dumps({"minutes": options.minutes, "ranks": options.ranks, "tasks": tasks}, indent=1))


if __name__ == "__main__":
    main()
