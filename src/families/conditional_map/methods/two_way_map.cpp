#include "src/families/conditional_map/methods/two_way_map.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "src/families/neural_dual/scores/transport_scores.hpp"

namespace otfleet {

TwoWayMap::TwoWayMap(std::int64_t dimension, Function forward, Function backward,
                     std::function<std::int32_t()> status)
    : dimension_(dimension),
      forward_(std::move(forward)),
      backward_(std::move(backward)),
      status_(std::move(status)) {}

MappedPoints TwoWayMap::forward(std::span<const double> points, bool certify) {
  return map(points, forward_, certify ? &backward_ : nullptr);
}

MappedPoints TwoWayMap::backward(std::span<const double> points) {
  return map(points, backward_, &forward_);
}

MappedPoints TwoWayMap::map(std::span<const double> points, const Function& there,
                            const Function* back) {
  const std::size_t count = points.size() / static_cast<std::size_t>(dimension_);
  MappedPoints result;
  result.image = there(points);
  result.value.assign(count, std::numeric_limits<double>::quiet_NaN());
  std::vector<double> again;
  if (back != nullptr) again = (*back)(result.image);
  result.status.assign(count, status_ ? status_() : 0);
  if (back == nullptr) return result;
  result.iterations.assign(count, 0);
  for (std::size_t at = 0; at < points.size(); at += static_cast<std::size_t>(dimension_))
    result.round_trip.push_back(
        std::sqrt(squared_distance(points.data() + at, again.data() + at, dimension_)));
  result.residual = result.round_trip;
  return result;
}

}  // namespace otfleet
