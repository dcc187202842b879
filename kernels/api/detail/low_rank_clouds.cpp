#include "kernels/api/detail/low_rank_clouds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/device_views.hpp"
#include "kernels/number_text.hpp"
#include "kernels/solvers/low_rank/least_costs.hpp"

namespace otfleet::kernels::detail {
namespace {

constexpr double smallest_share = 1e-200;

Numbers mean_of(const PlacedCloud& cloud) {
  const std::size_t d = cloud.points.size() / cloud.size();
  Numbers mean(d, 0.0);
  for (std::size_t at = 0; at < cloud.points.size(); ++at)
    mean[at % d] += cloud.weights[at / d] * cloud.points[at];
  return mean;
}

/// The row that is nearest to a point.
Numbers nearest_row(const Numbers& rows, const Numbers& to) {
  const std::size_t d = to.size();
  std::size_t nearest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < rows.size() / d; ++i) {
    double square = 0;
    for (std::size_t c = 0; c < d; ++c)
      square += (rows[i * d + c] - to[c]) * (rows[i * d + c] - to[c]);
    if (square >= least) continue;
    least = square;
    nearest = i;
  }
  const double* const row = rows.data() + nearest * d;
  return {row, row + d};
}

}  // namespace

PlacedCloud place(const GroundCost& cost, std::size_t d, const WeightedPoints& given) {
  PlacedCloud cloud;
  cloud.given = given.weights.size();
  constexpr std::size_t most = std::size_t{1} << 30;
  if (cloud.given > most) throw std::invalid_argument("a measure has more than 2^30 points");
  if (given.points.size() != cloud.given * d)
    throw std::invalid_argument("points are [n, d], with weights [n]");
  const double mass = std::accumulate(given.weights.begin(), given.weights.end(), 0.0);
  if (!(mass > 0) || !std::isfinite(mass)) throw std::invalid_argument("a measure has no weight");
  const bool directions =
      with_ground_cost(cost, [](const auto& typed) { return typed.takes_directions; });
  for (std::size_t i = 0; i < cloud.given; ++i) {
    const double share = given.weights[i] / mass;
    if (!(share > smallest_share)) continue;
    const double* const point = given.points.data() + i * d;
    double square = 0;
    for (std::size_t c = 0; c < d; ++c) square += point[c] * point[c];
    const double length = directions ? std::sqrt(square) : 1;
    const bool allowed = with_ground_cost(cost, [&](const auto& typed) {
      return square >= typed.least_square && square <= typed.most_square;
    });
    if (!allowed || !std::isfinite(square))
      throw std::invalid_argument("point " + std::to_string(i) + " has the length " +
                                  number_text(std::sqrt(square)) +
                                  ", which the cost does not take");
    cloud.weights.push_back(share);
    cloud.kept.push_back(static_cast<std::int64_t>(i));
    for (std::size_t c = 0; c < d; ++c) cloud.points.push_back(point[c] / length);
  }
  const double sum = std::accumulate(cloud.weights.begin(), cloud.weights.end(), 0.0);
  for (double& weight : cloud.weights) weight /= sum;
  cloud.anchor = nearest_row(cloud.points, mean_of(cloud));
  for (std::size_t at = 0; at < cloud.points.size(); ++at) cloud.points[at] -= cloud.anchor[at % d];
  cloud.mean = mean_of(cloud);
  for (std::size_t i = 0; i < cloud.size(); ++i)
    for (std::size_t c = 0; c < d; ++c) {
      double& x = cloud.points[i * d + c];
      x -= cloud.mean[c];
      cloud.variance += cloud.weights[i] * x * x;
    }
  return cloud;
}

void append_squares(PlacedCloud& cloud) {
  const std::size_t d = cloud.dimension();
  Numbers wider;
  wider.reserve(cloud.size() * (d + 1));
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const double* const x = cloud.points.data() + i * d;
    wider.insert(wider.end(), x, x + d);
    wider.push_back(dot(x, x, d) - cloud.variance);
  }
  cloud.points = std::move(wider);
}

double longest_row(const PlacedCloud& cloud) {
  const std::size_t w = cloud.width();
  double most = 0;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const double* const x = cloud.points.data() + i * w;
    most = std::max(most, dot(x, x, w));
  }
  return std::sqrt(most);
}

