#pragma once
#include "distributed/shard.hpp"
#include "src/families/gromov_wasserstein/gromov_wasserstein_schema.hpp"
#include "src/families/gromov_wasserstein/shape_problems.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Solves Gromov–Wasserstein problems of a population. Local: every rank has its own, for its
/// shard.
class GromovWassersteinSolver {
 public:
  /// Keeps references to both. Throws std::invalid_argument, naming the problem, where epsilon is
  /// too small for its costs.
  GromovWassersteinSolver(const ShapeProblems& population, const Job& job);

  /// Solves the problems of `rows`. Goes on from what `control` has, and throws Interrupted where
  /// that ends it. Adds to `seconds`.
  GromovWassersteinSolutions solve(distributed::Shard rows, SolveSeconds& seconds,
                                   SolveControl& control) const;

  /// Bytes that solving problem k takes, and about how much work it is.
  double bytes(std::int64_t k) const;
  double work(std::int64_t k) const;

 private:
  const ShapeProblems& population_;
  const Job& job_;
};

}  // namespace otfleet
