#include "kernels/api/detail/low_rank_start.hpp"

#include <cmath>

#include "kernels/api/outputs.hpp"
#include "kernels/api/problems.hpp"
#include "kernels/api/solvers.hpp"

namespace otfleet::kernels::detail {

CoarsePlan coarse_plan(const Representatives& source, const Representatives& target,
                       std::size_t d) {
  // Of the unit, in which twice the product of the standard deviations is 2.
  constexpr double epsilon = 0.01;
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-2;
  settings.max_iterations = 2000;
  settings.acceleration = Acceleration::momentum;
  const std::int64_t n = static_cast<std::int64_t>(source.weights.size()),
                     m = static_cast<std::int64_t>(target.weights.size());
  const std::int64_t source_offsets[] = {0, n}, target_offsets[] = {0, m};
  const std::int32_t first[] = {0};
  const auto problem =
      Problems::between_clouds(SquaredEuclideanCost{}, static_cast<std::int64_t>(d),
                               {source.weights, source.points, source_offsets},
                               {target.weights, target.points, target_offsets})
          .between(first, first);
  const DeviceArray<double> f("otfleet::low_rank::potential", source.weights.size());
  const DeviceArray<double> images("otfleet::low_rank::images", source.points.size());
  const DeviceArray<double> g("otfleet::low_rank::potential", target.weights.size());
  solve_sinkhorn(problem, settings, Arithmetic::in_double, true, f, Progress(1));
  soft_c_transform(problem, epsilon, f, g);
  barycentric_projection(problem, epsilon, Projection::to_target, g, images);
  CoarsePlan plan{images.download(), f.download()};
  for (std::size_t i = 0; i < plan.potential.size(); ++i)
    plan.potential[i] -= epsilon * std::log(source.weights[i]);
  return plan;
}

}  // namespace otfleet::kernels::detail
