#include "src/families/conditional_map/problem_solution.hpp"

#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {
namespace {

/// The mean of |x − y|² over all pairs of points of two measures.
double mean_cost_between(const CloudMoments& source, const CloudMoments& target) {
  const std::size_t d = source.mean.size();
  double sum = 0;
  for (std::size_t i = 0; i < d; ++i) {
    const double step = source.mean[i] - target.mean[i];
    sum += source.covariance[i * d + i] + target.covariance[i * d + i] + step * step;
  }
  return sum > 0 ? sum : 1;  // one point has no costs
}

}  // namespace

ProblemSolution solve_problem(const CloudPopulation& population, std::int32_t problem, double share,
                              const SolverOptions& settings) {
  const auto at = static_cast<std::size_t>(problem);
  const auto moments = [&](const CloudTable& table, std::int64_t measure) {
    return moments_of(table, measure, population.dimension, {});
  };
  ProblemSolution result;
  result.epsilon =
      share * mean_cost_between(moments(population.sources, population.source[at]),
                                moments(population.target_table(), population.target[at]));
  const PopulationView view(population);
  const PopulationSolver solver(view, result.epsilon);
  SolveSeconds seconds;
  result.solutions = solver.solve({problem, problem + 1}, settings, nullptr, {}, seconds);
  return result;
}

}  // namespace otfleet
