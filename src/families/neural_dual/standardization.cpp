#include "src/families/neural_dual/standardization.hpp"

#include <cmath>
#include <cstddef>

namespace otfleet {

void StandardCoordinates::apply(std::span<double> points) const {
  const std::size_t dimension = mean.size();
  for (std::size_t at = 0; at < points.size(); ++at)
    points[at] = (points[at] - (dimension > 0 ? mean[at % dimension] : 0)) / scale;
}

void StandardCoordinates::undo(std::span<double> points) const {
  const std::size_t dimension = mean.size();
  for (std::size_t at = 0; at < points.size(); ++at)
    points[at] = points[at] * scale + (dimension > 0 ? mean[at % dimension] : 0);
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
