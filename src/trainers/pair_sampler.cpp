#include "src/trainers/pair_sampler.hpp"

#include <algorithm>
#include <numeric>

namespace otfleet {
namespace {

// Streams of the job's seed; make uses lower numbers.
constexpr std::uint64_t problem_stream = 1000, shift_stream = 1001;

}  // namespace

PairSampler::PairSampler(const Population& population, distributed::Shard problems,
                         std::int64_t seed, bool augment)
    : population_(population),
      problems_(problems),
      draws_(static_cast<std::uint64_t>(seed), problem_stream),
      shifts_(static_cast<std::uint64_t>(seed), shift_stream) {
  const Geometry& geometry = population.geometry;
  if (!augment || geometry.kind != Geometry::Kind::grid) return;
  for (const auto& axis : geometry.axes) shape_.push_back(static_cast<int>(axis.size()));
  const auto boxes = [&](const std::vector<double>& weights, std::int64_t measures) {
    std::vector<Box> result;
    for (std::int64_t k = 0; k < measures; ++k)
      result.push_back(box_of(weights.data() + k * geometry.n, shape_));
    return result;
  };
  source_boxes_ = boxes(population.source_weights, population.source_measures);
  if (!population.shared_measures)
    target_boxes_ = boxes(population.target_weights, population.target_measures);
}

PairSampler::Box PairSampler::box_of(const double* measure, const std::vector<int>& shape) {
  Box box{};
  for (std::size_t d = 0; d < shape.size(); ++d) {
    box.low[d] = shape[d];
    box.high[d] = -1;
  }
  const int points = std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<>());
  for (int i = 0; i < points; ++i) {
    if (!(measure[i] > 0)) continue;
    for (int d = static_cast<int>(shape.size()) - 1, rest = i; d >= 0; --d) {
      const int at = rest % shape[d];
      rest /= shape[d];
      box.low[d] = std::min(box.low[d], at);
      box.high[d] = std::max(box.high[d], at);
    }
  }
  return box;
}

void PairSampler::copy(const double* measure, const Box& box, std::uint64_t counter,
                       std::int64_t points, double* to) const {
  // A shift by whole points is one offset in the row-major array, and the box keeps it inside.
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    const int least = -std::min(max_shift, box.low[d]);
    const int most = std::min(max_shift, shape_[d] - 1 - box.high[d]);
    const auto choices = static_cast<std::uint64_t>(most - least + 1);
    const int shift = least + static_cast<int>(shifts_.below(choices, counter * 3 + d));
    offset = offset * shape_[d] + shift;
  }
  const double mass = std::accumulate(measure, measure + points, 0.0);
  std::fill(to, to + points, 0.0);
  for (std::int64_t i = 0; i < points; ++i)
    if (measure[i] > 0) to[i + offset] = measure[i] / mass;
}

void PairSampler::fill(std::int64_t first, std::int64_t count, double* a, double* b) const {
  const std::int64_t n = population_.geometry.n, m = population_.geometry.m;
  const bool shared = population_.shared_measures;
  const auto& target_weights = shared ? population_.source_weights : population_.target_weights;
  const auto& target_boxes = shared ? source_boxes_ : target_boxes_;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto sample = static_cast<std::uint64_t>(first + k);
    const auto problem = static_cast<std::size_t>(problems_.begin) +
                         draws_.below(static_cast<std::uint64_t>(problems_.size()), sample);
    const auto source = static_cast<std::size_t>(population_.source[problem]);
    const auto target = static_cast<std::size_t>(population_.target[problem]);
    const Box none{};
    copy(population_.source_weights.data() + source * n,
         shape_.empty() ? none : source_boxes_[source], 2 * sample, n, a + k * n);
    copy(target_weights.data() + target * m, shape_.empty() ? none : target_boxes[target],
         2 * sample + 1, m, b + k * m);
  }
}

}  // namespace otfleet
