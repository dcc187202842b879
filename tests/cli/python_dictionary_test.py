"""Holds the table of inputs/python.md, 'OTT-JAX, POT and GeomLoss', to POT, OTT-JAX and GeomLoss on one problem.

    python3 python_dictionary_test.py REPOSITORY OTFLEET BUILD

POT comes from PyPI where it can; OTT-JAX and GeomLoss are compared with where they are installed, and else skipped by
name. Without h5py, NumPy and POT all is skipped (exit code 77).
"""

import inspect
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from python_packages import missing, run_with_packages

if __name__ == "__main__":
    REPOSITORY, OTFLEET, BUILD = (Path(word).absolute() for word in sys.argv[1:4])
    run_with_packages(BUILD, {"h5py": "h5py", "numpy": "numpy", "scipy": "scipy", "ot": "POT>=0.9.7"})
    if missing(["h5py", "numpy", "ot"]):
        print("skipped: needs " + ", ".join(missing(["h5py", "numpy", "ot"])) + "; 'bash jobs/install.sh' installs "
              "h5py and NumPy, 'pip install POT' POT")
        sys.exit(77)

import h5py
import numpy as np
import ot

EPSILON, RHO = 0.1, 0.2
TAU = RHO / (RHO + EPSILON)
EXACT = dict(stopThr=1e-15, numItermax=100000)  # POT


def kl(p, q):
    return (p * np.log(p / q) - p + q).sum()


def solve(folder, name, a, b, settings, **geometry):
    """The only row of otfleet's solution, by names."""
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file["measures/source_weights"], file["measures/target_weights"] = a[None], b[None]
        file["problems/source"], file["problems/target"] = [0], [0]
        group = file.create_group("geometry")
        group.attrs["kind"] = geometry.pop("kind")
        group.attrs["cost"] = geometry.pop("cost_name")
        for key, values in geometry.items():
            group[key] = values
    (folder / f"{name}.toml").write_text(f'[files]\ntest_population = "{name}.h5"\n')
    words = [OTFLEET, "solve", f"{name}.toml", "--output", name, "--quiet", "--strict"]
    for setting in [f"problem.epsilon={EPSILON}", "solver.threshold=1e-13", "solver.max_iterations=100000"] + settings:
        words += ["--set", setting]
    result = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    with h5py.File(folder / name / "solution.h5") as file:
        return {key: values[0] for key, values in file["solution"].items()}


