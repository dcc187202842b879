#include "src/families/conditional_map/problem_solution.hpp"

#include "distributed/error.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
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

void add_measure(const CloudTable& from, std::int64_t measure, std::int64_t dimension,
                 CloudTable& to) {
  const auto points = points_of(from, measure, dimension);
  to.points.insert(to.points.end(), points.begin(), points.end());
  const auto begin = from.weights.begin() + from.offsets[static_cast<std::size_t>(measure)];
  to.weights.insert(to.weights.end(), begin, begin + from.size(measure));
  to.offsets.push_back(to.offsets.back() + from.size(measure));
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
  CloudPopulation one;
  one.ground_cost = population.ground_cost;
  one.dimension = population.dimension;
  one.shared_measures = false;
  add_measure(population.sources, population.source[at], population.dimension, one.sources);
  add_measure(population.target_table(), population.target[at], population.dimension, one.targets);
  one.source = one.target = {0};
  const PopulationView view(one);
  const PopulationSolver solver(view, result.epsilon);
  if (const auto complaint = solver.complaint(settings.initializer); !complaint.empty())
    throw UserError(complaint);
  SolveSeconds seconds;
  result.solutions = solver.solve({0, 1}, settings, nullptr, {}, seconds);
  return result;
}

}  // namespace otfleet
