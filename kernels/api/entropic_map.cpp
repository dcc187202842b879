#include "kernels/api/entropic_map.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/api/outputs.hpp"
#include "kernels/device_views.hpp"
#include "kernels/outputs/entropic_map.hpp"

namespace otfleet::kernels {
namespace {

/// What is mapped together.
constexpr std::size_t points_at_once = 16384;

void append(std::vector<double>& to, const std::vector<double>& part) {
  to.insert(to.end(), part.begin(), part.end());
}

/// Means of the target's points: by the operators of plans, which see blocks at once.
class MeanMap {
 public:
  MeanMap(std::size_t dimension, double epsilon, const MapTarget& target)
      : dimension_(dimension), epsilon_(epsilon), points_(target.points) {
    potential_ = DeviceArray<double>("otfleet::plan::potential", target.potential.size());
    potential_.upload(target.potential);
    for (const double value : target.potential)
      weights_.push_back(std::isfinite(value) ? 1.0 : 0.0);
    const double count = std::count(weights_.begin(), weights_.end(), 1.0);
    for (double& weight : weights_) weight /= count;
  }

  void map(std::span<const double> points, bool with_values, MappedByPlan& result) const {
    const std::size_t count = points.size() / dimension_;
    const std::vector<double> weights(count, 1 / static_cast<double>(count));
    const std::int64_t offsets[] = {0, static_cast<std::int64_t>(count)},
                       target_offsets[] = {0, static_cast<std::int64_t>(weights_.size())};
    const std::int32_t first[] = {0};
    const auto problems =
        Problems::between_clouds(SquaredEuclideanCost{}, static_cast<int>(dimension_),
                                 {weights, points, offsets}, {weights_, points_, target_offsets})
            .between(first, first);
    const DeviceArray<double> images("otfleet::plan::images", points.size());
    barycentric_projection(problems, epsilon_, Projection::to_target, potential_, images);
    append(result.images, images.download());
    if (!with_values) return;
    const DeviceArray<double> values("otfleet::plan::values", count);
    soft_c_transform(problems, epsilon_, potential_, values, Side::source);
    auto extended = values.download();
    for (double& value : extended) value += epsilon_ * std::log(static_cast<double>(count));
    append(result.values, extended);
  }

 private:
  std::size_t dimension_;
  double epsilon_;
  std::span<const double> points_;
  std::vector<double> weights_;
  DeviceArray<double> potential_;
};

/// Displacements of any strictly convex cost.
class SlopeMap {
 public:
  SlopeMap(const GroundCost& cost, std::size_t dimension, double epsilon, const MapTarget& target)
      : cost_(cost),
        dimension_(dimension),
        epsilon_(epsilon),
        others_(upload<double>("otfleet::plan::points", target.points, target.potential.size(),
                               dimension)),
        potential_("otfleet::plan::potential", target.potential.size()) {
    potential_.upload(target.potential);
  }

  void map(std::span<const double> points, bool with_values, MappedByPlan& result) const {
    const std::size_t count = points.size() / dimension_;
    const auto from = upload<double>("otfleet::plan::points", points, count, dimension_);
    const DeviceArray<double, 2> slope("otfleet::plan::slope", count, dimension_);
    const DeviceArray<double> value("otfleet::plan::values", count);
    extend_potential<DeviceSpace>(DeviceSpace(), cost_, epsilon_, view_of(from), view_of(others_),
                                  view_of(potential_), view_of(slope), view_of(value));
    auto moved = slope.download();
    with_ground_cost(cost_, [&](const auto& typed) {
      for (std::size_t at = 0; at < moved.size(); at += dimension_)
        typed.conjugate_slope(moved.data() + at, static_cast<int>(dimension_));
    });
    for (std::size_t at = 0; at < moved.size(); ++at) moved[at] = points[at] - moved[at];
    append(result.images, moved);
    if (with_values) append(result.values, value.download());
  }

 private:
  GroundCost cost_;
  std::size_t dimension_;
  double epsilon_;
  DeviceArray<const double, 2> others_;
  DeviceArray<double> potential_;
};

/// Whether the operators of plans take the target and the points: costs of not too many epsilons,
/// and a potential.
bool takes_means(double epsilon, const MapTarget& target, std::span<const double> points,
                 std::size_t dimension) {
  constexpr double most_exponent = 1e14;  // a tenth of what they refuse
  double reach = 0;
  for (const auto& side : {target.points, points})
    for (std::size_t at = 0; at < side.size(); ++at)
      reach = std::max(reach, std::abs(side[at] - target.points[at % dimension]));
  const bool any = std::any_of(target.potential.begin(), target.potential.end(),
                               [](double value) { return std::isfinite(value); });
  return any && 4 * static_cast<double>(dimension) * reach * reach < most_exponent * epsilon;
}

template <class Map>
MappedByPlan in_pieces(const Map& map, std::span<const double> points, std::size_t dimension,
                       bool with_values) {
  MappedByPlan result;
  result.images.reserve(points.size());
  const std::size_t piece = points_at_once * dimension;
  for (std::size_t begin = 0; begin < points.size(); begin += piece)
    map.map(points.subspan(begin, std::min(piece, points.size() - begin)), with_values, result);
  return result;
}

}  // namespace

bool has_maps(const GroundCost& cost) {
  return with_ground_cost(cost, [](const auto& typed) { return typed.has_maps(); });
}

MappedByPlan entropic_map(const GroundCost& cost, int dimension, double epsilon,
                          const MapTarget& target, std::span<const double> points,
                          bool with_values) {
  const auto d = static_cast<std::size_t>(std::max(dimension, 1));
  if (!has_maps(cost))
    throw std::invalid_argument("plans of the cost '" + std::string(name_of(cost)) +
                                "' make no maps: it is no strictly convex function of x - y");
  if (dimension < 1 || points.size() % d != 0 ||
      target.points.size() != target.potential.size() * d)
    throw std::invalid_argument("points are [N, d], those of the target [m, d], its potential [m]");
  if (cost == GroundCost(SquaredEuclideanCost{}) && takes_means(epsilon, target, points, d))
    return in_pieces(MeanMap(d, epsilon, target), points, d, with_values);
  return in_pieces(SlopeMap(cost, d, epsilon, target), points, d, with_values);
}

}  // namespace otfleet::kernels
