#pragma once
#include "distributed/shard.hpp"
#include "src/families/semidiscrete/semidiscrete_schema.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Solves semidiscrete problems of a population. Local: every rank has its own, for its shard.
class SemidiscreteSolver {
 public:
  /// Keeps references to both.
  SemidiscreteSolver(const CloudPopulation& population, const Job& job)
      : population_(population), job_(job) {}

  /// Solves the problems of `rows`. Goes on from what `control` has, and throws Interrupted where
  /// that ends it. Adds to `seconds`.
  SemidiscreteSolutions solve(distributed::Shard rows, SolveSeconds& seconds,
                              SolveControl& control) const;

  /// Bytes that solving problem k takes.
  double bytes(std::int64_t k) const;

 private:
  const CloudPopulation& population_;
  const Job& job_;
};

}  // namespace otfleet
