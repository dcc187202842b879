#include "src/trainers/pair_sampler.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <span>

namespace otfleet {
namespace {

// Streams of the job's seed; make uses lower numbers.
constexpr std::uint64_t problem_stream = 1000, shift_stream = 1001;

/// How far a measure may be moved: the least along every axis, then the most.
std::array<int, 6> shifts_of(std::span<const double> measure, const std::vector<int>& shape) {
  std::array<int, 3> low = {0, 0, 0}, high = {-1, -1, -1};
  for (std::size_t d = 0; d < shape.size(); ++d) low[d] = shape[d];
  for (std::size_t i = 0; i < measure.size(); ++i) {
    if (!(measure[i] > 0)) continue;
    auto rest = static_cast<int>(i);
    for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) {
      low[d] = std::min(low[d], rest % shape[d]);
      high[d] = std::max(high[d], rest % shape[d]);
    }
  }
  std::array<int, 6> shifts{};
  for (std::size_t d = 0; d < shape.size(); ++d) {
    shifts[d] = -std::min(PairSampler::max_shift, low[d]);
    shifts[3 + d] = std::min(PairSampler::max_shift, shape[d] - 1 - high[d]);
  }
  return shifts;
}

}  // namespace

PairSampler::PairSampler(const Population& population, distributed::Shard problems,
                         std::int64_t seed, bool augment)
    : problem_numbers_(static_cast<std::uint64_t>(seed), problem_stream),
      shift_numbers_(static_cast<std::uint64_t>(seed), shift_stream) {
  const Geometry& geometry = population.geometry;
  if (augment && geometry.kind == Geometry::Kind::grid)
    for (const auto& axis : geometry.axes) shape_.push_back(static_cast<int>(axis.size()));
  std::copy(shape_.begin(), shape_.end(), from_.shape);
  from_.source = side_of(population.source_weights, population.source_measures, geometry.n);
  from_.target = population.shared_measures
                     ? from_.source
                     : side_of(population.target_weights, population.target_measures, geometry.m);
  const auto indices = [](const std::vector<std::int32_t>& list) {
    return on_device<std::int32_t>("otfleet::training::problems", list);
  };
  from_.source_index = indices(population.source);
  from_.target_index = indices(population.target);
  from_.first = problems.begin;
  from_.count = problems.size();
}

kernels::DrawnSide PairSampler::side_of(const std::vector<double>& weights, std::int64_t measures,
                                        std::int64_t points) {
  std::vector<double> masses;
  std::vector<int> shifts;
  for (std::int64_t k = 0; k < measures; ++k) {
    const std::span<const double> measure(weights.data() + k * points,
                                          static_cast<std::size_t>(points));
    masses.push_back(std::accumulate(measure.begin(), measure.end(), 0.0));
    for (const double weight : measure)
      if (weight > 0) smallest_weight_ = std::min(smallest_weight_, weight / masses.back());
    if (shape_.empty()) continue;
    const auto allowed = shifts_of(measure, shape_);
    shifts.insert(shifts.end(), allowed.begin(), allowed.end());
  }
  // As kernels make it of a share that is smaller.
  smallest_weight_ = std::max(smallest_weight_, std::numeric_limits<double>::min());
  const auto rows = static_cast<std::size_t>(measures);
  return {on_device<double>("otfleet::training::measures", weights)
              .reshaped(rows, static_cast<std::size_t>(points)),
          upload<double>("otfleet::training::masses", masses),
          upload<int>("otfleet::training::shifts", shifts, shifts.size() / 6, 6)};
}

void PairSampler::draw(std::int64_t first, const DeviceArray<double, 2>& a,
                       const DeviceArray<double, 2>& b) const {
  kernels::draw_pairs(from_, problem_numbers_, shift_numbers_, first, a, b);
}

}  // namespace otfleet
