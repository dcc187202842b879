#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/sliced_maps.hpp"
#include "src/families/conditional_map/methods/two_way_map.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/conditional_map/turn.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t slice_turns = 0x736c69636564;
/// Of a quantile function; between them it is linear.
constexpr std::size_t most_knots = 1024;

/// A monotone map of numbers: `from` to `to`, both ascending, linear in between and a shift
/// outside.
class MonotoneMap {
 public:
  /// Equal numbers, up to rounding, go to the mean of what they have to go to.
  MonotoneMap(const std::vector<double>& from, const std::vector<double>& to) {
    const double least = 1e-9 * std::fmax(std::abs(from.front()), std::abs(from.back()));
    for (std::size_t begin = 0, end = 0; begin < from.size(); begin = end) {
      while (end < from.size() && from[end] - from[begin] <= least) ++end;
      double sum = 0;
      for (std::size_t k = begin; k < end; ++k) sum += to[k];
      from_.push_back(from[begin]);
      to_.push_back(sum / static_cast<double>(end - begin));
    }
  }

  double operator()(double value) const {
    if (value <= from_.front()) return value + to_.front() - from_.front();
    if (value >= from_.back()) return value + to_.back() - from_.back();
    const auto right = static_cast<std::size_t>(
        std::upper_bound(from_.begin(), from_.end(), value) - from_.begin());
    const double width = from_[right] - from_[right - 1];
    const double share = (value - from_[right - 1]) / width;
    return to_[right - 1] + share * (to_[right] - to_[right - 1]);
  }

 private:
  std::vector<double> from_, to_;
};

/// A cloud's values at `knots` levels (k + ½)/knots of its mass.
std::vector<double> quantiles(std::vector<double> values, const std::vector<double>& shares,
                              std::size_t knots) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result;
  double below = 0;  // the mass before order[at]
  std::size_t at = 0;
  for (std::size_t k = 0; k < knots; ++k) {
    const double level = (static_cast<double>(k) + 0.5) / static_cast<double>(knots);
    while (at + 1 < order.size() && below + shares[order[at]] <= level)
      below += shares[order[at++]];
    result.push_back(values[order[at]]);
  }
  return result;
}

/// One turn: the coordinates along the rows of an orthogonal matrix, and their monotone maps.
struct Slice {
  std::vector<double> rows;  ///< [D, D]
  std::vector<MonotoneMap> maps;

  void apply(std::vector<double>& points) const {
    const std::size_t d = maps.size();
    std::vector<double> moved(d);
    for (std::size_t at = 0; at < points.size(); at += d) {
      std::fill(moved.begin(), moved.end(), 0.0);
      for (std::size_t i = 0; i < d; ++i) {
        double value = 0;
        for (std::size_t j = 0; j < d; ++j) value += rows[i * d + j] * points[at + j];
        const double image = maps[i](value);
        for (std::size_t j = 0; j < d; ++j) moved[j] += rows[i * d + j] * image;
      }
      std::copy(moved.begin(), moved.end(), points.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
};

struct Cloud {
  std::span<const double> points;
  std::vector<double> shares;

  std::vector<double> along(const double* row, std::size_t d) const {
    std::vector<double> values;
    for (std::size_t at = 0; at < points.size(); at += d)
      values.push_back(std::inner_product(row, row + d, points.data() + at, 0.0));
    return values;
  }
};

class SlicedMaps final : public MapMethod {
 public:
  SlicedMaps(const CloudPopulation& population, const Job& job)
      : population_(population), job_(job) {}

  std::unique_ptr<ProblemMap> map(std::int32_t problem) override {
    const auto at = static_cast<std::size_t>(problem);
    const std::int64_t d = population_.dimension;
    const auto cloud = [&](const CloudTable& table, std::int64_t measure) {
      return Cloud{points_of(table, measure, d), shares_of(table, measure)};
    };
    const Cloud source = cloud(population_.sources, population_.source[at]),
                target = cloud(population_.target_table(), population_.target[at]);
    // The way back is made when it is first asked for.
    const auto function = [d, seed = job_.seed, turns = job_.map.turns](const Cloud& from,
                                                                        const Cloud& to) {
      return [d, seed, turns, from, to,
              slices = std::make_shared<std::vector<Slice>>()](std::span<const double> points) {
        if (slices->empty()) *slices = slices_between(from, to, d, seed, turns);
        std::vector<double> images(points.begin(), points.end());
        for (const Slice& slice : *slices) slice.apply(images);
        return images;
      };
    };
    return std::make_unique<TwoWayMap>(d, function(source, target), function(target, source));
  }

 private:
  static std::vector<Slice> slices_between(Cloud from, const Cloud& to, std::int64_t dimension,
                                           std::int64_t seed, std::int64_t turns) {
    const auto d = static_cast<std::size_t>(dimension);
    const kernels::CounterRandom random(static_cast<std::uint64_t>(seed), slice_turns);
    const std::size_t knots = std::min(
        most_knots, std::max<std::size_t>(std::min(from.shares.size(), to.shares.size()), 1));
    std::vector<double> moved(from.points.begin(), from.points.end());
    from.points = moved;
    std::vector<Slice> slices;
    for (std::int64_t k = 0; k < turns; ++k) {
      const Turn turn(dimension, random, static_cast<std::uint64_t>(k));
      Slice slice;
      slice.rows.resize(d * d);
      for (std::size_t j = 0; j < d; ++j) {
        std::vector<double> axis(d, 0.0);
        axis[j] = 1;
        const auto column = turn.vector(axis);
        for (std::size_t i = 0; i < d; ++i) slice.rows[i * d + j] = column[i];
      }
      for (std::size_t i = 0; i < d; ++i) {
        const double* const row = slice.rows.data() + i * d;
        slice.maps.emplace_back(quantiles(from.along(row, d), from.shares, knots),
                                quantiles(to.along(row, d), to.shares, knots));
      }
      slice.apply(moved);
      slices.push_back(std::move(slice));
    }
    return slices;
  }

  const CloudPopulation& population_;
  const Job& job_;
};

}  // namespace

std::unique_ptr<MapMethod> SlicedMapsEntry::make(const CloudPopulation& population,
                                                 ConditionalModel*, const Job& job) {
  return std::make_unique<SlicedMaps>(population, job);
}

}  // namespace otfleet
