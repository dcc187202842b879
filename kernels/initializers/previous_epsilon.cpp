#include "kernels/initializers/previous_epsilon.hpp"

#include <cmath>
#include <stdexcept>
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

}  // namespace

template <class Scalar, class ExecutionSpace, class Cost>
void previous_epsilon_initializer(const ExecutionSpace& space, const Cost& cost,
                                  const ProblemBatch<ExecutionSpace>& problems,
                                  const PreviousEpsilonSettings& settings,
                                  const Matrix<double, ExecutionSpace>& f) {
  check_measures(cost.n(), cost.m(), problems, settings.epsilon, "the cost has");
  if (!(settings.factor > 1)) throw std::invalid_argument("factor must be > 1");
  if (!(settings.threshold > 0)) throw std::invalid_argument("threshold must be > 0");
  const int batch = problems.size();
  if (batch == 0) return;
  check_rows("f", f, batch, cost.n());

  std::vector<double> stages;
  for (double epsilon = settings.epsilon * settings.factor;
       epsilon <= largest_share * cost_range(cost); epsilon *= settings.factor)
    stages.push_back(epsilon);
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
  const Vector<int, ExecutionSpace> iterations("otfleet::initializers::iterations", batch);
  const Vector<int, ExecutionSpace> status("otfleet::initializers::status", batch);
  for (auto epsilon = stages.rbegin(); epsilon != stages.rend(); ++epsilon) {
    move_to(*epsilon);
    stage.epsilon = *epsilon;
    sinkhorn<Scalar, ExecutionSpace>(space, cost, problems, stage, false, f, iterations, status);
  }
  move_to(settings.epsilon);
}

#define OTFLEET_INSTANTIATE_COST(Space, Scalar, Cost)                                        \
  template void previous_epsilon_initializer<Scalar, Space, Cost>(                           \
      const Space&, const Cost&, const ProblemBatch<Space>&, const PreviousEpsilonSettings&, \
      const Matrix<double, Space>&);
#define OTFLEET_INSTANTIATE(Space, Scalar)               \
  OTFLEET_INSTANTIATE_COST(Space, Scalar, SeparableCost) \
  OTFLEET_INSTANTIATE_COST(Space, Scalar, PointCloudCost<Space>)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
