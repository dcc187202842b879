#include "src/populations/cost_statistic.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "distributed/hdf5_file.hpp"
#include "distributed/shard.hpp"
#include "kernels/counter_random.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

constexpr std::int64_t most_pairs = std::int64_t{1} << 22;       // all of which are looked at
constexpr std::uint64_t sampled_pairs = std::uint64_t{1} << 20;  // where there are more

/// A statistic of the costs that it is shown.
class Costs {
 public:
  explicit Costs(CostStatistic statistic) : statistic_(statistic) {}

  void add(double cost) {
    if (!std::isfinite(cost)) return;
    ++count_;
    const double step = cost - mean_;
    mean_ += step / count_;
    squares_ += step * (cost - mean_);
    largest_ = std::max(largest_, cost);
    if (statistic_ == CostStatistic::median) all_.push_back(cost);
  }

  /// NaN where there was no cost.
  double value() {
    if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
    switch (statistic_) {
      case CostStatistic::mean:
        return mean_;
      case CostStatistic::max:
        return largest_;
      case CostStatistic::standard_deviation:
        return std::sqrt(squares_ / count_);
      case CostStatistic::median:
        return median();
      case CostStatistic::none:
        break;
    }
    return 1;
  }

 private:
  double median() {
    const auto middle = all_.begin() + static_cast<std::ptrdiff_t>(all_.size() / 2);
    std::nth_element(all_.begin(), middle, all_.end());
    if (all_.size() % 2 == 1) return *middle;
    return (*std::max_element(all_.begin(), middle) + *middle) / 2;
  }

  CostStatistic statistic_;
  double count_ = 0, mean_ = 0, squares_ = 0;
  double largest_ = -std::numeric_limits<double>::infinity();
  std::vector<double> all_;
};

/// All pairs, or always the same ones of many.
template <class Cost>
void show_pairs(Costs& costs, std::int64_t n, std::int64_t m, bool all, const Cost& cost) {
  if (all || n <= most_pairs / m) {
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < m; ++j) costs.add(cost(i, j));
    return;
  }
  const kernels::CounterRandom random(0, 0);
  for (std::uint64_t k = 0; k < sampled_pairs; ++k) {
    const auto i = random.below(static_cast<std::uint64_t>(n), 2 * k);
    const auto j = random.below(static_cast<std::uint64_t>(m), 2 * k + 1);
    costs.add(cost(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)));
  }
}

/// Of (x − y)² for two independent points of an axis.
struct AxisMoments {
  double mean = 0, largest = 0, variance = 0;

  explicit AxisMoments(const std::vector<double>& axis) {
    const auto count = static_cast<double>(axis.size());
    double center = 0, second = 0, fourth = 0;
    for (const double x : axis) center += x / count;
    for (const double x : axis) {
      const double square = (x - center) * (x - center);
      second += square / count;
      fourth += square * square / count;
    }
    const auto [low, high] = std::minmax_element(axis.begin(), axis.end());
    mean = 2 * second;
    largest = (*high - *low) * (*high - *low);
    variance = 2 * fourth + 2 * second * second;
  }
};

/// The axes of a pair are independent: their means, maxima and variances add up.
double grid_statistic(const Geometry& geometry, CostStatistic statistic) {
  double mean = 0, largest = 0, variance = 0;
  for (const auto& axis : geometry.axes) {
    const AxisMoments moments(axis);
    mean += moments.mean;
    largest += moments.largest;
    variance += moments.variance;
  }
  return statistic == CostStatistic::mean  ? mean
         : statistic == CostStatistic::max ? largest
                                           : std::sqrt(variance);
}

/// Up to `most` of `count` things, evenly spaced.
std::vector<std::int64_t> evenly_spaced(std::int64_t count, std::int64_t most) {
  std::vector<std::int64_t> chosen;
  const std::int64_t taken = std::min(count, most);
  for (std::int64_t k = 0; k < taken; ++k)
    chosen.push_back(static_cast<std::int64_t>(static_cast<double>(k) * static_cast<double>(count) /
                                               static_cast<double>(taken)));
  return chosen;
}

constexpr std::int64_t most_problems = 64, most_distorted_points = 24;

void add_distortions(Costs& to, const std::vector<double>& sources,
                     const std::vector<double>& targets) {
  for (const double one : sources)
    for (const double other : targets) to.add((one - other) * (one - other));
}

/// Points of a measure, where read(source, row, point) fills one: up to `most`, evenly spaced.
template <class Read>
std::vector<double> some_points(const CloudPopulation& outline, bool source, std::int32_t measure,
                                std::int64_t most, const Read& read) {
  const auto d = static_cast<std::size_t>(outline.dimension);
  const auto& table = source ? outline.sources : outline.target_table();
  std::vector<double> points;
  for (const std::int64_t point : evenly_spaced(table.size(measure), most)) {
    points.resize(points.size() + d);
    read(source, table.offsets[static_cast<std::size_t>(measure)] + point,
         std::span(points).last(d));
  }
  return points;
}