double moments_of_shape(const PlacedCloud& cloud) {
  const std::size_t w = cloud.width(), d = cloud.dimension();
  Numbers covariance(d * d, 0.0);
  double squares = 0;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const double* const x = cloud.points.data() + i * w;
    squares += cloud.weights[i] * x[d] * x[d];
    for (std::size_t c = 0; c < d; ++c)
      for (std::size_t e = 0; e < d; ++e) covariance[c * d + e] += cloud.weights[i] * x[c] * x[e];
  }
  return 2 * squares + 4 * dot(covariance.data(), covariance.data(), d * d);
}

DeviceArray<double, 2> upload_rows(const Numbers& rows, std::size_t d) {
  return upload<double>("otfleet::low_rank::points", rows, rows.size() / d, d);
}

DeviceCloud upload_cloud(const PlacedCloud& cloud) {
  return {upload_rows(cloud.points, cloud.width()),
          upload<double>("otfleet::low_rank::weights", std::span<const double>(cloud.weights))};
}

Drawn stratified(const Numbers& weights, std::size_t count, const CounterRandom& random) {
  Drawn drawn;
  double reached = 0;
  std::size_t next = 0;
  const auto draws = static_cast<double>(count);
  for (std::size_t i = 0; i < weights.size() && next < count; ++i) {
    reached += weights[i];
    const std::size_t before = next;
    while (next < count && (static_cast<double>(next) + random.uniform(next)) / draws < reached)
      ++next;
    if (next == before) continue;
    drawn.which.push_back(static_cast<std::int64_t>(i));
    drawn.shares.push_back(static_cast<double>(next - before) / draws);
  }
  return drawn;
}

Numbers gather_rows(const Numbers& rows, const std::vector<std::int64_t>& which, std::size_t d) {
  Numbers result;
  result.reserve(which.size() * d);
  for (const std::int64_t i : which) {
    const double* const row = rows.data() + static_cast<std::size_t>(i) * d;
    result.insert(result.end(), row, row + d);
  }
  return result;
}

Least least_of(const DeviceArray<double, 2>& rows, const DeviceArray<double, 2>& columns,
               const Numbers& heights) {
  const std::size_t count = rows.extent(0);
  const auto device_heights =
      upload<double>("otfleet::low_rank::heights", std::span<const double>(heights));
  const DeviceArray<double> least("otfleet::low_rank::least", count);
  const DeviceArray<int> which("otfleet::low_rank::nearest", count);
  least_costs<DeviceSpace>(DeviceSpace(), view_of(rows), view_of(columns), view_of(device_heights),
                           view_of(least), view_of(which));
  return {least.download(), which.download()};
}

Representatives represent(const PlacedCloud& cloud, const DeviceCloud& device, std::size_t count,
                          const CounterRandom& random) {
  if (cloud.size() <= count) return {cloud.points, cloud.weights};
  const std::size_t d = cloud.width();
  const auto chosen = stratified(cloud.weights, count, random).which;
  const auto nearest = least_of(device.points, upload_rows(gather_rows(cloud.points, chosen, d), d),
                                Numbers(chosen.size(), 0.0))
                           .which;
  Representatives result{Numbers(chosen.size() * d, 0.0), Numbers(chosen.size(), 0.0)};
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const auto k = static_cast<std::size_t>(nearest[i]);
    result.weights[k] += cloud.weights[i];
    for (std::size_t c = 0; c < d; ++c)
      result.points[k * d + c] += cloud.weights[i] * cloud.points[i * d + c];
  }
  // Of equal points all but the first have nothing.
  std::size_t kept = 0;
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    if (!(result.weights[k] > 0)) continue;
    for (std::size_t c = 0; c < d; ++c)
      result.points[kept * d + c] = result.points[k * d + c] / result.weights[k];
    result.weights[kept++] = result.weights[k];
  }
  result.points.resize(kept * d);
  result.weights.resize(kept);
  return result;
}

Representatives draw(const PlacedCloud& cloud, const CounterRandom& random) {
  if (cloud.size() <= most_drawn) return {cloud.points, cloud.weights};
  auto drawn = stratified(cloud.weights, most_drawn, random);
  return {gather_rows(cloud.points, drawn.which, cloud.width()), std::move(drawn.shares)};
}

}  // namespace otfleet::kernels::detail
