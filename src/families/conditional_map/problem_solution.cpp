#include "src/families/conditional_map/problem_solution.hpp"

#include "distributed/error.hpp"
#include "kernels/minimize/settings.hpp"
#include "src/families/conditional_map/paired_clouds.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

Solutions solve_alone(const CloudPopulation& one, double epsilon, const SolverOptions& settings) {
  const PopulationView view(one);
  const PopulationSolver solver(view, epsilon);
  if (const auto complaint = solver.complaint(settings.initializer); !complaint.empty())
    throw UserError(complaint);
  SolveSeconds seconds;
  return solver.solve({0, 1}, settings, nullptr, {}, seconds);
}

ProblemSolution solve_problem_at(const CloudPopulation& population, std::int32_t problem,
                                 double epsilon, const SolverOptions& settings) {
  const auto at = static_cast<std::size_t>(problem);
  const std::int64_t d = population.dimension, source = population.source[at],
                     target = population.target[at];
  const CloudTable& targets = population.target_table();
  CloudPopulation one = no_pairs(d);
  add_pair(one, points_of(population.sources, source, d), points_of(targets, target, d),
           weights_of(population.sources, source), weights_of(targets, target));
  return {epsilon, solve_alone(one, epsilon, settings)};
}

ProblemSolution solve_problem(const CloudPopulation& population, std::int32_t problem, double share,
                              const SolverOptions& settings) {
  const auto at = static_cast<std::size_t>(problem);
  const std::int64_t d = population.dimension;
  const double mean_cost =
      mean_cost_between(moments_of(population.sources, population.source[at], d, {}),
                        moments_of(population.target_table(), population.target[at], d, {}));
  return solve_problem_at(population, problem, share * (mean_cost > 0 ? mean_cost : 1),
                          settings);  // one point has no costs
}

std::vector<double> entropic_images(const kernels::MapTarget& target, double epsilon,
                                    std::span<const double> points, std::int64_t dimension) {
  return kernels::entropic_map(kernels::SquaredEuclideanCost{}, static_cast<int>(dimension),
                               epsilon, target, points)
      .images;
}

std::int32_t status_of_plans(bool converged) {
  return static_cast<std::int32_t>(converged ? kernels::ConjugateStatus::converged
                                             : kernels::ConjugateStatus::step_limit);
}

}  // namespace otfleet