/// show(points of the source, of the target) for some problems, with up to `most_points` a side.
template <class Read, class Show>
void show_problems(const CloudPopulation& outline, std::int64_t most_points, const Read& read,
                   const Show& show) {
  for (const std::int64_t problem : evenly_spaced(outline.problems(), most_problems)) {
    const auto k = static_cast<std::size_t>(problem);
    // What is wrong with a problem is said where all are checked.
    if (k >= outline.target.size() || outline.source[k] >= outline.sources.count() ||
        outline.target[k] >= outline.target_table().count())
      continue;
    show(some_points(outline, true, outline.source[k], most_points, read),
         some_points(outline, false, outline.target[k], most_points, read));
  }
}

/// Of costs within some problems.
template <class Read>
double statistic_within_problems(const CloudPopulation& outline, CostStatistic statistic,
                                 const Read& read) {
  const auto d = static_cast<std::size_t>(outline.dimension);
  Costs costs(statistic);
  show_problems(outline, 256, read,
                [&](const std::vector<double>& sources, const std::vector<double>& targets) {
                  for (std::size_t i = 0; i < sources.size(); i += d)
                    for (std::size_t j = 0; j < targets.size(); j += d)
                      costs.add(ground_cost(outline.ground_cost, &sources[i], &targets[j],
                                            outline.dimension));
                });
  return costs.value();
}

/// Reads points of a population that is there.
auto points_of(const CloudPopulation& population) {
  return [&population](bool source, std::int64_t row, std::span<double> point) {
    const auto& points = (source ? population.sources : population.target_table()).points;
    std::copy_n(points.begin() + row * population.dimension, point.size(), point.begin());
  };
}

}  // namespace

double cost_statistic(const Geometry& geometry, CostStatistic statistic) {
  const bool grid = geometry.kind == Geometry::Kind::grid;
  const bool dense = geometry.kind == Geometry::Kind::dense;
  const bool median = statistic == CostStatistic::median;
  if (grid && !median) return grid_statistic(geometry, statistic);
  Costs costs(statistic);
  if (dense) {
    show_pairs(costs, geometry.n, geometry.m, !median,
               [&](std::int64_t i, std::int64_t j) { return geometry.cost[i * geometry.m + j]; });
  } else {
    const auto d = geometry.coordinates();
    const auto sources = geometry.points(true), targets = geometry.points(false);
    show_pairs(costs, geometry.n, geometry.m, false, [&](std::int64_t i, std::int64_t j) {
      return ground_cost(geometry.ground_cost.value(), &sources[i * d], &targets[j * d], d);
    });
  }
  return costs.value();
}

double cloud_cost_statistic(const std::filesystem::path& path, CostStatistic statistic) {
  const auto file = distributed::Hdf5File::open(path);
  const CloudPopulation outline = read_cloud_outline(file);
  return statistic_within_problems(
      outline, statistic, [&](bool source, std::int64_t row, std::span<double> point) {
        file.read_rows<double>(outline.prefix(source) + "points", Shard{row, row + 1}, point);
      });
}

double cloud_cost_statistic(const CloudPopulation& population, CostStatistic statistic) {
  return statistic_within_problems(population, statistic, points_of(population));
}

double distortion_statistic(const CloudPopulation& population, std::int64_t features,
                            CostStatistic statistic) {
  const auto d = static_cast<std::size_t>(population.dimension);
  const auto inner = [&](const std::vector<double>& points) {
    std::vector<double> costs;
    for (std::size_t i = 0; i < points.size(); i += d)
      for (std::size_t k = 0; k < points.size(); k += d)
        costs.push_back(ground_cost(population.ground_cost, &points[i], &points[k],
                                    population.dimension - features));
    return costs;
  };
  Costs distortions(statistic);
  show_problems(population, most_distorted_points, points_of(population),
                [&](const std::vector<double>& sources, const std::vector<double>& targets) {
                  add_distortions(distortions, inner(sources), inner(targets));
                });
  return distortions.value();
}

double distortion_statistic(std::int64_t problems,
                            const std::function<CostMatrix(std::int64_t)>& source,
                            const std::function<CostMatrix(std::int64_t)>& target,
                            CostStatistic statistic) {
  const auto some = [](const CostMatrix& matrix) {
    std::vector<double> costs;
    const auto chosen = evenly_spaced(matrix.points, most_distorted_points);
    for (const std::int64_t i : chosen)
      for (const std::int64_t k : chosen) costs.push_back(matrix.costs[i * matrix.points + k]);
    return costs;
  };
  Costs distortions(statistic);
  for (const std::int64_t k : evenly_spaced(problems, most_problems))
    add_distortions(distortions, some(source(k)), some(target(k)));
  return distortions.value();
}

}  // namespace otfleet
