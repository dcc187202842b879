"""cmonge's conditional Monge gap (https://github.com/AI4SCR/conditional-monge) on the same populations, as a process of
its own: of one thread, in a Python that has cmonge 0.1.3.

Usage: python cmonge_peer.py TRAIN.h5 TEST.h5 PUSHED.h5 MINUTES [--set NAME=VALUE]...

Trains on the problems of TRAIN.h5 and maps all source points of TEST.h5. PUSHED.h5 is TEST.h5 with these images as
sources, so that what `otfleet evaluate` says there of the sources themselves are the figures of cmonge's maps, on the
same samples. Prints a JSON line.

Settings that --set does not change are those of cmonge's configs/conditional-monge-sciplex.yml, of 50 dimensions, too.
A context counts as one, of as many numbers as it has. Minutes are the process's own time, so that other work
on the machine does not count, and without what compiling takes.
"""

import argparse
import contextlib
import json
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")

import cmonge.metrics
import h5py
import jax
import jax.numpy as jnp
import loguru
import numpy as np
from cmonge.datasets.conditional_loader import ConditionalDataModule
from cmonge.datasets.single_loader import AbstractDataModule
from cmonge.models.embedding import BaseEmbedding
from cmonge.trainers.conditional_monge_trainer import ConditionalMongeTrainer
from dotmap import DotMap
from ott.geometry import costs

SETTINGS = {
    "lr": 1e-4,
    "weight_decay": 1e-5,
    "batch_size": 512,
    "width": 64,
    "epsilon_fitting": 1.0,
    "epsilon_regularizer": 1e-2,
    "cost": "euclidean",  # of the regularizer; sq_euclidean is ours
}
REHEARSED = 20  # steps from which is told how many there is time for
WARM = 2  # steps that compile: the first one logs, others do not


class Problems:
    """Of a population: sources, targets, contexts."""

    def __init__(self, file):
        with h5py.File(file) as read:
            measures = {}
            for side in ("source", "target"):
                points = read[f"measures/{side}_points"][()]
                offsets = read[f"measures/{side}_offsets"][()]
                measures[side] = [points[a:b] for a, b in zip(offsets, offsets[1:])]
            self.sources = [measures["source"][k] for k in read["problems/source"]]
            self.targets = [measures["target"][k] for k in read["problems/target"]]
            self.contexts = read["problems/context"][()]


class ArrayModule(AbstractDataModule):
    """The samples of one problem: cmonge's own modules read AnnData. All are trained on; its validation, which only
    logs, sees the same."""

    problems = None

    def __init__(self, config):
        super().__init__()
        problem = int(config.drug_condition)
        self.batch_size = config.batch_size
        self.key = jax.random.fold_in(jax.random.PRNGKey(config.seed), problem)
        self.control = jnp.asarray(self.problems.sources[problem], jnp.float32)
        self.target = jnp.asarray(self.problems.targets[problem], jnp.float32)
        self.target_train_cells = self.target_valid_cells = np.arange(len(self.target))
        self.target_test_cells = np.arange(0)

    def get_loaders_by_type(self, split_type, batch_size=None):
        self.key, first, second = jax.random.split(self.key, 3)
        size = batch_size or self.batch_size
        return self.sampler_iter(self.control, size, first), self.sampler_iter(self.target, size, second)


class ContextEmbedding(BaseEmbedding):
    """A problem's context itself."""

    def __init__(self, datamodule, name):
        super().__init__(datamodule.batch_size)
        contexts = jnp.asarray(ArrayModule.problems.contexts, jnp.float32)
        self.batches = [jnp.tile(context, (self.batch_size, 1)) for context in contexts]

    def __call__(self, condition):
        return self.batches[int(condition)], 1


class OutOfTime(Exception):
    pass


class TimedTrainer(ConditionalMongeTrainer):
    """Stops after `seconds` of the process, if there are steps left; those that compile do not count."""

    seconds = float("inf")
    started = finished = 0.0
    steps = 0

    def generate_batch(self, datamodule, split_type):
        if split_type == "train":
            jax.block_until_ready(self.state_neural_net.params)
            self.finished = time.process_time()
            if self.steps == WARM:
                self.started = self.finished
            if self.steps > WARM and self.finished - self.started > self.seconds:
                raise OutOfTime
            self.steps += 1
        return super().generate_batch(datamodule, split_type)

    def train(self, datamodule):
        with contextlib.suppress(OutOfTime):
            super().train(datamodule)
        jax.block_until_ready(self.state_neural_net.params)
        self.finished = time.process_time()
        return self.finished - self.started


