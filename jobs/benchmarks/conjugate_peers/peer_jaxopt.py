"""jaxopt's L-BFGS under vmap, compiled, as a process of its own.

Usage: python peer_jaxopt.py NETWORK.h5 POINTS.h5 float|double LINE_SEARCH REPEATS OUTPUT.npy

Compiles, solves once and prints a line; then for every line on standard input solves REPEATS times,
or as often as ten seconds allow, and prints the seconds of each. Minimizers go to OUTPUT.npy. Starts
are x = y; memory 10, at most 100 steps, tolerance 1e-3, everything else as jaxopt has it.
"""

import json
import sys
import time

import h5py
import jax
import jax.numpy as jnp
import jaxopt
import numpy as np

import potential

ACTIVATIONS = {
    "identity": lambda s: s,
    "relu": jax.nn.relu,
    "leaky_relu": lambda s: jnp.where(s > 0, s, 0.2 * s),
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "silu": jax.nn.silu,
}


def value(network, x):
    z, layers = None, network["layers"]
    for k, layer in enumerate(layers):
        s = 0
        if "hidden" in layer:
            s = s + layer["hidden"] @ z
        if "input" in layer:
            s = s + layer["input"] @ x
        if "bias" in layer:
            s = s + layer["bias"]
        if "quadratic" in layer:
            s = s + ((layer["quadratic"] @ x).reshape(len(s), -1) ** 2).sum(-1) / 2
        z = s if k + 1 == len(layers) else ACTIVATIONS[layer["activation"]](s)
    return z[0] + network["half_square"] / 2 * (x @ x)


def main():
    network_file, points_file, precision, line_search, repeats, output = sys.argv[1:]
    jax.config.update("jax_enable_x64", precision == "double")
    scalar = jnp.float64 if precision == "double" else jnp.float32
    network = potential.read(network_file)
    for layer in network["layers"]:
        for name in potential.WEIGHTS:
            if name in layer:
                layer[name] = jnp.asarray(layer[name], scalar)
    with h5py.File(points_file) as file:
        y = jnp.asarray(file["y"][()], scalar)
    solver = jaxopt.LBFGS(
        fun=lambda x, y: value(network, x) - x @ y,
        history_size=10,
        maxiter=100,
        tol=1e-3,
        linesearch=line_search,
    )
    solve = jax.jit(jax.vmap(lambda y: solver.run(y, y)))
    answer = jax.block_until_ready(solve(y))
    np.save(output, np.asarray(answer.params, np.float64))
    facts = dict(
        mean_steps=float(answer.state.iter_num.mean()),
        mean_evaluations=float(answer.state.num_fun_eval.mean()),
    )
    print(json.dumps(facts), flush=True)
    for _ in sys.stdin:
        seconds = []
        while len(seconds) < int(repeats) and sum(seconds) < 10:
            begin = time.perf_counter()
            jax.block_until_ready(solve(y))
            seconds.append(time.perf_counter() - begin)
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
