#pragma once
#include <map>
#include <utility>

#include "distributed/shard.hpp"
#include "kernels/api/low_rank.hpp"
#include "src/families/low_rank/low_rank_schema.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Solves low-rank problems of a population. Local: every rank has its own, for its shard.
class LowRankSolver {
 public:
  /// Keeps references to both.
  LowRankSolver(const CloudPopulation& population, const Job& job)
      : population_(population), job_(job) {}

  /// Solves the problems of `rows`. Goes on from what `control` has, and throws Interrupted where
  /// that ends it. Adds to `seconds`.
  LowRankSolutions solve(distributed::Shard rows, SolveSeconds& seconds, SolveControl& control);

  /// Bytes that solving problem k takes.
  double bytes(std::int64_t k) const;

 private:
  /// What a measure costs to itself, of a mass of 1.
  double self_cost(const CloudTable& measures, std::int32_t measure);

  const CloudPopulation& population_;
  const Job& job_;
  std::map<std::pair<const CloudTable*, std::int32_t>, double> self_costs_;
};

}  // namespace otfleet
