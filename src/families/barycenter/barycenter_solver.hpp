#pragma once
#include <cstdint>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/api/barycenters.hpp"
#include "src/families/barycenter/barycenter_population.hpp"
#include "src/job.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Figures of one rank's problems, in the population's order; see kernels::BarycenterSolution.
struct Barycenters {
  std::vector<double> weights;                   ///< [count, n], mass
  std::vector<double> f;                         ///< [measures of all problems, n], cost units
  std::vector<double> dual_value;                ///< cost × mass
  std::vector<double> mass, residual;            ///< residual: a share of the mass
  std::vector<std::int32_t> iterations, status;  ///< status: kernels::Status
};

/// Solves barycenter problems of a population with fixed support. Holds its measures on the device.
/// Local: every rank has its own, for its shard.
class BarycenterSolver {
 public:
  /// Keeps references to both. Throws UserError for a cost that forbids entries, and, where
  /// barycenters are to be debiased, for one that is not symmetric.
  BarycenterSolver(const BarycenterPopulation& population, const Job& job);

  /// Solves the problems of `rows`; potentials only where the job asks for them. Goes on from what
  /// `control` has, and throws Interrupted where that ends it. Adds to `seconds`.
  Barycenters solve(distributed::Shard rows, SolveSeconds& seconds, SolveControl& control) const;

 private:
  const BarycenterPopulation& population_;
  const Job& job_;
  kernels::BarycenterMeasures measures_;
};

}  // namespace otfleet
