"""OTT-JAX (https://ott-jax.readthedocs.io). Compiled ahead; every call waits for its result."""

import numpy as np

from worker import Setting

NAME = "OTT-JAX"
MAX_ITERATIONS = 50_000


def settings(case, quick):
    return list(_settings(case, quick))


def _settings(case, quick):
    limit = 1_000 if quick else MAX_ITERATIONS
    if case.kind == "points":
        for batch_size in (64,) if quick else (256, 1024, 4096):
            if batch_size < len(case.x):
                yield Setting("PointCloud online", dict(geometry="points", batch_size=batch_size))
        yield Setting("PointCloud, no batch_size", dict(geometry="points"))
        return
    # (name, options, problems in a vmapped call): what makes n² numbers a problem goes by few.
    # Kernel mode without the grid is left out: it raises the whole kernel to a power of one in
    # every product, and so takes longer than log mode.
    if case.kind == "grid":
        ways = [
            ("Grid kernel mode", dict(geometry="grid", lse_mode=False), len(case)),
            ("PointCloud log mode", dict(geometry="points"), 4),
            ("PointCloud log mode, gaussian", dict(geometry="points", gaussian=True), 4),
        ]
    else:
        ways = [
            (
                "dense kernel mode, 1000 iterations at most",  # underflows, would go on for ever
                dict(geometry="dense", lse_mode=False, max_iterations=1000),
                1,
            ),
            # A vmapped batch would take minutes a call: no product is saved, and it runs to the
            # slowest problem.
            ("dense log mode", dict(geometry="dense"), 1),
        ]
    for name, options, together in ways:
        chunks = {1} if len(case) == 1 else {1, min(together, len(case))}
        for chunk in sorted(chunks):
            how = f"vmap over {chunk}" if chunk > 1 else "one at a time"
            # A test costs half an iteration: testing each pays only where few are needed.
            for inner in (10,) if quick or case.kind == "dense" else (10, 1):
                yield Setting(
                    f"{name}, {how}",
                    dict(max_iterations=limit) | options | dict(inner_iterations=inner),
                    chunk,
                )


def prepare(case, setting):
    import jax

    jax.config.update("jax_enable_x64", True)  # arrays of float32 stay so
    import jax.numpy as jnp
    from ott.geometry import geometry, grid, pointcloud
    from ott.initializers.linear import initializers
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

    options = setting.options
    dtype = jnp.dtype(case.precision)
    common = dict(epsilon=case.epsilon, scale_cost=1.0)
    if options["geometry"] == "grid":
        space = [jnp.asarray(axis, dtype) for axis in case.axes]
        make = lambda space: grid.Grid(x=space, **common)
    elif options["geometry"] == "dense":
        space = [jnp.asarray(case.cost, dtype)]
        make = lambda space: geometry.Geometry(cost_matrix=space[0], **common)
    else:
        space = [jnp.asarray(points, dtype) for points in case.points()]
        make = lambda space: pointcloud.PointCloud(
            *space, batch_size=options.get("batch_size"), **common
        )

    lse_mode = options.get("lse_mode", True)
    if case.iterations:
        stop = dict(
            min_iterations=case.iterations,
            max_iterations=case.iterations,
            inner_iterations=case.iterations,
        )
    else:
        stop = dict(
            threshold=case.threshold,
            inner_iterations=options["inner_iterations"],
            max_iterations=options["max_iterations"],
        )
    initializer = initializers.GaussianInitializer() if options.get("gaussian") else None
    solver = sinkhorn.Sinkhorn(lse_mode=lse_mode, norm_error=1, initializer=initializer, **stop)

    def solve_one(space, a, b):
        output = solver(linear_problem.LinearProblem(make(space), a, b))
        return output.f, output.g

    batched = setting.chunk > 1
    function = jax.vmap(solve_one, in_axes=(None, 0, 0)) if batched else solve_one
    a, b = jnp.asarray(case.a, dtype), jnp.asarray(case.b, dtype)

    # Slices are made beforehand: each is a call of its own in JAX.
    slices = {}
    for first in range(0, len(case) - setting.chunk + 1, setting.chunk):
        rows = slice(first, first + setting.chunk) if batched else first
        slices[first] = jax.block_until_ready((space, a[rows], b[rows]))
    compiled = jax.jit(function).lower(*slices[0]).compile()

    def solve(indices):
        f, g = jax.block_until_ready(compiled(*slices[indices[0]]))
        f, g = np.asarray(f), np.asarray(g)  # no copy on the CPU
        if not batched:
            return {indices[0]: (f, g)}
        return {k: (f[row], g[row]) for row, k in enumerate(indices)}

    return solve
