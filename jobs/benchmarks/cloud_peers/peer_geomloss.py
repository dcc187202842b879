"""GeomLoss's multiscale backend on KeOps, on the CPU; see ../peers/worker.py for how it is called."""

import numpy as np


def prepare(case, setting):
    import geomloss
    import torch

    torch.set_num_threads(setting.options["threads"])
    dimension = case.x.shape[1]

    def loss(clusters):
        # Its cost is halved, and epsilon = blur^2. The box of the points has sides of length 1.
        return geomloss.SamplesLoss(
            "sinkhorn",
            p=2,
            blur=(case.epsilon / 2) ** 0.5,
            scaling=setting.options["scaling"],
            truncate=setting.options["truncate"],
            cluster_scale=clusters ** (-1 / dimension),
            debias=False,
            potentials=True,
            backend="multiscale",
        )

    x, y = torch.from_numpy(case.x), torch.from_numpy(case.y)
    loss(100)(x[:1000], y[:1000])  # compiles
    measure = loss(setting.options["clusters"])

    def solve(indices):
        with torch.no_grad():
            f, g = (potential.numpy().astype(np.float64) for potential in measure(x, y))
        a, b = (case.epsilon * np.log(weights[0]) for weights in (case.a, case.b))
        return {k: (2 * f + a, 2 * g + b) for k in indices}

    return solve
