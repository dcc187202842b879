#include "kernels/api/detail/low_rank_start.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/api/gromov_wasserstein.hpp"
#include "kernels/api/outputs.hpp"
#include "kernels/api/problems.hpp"
#include "kernels/api/solvers.hpp"

namespace otfleet::kernels::detail {
namespace {

/// sum_i a_i |x_i|²; `furthest` grows to the largest of these squares.
double squares_of(const Representatives& measure, std::size_t d, double& furthest) {
  double variance = 0;
  for (std::size_t i = 0; i < measure.weights.size(); ++i) {
    const double square = dot(measure.points.data() + i * d, measure.points.data() + i * d, d);
    variance += measure.weights[i] * square;
    furthest = std::max(furthest, square);
  }
  return variance;
}

}  // namespace

CoarsePlan coarse_plan(const Representatives& source, const Representatives& target,
                       std::size_t d) {
  // Both sides as wide as each other: products of points stay, on which the plan depends.
  double furthest_source = 0, furthest_target = 0;
  const double variance = squares_of(source, d, furthest_source),
               target_variance = squares_of(target, d, furthest_target),
               wider =
                   variance > 0 && target_variance > 0 ? std::sqrt(variance / target_variance) : 1;
  Numbers from = source.points, to = target.points;
  for (double& x : from) x /= std::sqrt(wider);
  for (double& y : to) y *= std::sqrt(wider);
  // A hundredth of what spreads cost, which are 1 then; of points far from all others as much as
  // exponents hold.
  const double epsilon =
      std::max(0.01, 1e-14 * (furthest_source / wider + furthest_target * wider));
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
                               {source.weights, from, source_offsets},
                               {target.weights, to, target_offsets})
          .between(first, first);
  const DeviceArray<double> f("otfleet::low_rank::potential", source.weights.size());
  const DeviceArray<double> images("otfleet::low_rank::images", source.points.size());
  const DeviceArray<double> g("otfleet::low_rank::potential", target.weights.size());
  solve_sinkhorn(problem, settings, Arithmetic::in_double, true, f, Progress(1));
  soft_c_transform(problem, epsilon, f, g);
  barycentric_projection(problem, epsilon, Projection::to_target, g, images);
  CoarsePlan plan{images.download(), f.download()};
  for (double& image : plan.images) image /= std::sqrt(wider);
  for (std::size_t i = 0; i < plan.potential.size(); ++i) {
    const double* const x = source.points.data() + i * d;
    plan.potential[i] += dot(x, x, d) * (1 - 1 / wider) - epsilon * std::log(source.weights[i]);
  }
  return plan;
}

CoarsePlan coarse_matching(const Representatives& source, const Representatives& target,
                           std::size_t d, std::uint64_t seed) {
  const std::size_t n = source.weights.size(), m = target.weights.size(),
                    width = source.points.size() / n;
  // Each side by itself with a variance of 1: the plan is the same, and the spread of one does not
  // count for the other.
  double furthest = 0;
  const auto coordinates_of = [&](const Representatives& measure) {
    Representatives placed{{}, measure.weights};
    for (std::size_t i = 0; i < measure.weights.size(); ++i) {
      const double* const x = measure.points.data() + i * width;
      placed.points.insert(placed.points.end(), x, x + d);
    }
    double most = 0;
    const double variance = squares_of(placed, d, most), unit = variance > 0 ? variance : 1;
    for (double& x : placed.points) x /= std::sqrt(unit);
    furthest = std::max(furthest, most / unit);
    return placed.points;
  };
  const Numbers from = coordinates_of(source), to = coordinates_of(target);
  const std::int64_t source_offsets[] = {0, static_cast<std::int64_t>(n)},
                     target_offsets[] = {0, static_cast<std::int64_t>(m)}, streams[] = {0};
  const std::int32_t first[] = {0};
  GromovWassersteinProblems::Kind kind;
  kind.coordinates = static_cast<int>(d);
  kind.starts = 4;
  kind.seed = seed;
  GromovWassersteinSettings settings;
  // Costs are a few units; of points far from all others as large as the solver takes them.
  settings.epsilon = std::max(0.05, 2e-12 * furthest * furthest);
  settings.threshold = 1e-2;
  const GromovWassersteinProblems problem(kind, settings, {source.weights, from, source_offsets},
                                          {target.weights, to, target_offsets}, first, first,
                                          streams);
  problem.run(first, 100, nullptr);
  const auto plan = problem.plan(0, problem.results().start[0]);
  CoarsePlan coarse{Numbers(n * width, 0.0), {}};
  for (std::size_t i = 0; i < n; ++i) {
    double mass = 0;
    double* const image = coarse.images.data() + i * width;
    for (std::size_t j = 0; j < m; ++j) {
      mass += plan[i * m + j];
      for (std::size_t c = 0; c < width; ++c)
        image[c] += plan[i * m + j] * target.points[j * width + c];
    }
    for (std::size_t c = 0; c < width; ++c) image[c] /= mass;
  }
  return coarse;
}

}  // namespace otfleet::kernels::detail
