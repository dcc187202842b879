"""jaxopt's L-BFGS, compiled, in double, as a process of its own.

Usage: python peer_jaxopt.py ENERGY PAIRS.npz BATCH OUTPUT_FOLDER CACHE_FOLDER

Minimizes over the inner nodes, and over a whitened basis; BATCH paths at once by vmap, and all of them one
after another in one compiled loop (lax.map). It tries both line searches on each, keeps the faster, writes
NAME.npy [N, 28, 2] and prints a line of facts. Then for every line on standard input, a name, it solves once
more and prints the seconds. Starts are straight lines; history 10, at most 500 steps, tolerance 1e-5,
everything else as jaxopt has it.
"""

import json
import pathlib
import sys
import time

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", sys.argv[5])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)

import jax.numpy as jnp
import jaxopt
import numpy as np

import energies


class Program:
    """A compiled minimizer of its pairs."""

    def __init__(self, energy, basis, at_once, line_search, x, y):
        action = energies.action_of(energy)
        self.basis, self.line_search, self.pairs = basis, line_search, (x, y)
        table = None if basis is None else jnp.asarray(basis)
        solver = jaxopt.LBFGS(
            fun=action if basis is None else lambda u, x, y: action(table @ u, x, y),
            history_size=10,
            maxiter=500,
            tol=1e-5,
            linesearch=line_search,
        )
        start = jnp.zeros((energies.INNER if basis is None else basis.shape[1], 2))

        def solve(x, y):
            answer = solver.run(start, x, y)
            state = answer.state
            return answer.params, state.iter_num, state.num_fun_eval, state.error

        all_of_them = jax.vmap(solve) if at_once else lambda x, y: jax.lax.map(lambda p: solve(*p), (x, y))
        self.compiled = jax.jit(all_of_them).lower(x, y).compile()
        self.seconds = self.run()

    def run(self):
        begin = time.perf_counter()
        self.answer = jax.block_until_ready(self.compiled(*self.pairs))
        return time.perf_counter() - begin

    def theta(self):
        found = np.asarray(self.answer[0])
        return found if self.basis is None else self.basis @ found

    def facts(self):
        _, steps, evaluations, residual = map(np.asarray, self.answer)
        return dict(
            pairs=len(steps),
            line_search=self.line_search,
            mean_iterations=float(steps.mean()),
            mean_evaluations=float(evaluations.mean()),
            own_converged=float((residual <= 1e-5).mean()),
        )


def main():
    energy, pairs_file, batch, output, _ = sys.argv[1:]
    with np.load(pairs_file) as file:
        x, y = jnp.asarray(file["x"]), jnp.asarray(file["y"])
    programs, facts = {}, {}
    for basis_name, basis in (("nodes", None), ("whitened", energies.whitened_basis())):
        for way in ("vmap", "one by one"):
            count = min(int(batch), len(x)) if way == "vmap" else len(x)
            tried = [
                Program(energy, basis, way == "vmap", line_search, x[:count], y[:count])
                for line_search in ("zoom", "backtracking")
            ]
            name = f"{basis_name}, {way}"
            programs[name] = min(tried, key=lambda program: program.seconds)
            facts[name] = programs[name].facts()
            facts[name]["tried"] = {p.line_search: count / p.seconds for p in tried}  # paths per second
            np.save(pathlib.Path(output) / f"{name}.npy", programs[name].theta())
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        print(json.dumps(programs[line.strip()].run()), flush=True)


if __name__ == "__main__":
    main()
