#pragma once
#include <cstdint>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/api/barycenters.hpp"
#include "src/families/barycenter/free_support_population.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Figures of one rank's problems, in the population's order; see kernels::FreeSupports and
/// FreeSupportFigures.
struct FreeSupportBarycenters {
  std::vector<double> points;   ///< [count, n, d]
  std::vector<double> weights;  ///< [count, n], mass
  std::vector<double> f;        ///< [measures of all problems, n], cost units
  std::vector<double> dual_value, transport_cost, upper_bound, lower_bound;  ///< cost × mass
  std::vector<double> residual;                         ///< a share of the measures' spread
  std::vector<double> marginal_error;                   ///< a share of the mass
  std::vector<std::int32_t> moves, iterations, status;  ///< status: kernels::Status
};

/// Solves barycenter problems of a population whose measures have points of their own. Holds its
/// measures on the device. Local: every rank has its own, for its shard.
class FreeSupportSolver {
 public:
  /// Keeps references to both. Throws UserError for measures that kernels refuse.
  FreeSupportSolver(const FreeSupportPopulation& population, const Job& job);

  /// Solves the problems of `rows`; potentials only where the job asks for them. Goes on from what
  /// `control` has, and throws Interrupted where that ends it. Adds to `seconds`.
  FreeSupportBarycenters solve(distributed::Shard rows, SolveSeconds& seconds,
                               SolveControl& control) const;

 private:
  const FreeSupportPopulation& population_;
  const Job& job_;
  kernels::Problems measures_;
};

}  // namespace otfleet
