#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/api/entropic_map.hpp"
#include "src/families/linear/solutions.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// One problem of a population, solved by itself.
struct ProblemSolution {
  double epsilon = 0;   ///< in units of the cost
  Solutions solutions;  ///< of one problem, with its certificate
};

/// Solves the only problem of a population at an epsilon in units of the cost. Local.
Solutions solve_alone(const CloudPopulation& one, double epsilon, const SolverOptions& settings);

/// Solves one problem at an epsilon in units of the cost. Local.
ProblemSolution solve_problem_at(const CloudPopulation& population, std::int32_t problem,
                                 double epsilon, const SolverOptions& settings);

/// Solves one problem at an epsilon of `share` of its mean cost. Local.
ProblemSolution solve_problem(const CloudPopulation& population, std::int32_t problem, double share,
                              const SolverOptions& settings);

/// Points [N, D] through the entropic map of a solved problem. Local.
std::vector<double> entropic_images(const kernels::MapTarget& target, double epsilon,
                                    std::span<const double> points, std::int64_t dimension);

/// The status, kernels::ConjugateStatus, of points whose map is that of plans.
std::int32_t status_of_plans(bool converged);

}  // namespace otfleet