def trainer_of(problems, data, settings, steps):
    dimension, contexts = problems.sources[0].shape[1], problems.contexts.shape[1]
    config = DotMap({
        "method": "monge",
        "fitting_loss": {"name": "sinkhorn", "kwargs": {"epsilon_fitting": settings["epsilon_fitting"]}},
        "regularizer": {"name": "monge", "kwargs": {"epsilon_regularizer": settings["epsilon_regularizer"],
                                                    "cost": settings["cost"]}},
        "optim": {"lr": settings["lr"], "name": "adamw", "kwargs": {"weight_decay": settings["weight_decay"]}},
        "mlp": {"dim_hidden": [int(settings["width"])] * 4, "dim_data": dimension, "dim_cond": contexts,
                "dim_cond_map": (50,), "context_entity_bonds": ((0, contexts),)},
        "embedding": {"name": "context"},
        "num_train_iters": steps,
        "seed": 42,
    })
    return TimedTrainer(jobid=0, logger_path=None, config=config, datamodule=data)


def train(problems, minutes, settings):
    """A trained trainer, with its steps and seconds."""
    loguru.logger.remove()
    cmonge.metrics.cost_factory["sq_euclidean"] = costs.SqEuclidean()
    ArrayModule.problems = problems
    ConditionalDataModule.datamodule_factory["arrays"] = ArrayModule
    TimedTrainer.embedding_factory["context"] = ContextEmbedding
    names = [str(k) for k in range(len(problems.contexts))]
    data = ConditionalDataModule(
        DotMap({"name": "arrays", "batch_size": int(settings["batch_size"]), "seed": 42}),
        DotMap({"mode": "homogeneous", "conditions": names, "split": [1, 0, 0]}))
    rehearsal = trainer_of(problems, data, settings, REHEARSED)
    seconds = rehearsal.train(data)
    steps = WARM + max(int((REHEARSED - WARM) * minutes * 60 / seconds), 1)
    trainer = trainer_of(problems, data, settings, steps)
    trainer.seconds = minutes * 60
    return trainer, trainer.train(data)


def maps_of(trainer, problems):
    """Images of all sources, and the milliseconds of a problem's."""
    apply = jax.jit(lambda params, x, c: trainer.state_neural_net.apply_fn({"params": params}, x, c, 1))
    images, seconds = [], []
    for source, context in zip(problems.sources, problems.contexts):
        started = time.perf_counter()
        contexts = jnp.tile(jnp.asarray(context, jnp.float32), (len(source), 1))
        image = apply(trainer.state_neural_net.params, jnp.asarray(source, jnp.float32), contexts)
        images.append(np.asarray(image, np.float64))
        seconds.append(time.perf_counter() - started)
    return images, 1e3 * float(np.median(seconds))


def write_pushed(test, pushed, images):
    """The population `test` with the images as sources, one for each problem."""
    with h5py.File(test) as read, h5py.File(pushed, "w") as write:
        read.copy("geometry", write)
        read.copy("problems", write)
        del write["problems/source"]
        write["problems/source"] = np.arange(len(images), dtype=np.int32)
        for name in ("offsets", "points", "weights"):
            read.copy(f"measures/target_{name}", write, f"measures/target_{name}")
        sizes = [len(points) for points in images]
        write["measures/source_offsets"] = np.cumsum([0] + sizes)
        write["measures/source_points"] = np.concatenate(images)
        write["measures/source_weights"] = np.concatenate([np.full(n, 1 / n) for n in sizes])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("pushed")
    parser.add_argument("minutes", type=float)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=f"of {', '.join(SETTINGS)}")
    options = parser.parse_args()
    settings = dict(SETTINGS)
    for setting in options.set:
        name, value = setting.split("=")
        settings[name] = type(SETTINGS[name])(value)
    trainer, seconds = train(Problems(options.train), options.minutes, settings)
    images, milliseconds = maps_of(trainer, Problems(options.test))
    write_pushed(options.test, options.pushed, images)
    parameters = sum(leaf.size for leaf in jax.tree_util.tree_leaves(trainer.state_neural_net.params))
    print(json.dumps({"steps": trainer.steps, "planned": trainer.num_train_iters, "seconds": seconds,
                      "parameters": parameters, "map_milliseconds": milliseconds}))


if __name__ == "__main__":
    main()
