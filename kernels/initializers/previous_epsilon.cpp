#include "kernels/initializers/previous_epsilon.hpp"

#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/initializers/log_weights.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Of the range of the costs: the largest epsilon of a stage.
constexpr double largest_share = 1.0 / 16;

double cost_range(const SeparableCost& cost) {
  return cost.range();
}
template <class ExecutionSpace>
double cost_range(const PointCloudCost<ExecutionSpace>& cost) {
  return cost.bound();
}

/// The epsilons of the stages, from the largest on.
std::vector<double> stages(const PreviousEpsilonSettings& settings, double range) {
  std::vector<double> result;
  for (double epsilon = settings.epsilon * settings.factor; epsilon <= largest_share * range;
       epsilon *= settings.factor)
    result.insert(result.begin(), epsilon);
  return result;
}

void check(const PreviousEpsilonSettings& settings) {
  if (!(settings.factor > 1)) throw std::invalid_argument("factor must be > 1");
  if (!(settings.threshold > 0)) throw std::invalid_argument("threshold must be > 0");
}

/// Solves the stages; f [B, n] or flat. solve(stage, iterations, status) is sinkhorn().
template <class ExecutionSpace, class Problems, class Potentials, class Solve>
void anneal(const ExecutionSpace& space, const Problems& problems,
            const PreviousEpsilonSettings& settings, const std::vector<double>& epsilons,
            const Potentials& f, const Solve& solve) {
  Kokkos::deep_copy(space, f, 0.0);
  double solved_at = 0;  // zeros are, up to epsilon log a, what they were
  const auto move_to = [&](double epsilon) {
    add_log_weights(space, problems, epsilon - solved_at, f);
    solved_at = epsilon;
  };
  SinkhornSettings stage;
  stage.threshold = settings.threshold;
  stage.max_iterations = settings.max_iterations;
  stage.acceleration = Acceleration::momentum;
  const Vector<int, ExecutionSpace> iterations("otfleet::initializers::iterations",
                                               problems.size());
  const Vector<int, ExecutionSpace> status("otfleet::initializers::status", problems.size());
  for (const double epsilon : epsilons) {
    move_to(epsilon);
    stage.epsilon = epsilon;
    solve(stage, iterations, status);
  }
  move_to(settings.epsilon);
}

/// No cost of the problem is larger.
template <class ExecutionSpace>
double cost_bound(const CloudBatch<ExecutionSpace>& problems, std::size_t k) {
  const double reach =
      problems.source.reach(problems.source_index[k], problems.target, problems.target_index[k]);
  return with_ground_cost(problems.source.ground_cost(), [&](const auto& cost) {
    return cost.bound(reach, problems.source.dimension());
  });
}

}  // namespace

template <class Scalar, class ExecutionSpace, class Cost>
void previous_epsilon_initializer(const ExecutionSpace& space, const Cost& cost,
                                  const ProblemBatch<ExecutionSpace>& problems,
                                  const PreviousEpsilonSettings& settings,
                                  const Matrix<double, ExecutionSpace>& f) {
  check_measures(cost.n(), cost.m(), problems, settings.epsilon, "the cost has");
  check(settings);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  anneal(space, problems, settings, stages(settings, cost_range(cost)), f,
         [&](const SinkhornSettings& stage, const auto& iterations, const auto& status) {
           sinkhorn<Scalar, ExecutionSpace>(space, cost, problems, stage, false, f, iterations,
                                            status);
         });
}

template <class Scalar, class ExecutionSpace>
void previous_epsilon_initializer(const ExecutionSpace& space,
                                  const CloudBatch<ExecutionSpace>& problems,
                                  const PreviousEpsilonSettings& settings,
                                  const Vector<double, ExecutionSpace>& f) {
  if (!(settings.epsilon > 0) || !std::isfinite(settings.epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  check(settings);
  if (problems.costs.extent(0) > 0)
    throw std::invalid_argument("a start from larger epsilons needs costs between points");
  if (problems.size() == 0) return;
  const auto offsets = problems.source_offsets();
  if (f.extent(0) != static_cast<std::size_t>(offsets.back()))
    throw std::invalid_argument("measures and potentials differ in size");
  // Problems with the same stages go through them together.
  std::map<std::vector<double>, std::vector<std::size_t>> groups;
  for (std::size_t k = 0; k < problems.source_index.size(); ++k)
    groups[stages(settings, cost_bound(problems, k))].push_back(k);
  for (const auto& [epsilons, members] : groups) {
    CloudBatch<ExecutionSpace> some{problems.source, problems.target, {}, {}};
    for (const std::size_t k : members) {
      some.source_index.push_back(problems.source_index[k]);
      some.target_index.push_back(problems.target_index[k]);
    }
    const auto begin = some.source_offsets();
    const Vector<double, ExecutionSpace> potentials("otfleet::initializers::stage_potential",
                                                    static_cast<std::size_t>(begin.back()));
    anneal(space, some, settings, epsilons, potentials,
           [&](const SinkhornSettings& stage, const auto& iterations, const auto& status) {
             sinkhorn<Scalar, ExecutionSpace>(space, some, stage, false, potentials, iterations,
                                              status);
           });
    for (std::size_t s = 0; s < members.size(); ++s)
      Kokkos::deep_copy(space,
                        Kokkos::subview(f, std::pair(offsets[members[s]], offsets[members[s] + 1])),
                        Kokkos::subview(potentials, std::pair(begin[s], begin[s + 1])));
  }
  space.fence();
}

#define OTFLEET_INSTANTIATE_COST(Space, Scalar, Cost)                                        \
  template void previous_epsilon_initializer<Scalar, Space, Cost>(                           \
      const Space&, const Cost&, const ProblemBatch<Space>&, const PreviousEpsilonSettings&, \
      const Matrix<double, Space>&);
#define OTFLEET_INSTANTIATE(Space, Scalar)                                    \
  OTFLEET_INSTANTIATE_COST(Space, Scalar, SeparableCost)                      \
  OTFLEET_INSTANTIATE_COST(Space, Scalar, PointCloudCost<Space>)              \
  template void previous_epsilon_initializer<Scalar, Space>(                  \
      const Space&, const CloudBatch<Space>&, const PreviousEpsilonSettings&, \
      const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