class Dictionary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = np.random.default_rng(3)
        cls.x, cls.y = rng.uniform(size=(12, 2)), rng.uniform(size=(9, 2))
        cls.a, cls.b = rng.dirichlet(np.ones(12)), rng.dirichlet(np.ones(9))
        cls.C = ((cls.x[:, None] - cls.y) ** 2).sum(axis=2)
        cls.heavy = 1.5 * cls.b
        points = dict(kind="points", cost_name="squared_euclidean", source_points=cls.x, target_points=cls.y)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            values = ["solution.divergence=true", 'solution.regularized=["ott","geomloss"]']
            cls.ours = solve(folder, "balanced", cls.a, cls.b, values, **points)
            cls.hole = np.append(0, cls.a[1:] / cls.a[1:].sum())
            cls.holed = solve(folder, "holed", cls.hole, cls.b, [], **points)
            taus = [f"problem.tau_a={TAU}", f"problem.tau_b={TAU}"]
            cls.unbalanced = solve(folder, "unbalanced", cls.a, cls.heavy, taus, **points)
            shifted = cls.C + EPSILON * np.log(np.outer(cls.a, cls.heavy))
            cls.entropic = solve(folder, "entropic", cls.a, cls.heavy, taus, kind="dense", cost_name="matrix",
                                 cost=shifted)
            cls.entropic_plan = np.exp((cls.entropic["f"][:, None] + cls.entropic["g"] - shifted) / EPSILON)
        cls.P = cls.plan(cls.ours)
        cls.U = cls.plan(cls.unbalanced)

    @classmethod
    def plan(cls, solution):
        return np.exp((solution["f"][:, None] + solution["g"] - cls.C) / EPSILON)

    def near(self, found, expected, tolerance=1e-9):
        self.assertLess(abs(np.asarray(found) - expected).max(), tolerance)

    def same_potentials(self, f, g, ours=None, tolerance=1e-9):
        """f + c and g − c for one c."""
        ours = ours or self.ours
        c = np.mean(np.asarray(f) - ours["f"])
        self.near(f, ours["f"] + c, tolerance)
        self.near(g, ours["g"] - c, tolerance)

    def test_otfleet_values_are_their_formulas(self):
        P, ours = self.P, self.ours
        self.near(ours["transport_cost"], (P * self.C).sum())
        self.near(ours["dual_value"], (P * self.C).sum() + EPSILON * (P * np.log(P)).sum())
        self.near(ours["dual_value"], ours["f"] @ self.a + ours["g"] @ self.b)
        self.near(ours["regularized_ott"], (P * self.C).sum() + EPSILON * kl(P, np.outer(self.a, self.b)))
        self.near(P.sum(axis=0), self.b, 1e-15)
        U, prior = self.U, np.outer(self.a, self.heavy)
        self.near(self.unbalanced["primal_value"], (U * self.C).sum() + EPSILON * kl(U, prior)
                  + RHO * kl(U.sum(axis=1), self.a) + RHO * kl(U.sum(axis=0), self.heavy))

    def test_pot_costs_plans_and_potentials(self):
        self.near(ot.dist(self.x, self.y), self.C, 1e-14)
        self.near(ot.dist(self.x, self.y, "euclidean"), np.sqrt(self.C), 1e-14)
        plan, log = ot.sinkhorn(self.a, self.b, self.C, EPSILON, log=True, **EXACT)
        self.near(plan, self.P)
        self.same_potentials(EPSILON * np.log(log["u"]), EPSILON * np.log(log["v"]))
        solved = ot.solve(self.C, self.a, self.b, EPSILON, tol=1e-15, max_iter=100000)
        self.same_potentials(EPSILON * solved.potentials[0], EPSILON * solved.potentials[1])

    def test_pot_values(self):
        ours, problem = self.ours, (self.C, self.a, self.b, EPSILON)
        self.near(ot.sinkhorn2(self.a, self.b, self.C, EPSILON, **EXACT), ours["transport_cost"])
        kl_solved = ot.solve(*problem, tol=1e-15, max_iter=100000)
        self.near(kl_solved.value, ours["regularized_ott"])
        self.near(kl_solved.value_linear, ours["transport_cost"])
        self.near(ot.solve(*problem, reg_type="entropy", tol=1e-15, max_iter=100000).value, ours["dual_value"])
        exact = ot.emd2(self.a, self.b, self.C)
        self.assertLessEqual(ours["lower_bound"], exact + 1e-15)
        self.assertLessEqual(exact - 1e-15, ours["upper_bound"])

    def test_pot_divergence_is_another_number(self):
        theirs = ot.bregman.empirical_sinkhorn_divergence(self.x, self.y, EPSILON, a=self.a, b=self.b, stopThr=1e-15,
                                                          numIterMax=100000)

        def cost(a, b, x, y):
            return ot.sinkhorn2(a, b, ot.dist(x, y), EPSILON, **EXACT)

        a, b, x, y = self.a, self.b, self.x, self.y
        self.near(theirs, cost(a, b, x, y) - cost(a, a, x, x) / 2 - cost(b, b, y, y) / 2)
        self.assertGreater(abs(theirs - self.ours["divergence"]), 0.01)

        def value(a, b, x, y):
            return ot.solve(ot.dist(x, y), a, b, EPSILON, tol=1e-15, max_iter=100000).value

        self.near(value(a, b, x, y) - value(a, a, x, x) / 2 - value(b, b, y, y) / 2, self.ours["divergence"])

    def test_pot_stops_by_the_l2_error_of_b_every_ten_iterations(self):
        plan, log = ot.sinkhorn(self.a, self.b, self.C, EPSILON, stopThr=1e-3, log=True)
        self.near(log["err"][-1], np.linalg.norm(plan.sum(axis=0) - self.b), 1e-15)
        self.assertLess(log["err"][-1], 1e-3)
        self.assertEqual(log["niter"] % 10, 0)
        self.near(plan.sum(axis=1), self.a, 1e-15)
        defaults = inspect.signature(ot.sinkhorn).parameters
        self.assertEqual((defaults["stopThr"].default, defaults["numItermax"].default), (1e-9, 1000))

    def test_points_without_weight(self):
        self.assertTrue(np.isneginf(self.holed["f"][0]) and np.isfinite(self.holed["f"][1:]).all())
        _, log = ot.sinkhorn(self.hole, self.b, self.C, EPSILON, method="sinkhorn_log", log=True, **EXACT)
        self.assertEqual(log["u"][0], 0)
        self.same_potentials(EPSILON * np.log(log["u"][1:]), EPSILON * np.log(log["v"]),
                             {"f": self.holed["f"][1:], "g": self.holed["g"]})

    def test_pot_penalized_marginals(self):
        words = dict(stopThr=1e-15, numItermax=100000, log=True)
        plan, log = ot.unbalanced.sinkhorn_unbalanced(self.a, self.heavy, self.C, EPSILON, RHO, reg_type="kl", **words)
        self.near(plan, self.U)
        self.near(log["cost"], self.unbalanced["transport_cost"])
        # Without the mass terms: the sum of P times its derivative, which is zero at the minimum.
        self.near(log["total_cost"], 0)
        self.near(ot.solve(self.C, self.a, self.heavy, EPSILON, unbalanced=RHO, tol=1e-13).value, 0)
        _, log = ot.unbalanced.lbfgsb_unbalanced(self.a, self.heavy, self.C, EPSILON, RHO, reg_div="kl", regm_div="kl",
                                                 numItermax=100000, stopThr=1e-16, log=True)
        self.near(log["total_cost"], self.unbalanced["primal_value"])
        entropy = ot.unbalanced.sinkhorn_unbalanced(self.a, self.heavy, self.C, EPSILON, RHO, c=np.ones_like(self.C),
                                                    reg_type="entropy", **words)[0]
        self.near(entropy, self.entropic_plan)
        self.assertGreater(abs(entropy - self.U).max(), 0.01)

    def test_geomloss_formulas(self):
        p, blur, ours = 2, np.sqrt(EPSILON / 2), self.ours
        F = (ours["f"] - EPSILON * np.log(self.a)) / p
        G = (ours["g"] - EPSILON * np.log(self.b)) / p
        self.near(np.outer(self.a, self.b) * np.exp((F[:, None] + G - self.C / p) / blur**p), self.P)
        self.near(F @ self.a + G @ self.b, ours["regularized_geomloss"])
        self.near(ours["regularized_geomloss"], ours["regularized_ott"] / p)
        # Its value with penalties (sinkhorn_cost in its source).
        rho, epsilon = np.sqrt(RHO / 2) ** p, blur**p
        F = (self.unbalanced["f"] - EPSILON * np.log(self.a)) / p
        G = (self.unbalanced["g"] - EPSILON * np.log(self.heavy)) / p
        theirs = (rho + epsilon / 2) * (self.a @ (1 - np.exp(-F / rho)) + self.heavy @ (1 - np.exp(-G / rho)))
        mass_a, mass_b = self.a.sum(), self.heavy.sum()
        mass_term = EPSILON * (mass_a * mass_b - (mass_a + mass_b) / 2)
        self.near(theirs, (self.unbalanced["primal_value"] - mass_term) / p)

    @unittest.skipIf(missing(["geomloss"]), "GeomLoss is not installed")
    def test_geomloss(self):
        """It takes a fixed number of steps, and is compared to what those leave."""
        import geomloss
        import torch
        print(f"geomloss {geomloss.__version__}, torch {torch.__version__}")
        defaults = inspect.signature(geomloss.SamplesLoss).parameters
        self.assertEqual([defaults[name].default for name in ("blur", "scaling")], [0.05, 0.5])

        def value(a, b, x=self.x, y=self.y, **words):
            loss = geomloss.SamplesLoss("sinkhorn", p=2, blur=np.sqrt(EPSILON / 2), scaling=0.9995, **words)
            found = loss(*(torch.from_numpy(array) for array in (a, x, b, y)))
            return [one.numpy().ravel() for one in found] if words.get("potentials") else float(found)

        a, b, ours = self.a, self.b, self.ours
        self.near(value(a, b, debias=False), ours["regularized_geomloss"], 1e-5)
        self.near(value(a, b), ours["divergence"] / 2, 1e-5)
        F, G = value(a, b, debias=False, potentials=True)
        scaled = {"f": (ours["f"] - EPSILON * np.log(a)) / 2, "g": (ours["g"] - EPSILON * np.log(b)) / 2}
        self.same_potentials(F, G, scaled, 5e-4)
        of_itself, _ = value(a, a, self.x, self.x, debias=False, potentials=True)
        self.near(value(a, b, potentials=True)[0], F - of_itself, 5e-4)
        mass_term = EPSILON * (a.sum() * self.heavy.sum() - (a.sum() + self.heavy.sum()) / 2)
        self.near(value(a, self.heavy, debias=False, reach=np.sqrt(RHO / 2)),
                  (self.unbalanced["primal_value"] - mass_term) / 2, 1e-5)

    @unittest.skipIf(missing(["ott"]), "OTT-JAX is not installed")
    def test_ott(self):
        import jax
        import ott
        print(f"ott {ott.__version__}, jax {jax.__version__}")
        jax.config.update("jax_enable_x64", True)
        from ott.geometry import costs, pointcloud
        from ott.problems.linear import linear_problem
        from ott.solvers.linear import sinkhorn

        def solved(threshold=1e-14, cost=None, a=self.a, b=self.b, **words):
            geometry = pointcloud.PointCloud(self.x, self.y, epsilon=EPSILON)
            if cost is not None:
                from ott.geometry import geometry as matrices
                geometry = matrices.Geometry(cost, epsilon=EPSILON)
            problem = linear_problem.LinearProblem(geometry, a, b, **words)
            return sinkhorn.Sinkhorn(threshold=threshold, max_iterations=100000)(problem)

        ours, theirs = self.ours, solved()
        self.near(theirs.geom.cost_matrix, self.C, 1e-14)
        euclidean = pointcloud.PointCloud(self.x, self.y, cost_fn=costs.Euclidean())
        self.near(euclidean.cost_matrix, np.sqrt(self.C), 1e-14)
        self.near(theirs.matrix, self.P)
        self.same_potentials(theirs.f, theirs.g)
        key_of = {"primal_cost": "transport_cost", "ent_reg_cost": "dual_value", "dual_cost": "dual_value",
                  "reg_ot_cost": "regularized_ott", "kl_reg_cost": "regularized_ott"}
        for name, key in key_of.items():
            self.near(getattr(theirs, name), ours[key])
        self.near(pointcloud.PointCloud(self.x, self.y).epsilon, 0.05 * self.C.std())
        mean = pointcloud.PointCloud(self.x, self.y, epsilon=0.05, relative_epsilon="mean")
        self.near(mean.epsilon, 0.05 * self.C.mean())
        from ott.tools import sinkhorn_divergence
        found = sinkhorn_divergence.sinkhorn_divergence(
            pointcloud.PointCloud, self.x, self.y, a=self.a, b=self.b, epsilon=EPSILON,
            solve_kwargs=dict(threshold=1e-13, max_iterations=100000))
        self.near(found[0], ours["divergence"])

        loose = solved(threshold=1e-3)
        last = np.asarray(loose.errors)[np.asarray(loose.errors) > 0][-1]
        self.near(last, abs(np.asarray(loose.matrix).sum(axis=0) - self.b).sum(), 1e-12)
        self.near(np.asarray(loose.matrix).sum(axis=1), self.a, 1e-12)
        self.assertEqual(int(loose.n_iters) % 10, 0)
        defaults = inspect.signature(sinkhorn.Sinkhorn).parameters
        self.assertEqual([defaults[name].default for name in ("threshold", "max_iterations", "inner_iterations")],
                         [1e-3, 2000, 10])
        self.assertTrue(np.isneginf(solved(a=self.hole).f[0]))

        taus = dict(b=self.heavy, tau_a=TAU, tau_b=TAU)
        penalized = solved(**taus)
        self.near(penalized.matrix, self.entropic_plan)
        self.assertLess(penalized.reg_ot_cost, self.unbalanced["primal_value"] - 0.01)
        shifted = solved(cost=self.C - EPSILON * np.log(np.outer(self.a, self.heavy)), **taus)
        self.near(shifted.matrix, self.U)


if __name__ == "__main__":
    print(", ".join(f"{package.__name__} {package.__version__}" for package in (h5py, np, ot)))
    unittest.main(argv=sys.argv[:1], verbosity=2)
