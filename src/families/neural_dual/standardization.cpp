#include "src/families/neural_dual/standardization.hpp"

#include <cmath>
#include <cstddef>

namespace otfleet {

namespace {

/// body(value, the mean of its coordinate) for all of points [B, D].
template <class Body>
void for_each_value(std::span<double> points, const std::vector<double>& mean, const Body& body) {
  if (mean.empty()) {
    for (double& value : points) body(value, 0.0);
    return;
  }
  for (std::size_t row = 0; row < points.size(); row += mean.size())
    for (std::size_t i = 0; i < mean.size(); ++i) body(points[row + i], mean[i]);
}

}  // namespace

void StandardCoordinates::apply(std::span<double> points) const {
  for_each_value(points, mean,
                 [&](double& value, double center) { value = (value - center) / scale; });
}

void StandardCoordinates::undo(std::span<double> points) const {
  for_each_value(points, mean,
                 [&](double& value, double center) { value = value * scale + center; });
}

StandardCoordinates standard_coordinates(const Sampler& sampler) {
  constexpr std::int64_t count = 4096;
  const auto dimension = static_cast<std::size_t>(sampler.dimension());
  std::vector<double> points(count * dimension);
  sampler.fill(0, count, points.data());
  StandardCoordinates result;
  result.mean.assign(dimension, 0.0);
  for (std::size_t at = 0; at < points.size(); ++at)
    result.mean[at % dimension] += points[at] / count;
  double square = 0;
  for (std::size_t at = 0; at < points.size(); ++at)
    square += std::pow(points[at] - result.mean[at % dimension], 2);
  const double scale = std::sqrt(square / static_cast<double>(points.size()));
  if (scale > 0 && std::isfinite(scale)) result.scale = scale;  // one point alone has none
  return result;
}

}  // namespace otfleet
