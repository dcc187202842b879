"""Networks f on R^D as layers of weights, see PotentialNetwork: drawn, written, read, evaluated."""

import h5py
import numpy as np

WEIGHTS = ("hidden", "input", "quadratic", "bias")


def draw(width, dimension, gain, seed):
    """½|x|² + MLP with two hidden layers of softplus: weights normal with deviation
    gain/√inputs, biases with 0.1."""
    random = np.random.default_rng(seed)

    def weights(outputs, inputs):
        return random.normal(size=(outputs, inputs)) * gain / np.sqrt(inputs)

    def bias():
        return 0.1 * random.normal(size=width)

    layers = [
        dict(input=weights(width, dimension), bias=bias(), activation="softplus"),
        dict(hidden=weights(width, width), bias=bias(), activation="softplus"),
        dict(hidden=weights(1, width), activation="identity"),
    ]
    return dict(half_square=1.0, layers=layers)


def write(file_name, network):
    with h5py.File(file_name, "w") as file:
        file.attrs["half_square"] = network["half_square"]
        for k, layer in enumerate(network["layers"]):
            group = file.create_group(f"layers/{k}")
            group.attrs["activation"] = np.bytes_(layer["activation"])
            for name in WEIGHTS:
                if name in layer:
                    group[name] = layer[name]


def read(file_name):
    with h5py.File(file_name) as file:
        layers = []
        for k in range(len(file["layers"])):
            group = file[f"layers/{k}"]
            activation = group.attrs.get("activation", b"softplus")
            if isinstance(activation, bytes):
                activation = activation.decode()
            layers.append(
                {name: group[name][()] for name in WEIGHTS if name in group}
                | dict(activation=str(activation))
            )
        return dict(half_square=float(file.attrs.get("half_square", 0)), layers=layers)


def read_trained(checkpoint):
    """The potential of a model.h5 that `otfleet train` wrote; see src/families/neural_dual/neural_dual.hpp."""
    with h5py.File(checkpoint) as file:
        model = file["model"]
        convex = model.attrs["architecture"] == b"icnn"
        activation = model.attrs["activation"].decode()
        weights = {
            tuple(name.split(".")[1:]): dataset[()].astype(np.float64)
            for name, dataset in model["parameters"].items()
            if name.startswith("potential.")
        }
    count = 1 + max(int(k) for k, _ in weights)
    layers = []
    for k in range(count):
        layer = {name: weights[str(k), name] for name in WEIGHTS if (str(k), name) in weights}
        quadratic = convex and k == 0 and "quadratic" in layer  # curved without an activation
        layer["activation"] = "identity" if quadratic or k + 1 == count else activation
        layers.append(layer)
    return dict(half_square=0.0 if convex else 1.0, layers=layers)


def _activated(name, s):
    """Value and slope."""
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-s))
        return {
            "identity": lambda: (s, np.ones_like(s)),
            "relu": lambda: (np.maximum(s, 0), 1.0 * (s > 0)),
            "leaky_relu": lambda: (np.where(s > 0, s, 0.2 * s), np.where(s > 0, 1, 0.2)),
            "elu": lambda: (
                np.where(s > 0, s, np.expm1(np.minimum(s, 0))),
                np.where(s > 0, 1, np.exp(np.minimum(s, 0))),
            ),
            "softplus": lambda: (np.logaddexp(s, 0), sigmoid),
            "silu": lambda: (s * sigmoid, sigmoid * (1 + s * (1 - sigmoid))),
        }[name]()


def gradient(network, x):
    """∇f at the rows of x [B, D], in double, with nothing but NumPy: the judge."""
    z, kept = None, []
    layers = network["layers"]
    for k, layer in enumerate(layers):
        s = 0
        if "hidden" in layer:
            s = s + z @ layer["hidden"].T
        if "input" in layer:
            s = s + x @ layer["input"].T
        product = None
        if "quadratic" in layer:
            outputs = next(len(layer[name]) for name in ("hidden", "input", "bias") if name in layer)
            product = (x @ layer["quadratic"].T).reshape(len(x), outputs, -1)
            s = s + (product**2).sum(-1) / 2
        if "bias" in layer:
            s = s + layer["bias"]
        last = k + 1 == len(layers)
        z, slope = (s, np.ones_like(s)) if last else _activated(layer["activation"], s)
        kept.append((slope, product))
    result, back = network["half_square"] * x, 1.0
    for layer, (slope, product) in zip(reversed(layers), reversed(kept)):
        back = back * slope
        if "input" in layer:
            result = result + back @ layer["input"]
        if "quadratic" in layer:
            result = result + (back[:, :, None] * product).reshape(len(x), -1) @ layer["quadratic"]
        if "hidden" not in layer:
            break
        back = back @ layer["hidden"]
    return result
