#include "src/populations/cloud_builder.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {
namespace {

using Shape = std::vector<std::int64_t>;

std::string name_of(const ArraySource& source) {
  return source.file.string() + (source.dataset.empty() ? "" : ": " + source.dataset);
}

[[noreturn]] void fail(const ArraySource& source, const std::string& text) {
  throw UserError(name_of(source) + ": " + text);
}

void check_job(const Job& job) {
  if (!job.problem.cost)
    throw UserError(
        "problem.cost = 'matrix' needs problem.geometry = 'dense'; points of every measure's own "
        "have one of the costs between points");
  for (const auto* common : {&job.data.cost, &job.data.points, &job.data.target_points})
    if (!common->empty())
      fail(*common,
           "data.cost, data.points and data.target_points are what measures share; with "
           "problem.geometry = 'clouds' data.test are points themselves. For weights on these "
           "points set problem.geometry = 'points' (a cost matrix: 'dense')");
  for (const auto& [key, kind] : {std::pair{"make.source_weights", job.make.source_weights},
                                  std::pair{"make.target_weights", job.make.target_weights}})
    if (kind != WeightsKind::data)
      throw UserError(fmt::format(
          "{} = '{}' needs points that measures share; with problem.geometry = 'clouds' leave it "
          "out",
          key, word_of(kind)));
}

/// The points of some measures, and how many each has.
struct Points {
  std::int64_t dimension = 1;
  std::vector<double> values;
  std::vector<std::int64_t> sizes;  ///< of each measure
};

Points read_points_of(const ArraySource& source) {
  auto array = read_array(source);
  auto& shape = array.shape;
  if (shape.empty() || shape.size() > 3 ||
      std::any_of(shape.begin(), shape.end(), [](std::int64_t length) { return length < 1; }))
    fail(source,
         fmt::format("points must have shape [n, d] or [M, n, d], not {}", shape_text(shape)));
  if (shape.size() == 1) shape.push_back(1);
  for (std::size_t i = 0; i < array.values.size(); ++i)
    if (!std::isfinite(array.values[i]))
      fail(source, fmt::format("point {} has the coordinate {}; mend it or leave the point out",
                               static_cast<std::int64_t>(i) / shape.back(), array.values[i]));
  Points points;
  points.dimension = shape.back();
  points.values = std::move(array.values);
  points.sizes.assign(shape.size() == 3 ? static_cast<std::size_t>(shape[0]) : 1,
                      shape[shape.size() - 2]);
  return points;
}

/// A weight for each point: those of the file, for every measure the same where it has one row.
std::vector<double> read_weights_of(const MeasureSource& source, const Points& points) {
  const auto measures = static_cast<std::int64_t>(points.sizes.size()), n = points.sizes.front();
  if (source.weights.empty())
    return std::vector<double>(static_cast<std::size_t>(measures * n), 1.0);
  auto array = read_array(source.weights);
  const auto& shape = array.shape;
  if (shape == Shape{measures, n}) return std::move(array.values);
  if (shape != Shape{n} && shape != Shape{1, n} && shape != Shape{n, 1})
    fail(source.weights,
         fmt::format("weights have shape {}, but {} has {} measure{} of {} points: {} was expected",
                     shape_text(shape), name_of(source), measures, measures == 1 ? "" : "s", n,
                     measures == 1 ? shape_text({n})
                                   : shape_text({n}) + " or " + shape_text({measures, n})));
  std::vector<double> weights;
  for (std::int64_t s = 0; s < measures; ++s)
    weights.insert(weights.end(), array.values.begin(), array.values.end());
  return weights;
}

/// Splits the points of one measure into those of its groups.
void split_into_groups(const MeasureSource& source, Points& points, std::vector<double>& weights) {
  const auto array = read_array(source.groups);
  const auto n = points.sizes.front();
  if (points.sizes.size() != 1)
    fail(source.groups, "groups split the points [N, d] of one array, but " + name_of(source) +
                            " has several measures");
  if (array.shape != Shape{n} && array.shape != Shape{n, 1})
    fail(source.groups, fmt::format("groups have shape {}, but {} has {} points",
                                    shape_text(array.shape), name_of(source), n));
  std::map<double, std::vector<std::int64_t>> members;
  for (std::int64_t i = 0; i < n; ++i) {
    const double group = array.values[static_cast<std::size_t>(i)];
    if (group != std::floor(group))
      fail(source.groups, fmt::format("point {} is in group {}; groups are integers, such as "
                                      "obs/NAME/codes of an .h5ad file",
                                      i, group));
    if (group >= 0) members[group].push_back(i);
  }
  if (members.empty()) fail(source.groups, "every point is in a negative group, and so in none");
  Points split;
  split.dimension = points.dimension;
  std::vector<double> split_weights;
  for (const auto& [group, rows] : members) {
    for (const auto row : rows) {
      const auto x = points.values.begin() + row * points.dimension;
      split.values.insert(split.values.end(), x, x + points.dimension);
      split_weights.push_back(weights[static_cast<std::size_t>(row)]);
    }
    split.sizes.push_back(static_cast<std::int64_t>(rows.size()));
  }
  points = std::move(split);
  weights = std::move(split_weights);
}

CloudTable read_side(const MeasureSource& source, std::int64_t& dimension,
                     const kernels::GroundCost& cost) {
  Points points = read_points_of(source);
  if (dimension > 0 && points.dimension != dimension)
    fail(source, fmt::format("points of {} coordinates, but the source's have {}; is one of the "
                             "arrays transposed?",
                             points.dimension, dimension));
  dimension = points.dimension;
  auto weights = read_weights_of(source, points);
  if (!source.groups.empty()) split_into_groups(source, points, weights);
  check_cost_takes(name_of(source) + ":", cost, points.values, dimension, "point");
  CloudTable table;
  table.points = std::move(points.values);
  table.weights = std::move(weights);
  for (const auto size : points.sizes) table.offsets.push_back(table.offsets.back() + size);
  const auto named = name_of(source.weights.empty() ? source : source.weights) + ": weights of";
  for (std::int64_t s = 0; s < table.count(); ++s)
    check_measure(named, "measure", s,
                  std::span(table.weights)
                      .subspan(static_cast<std::size_t>(table.offsets[s]),
                               static_cast<std::size_t>(table.size(s))));
  table.normalize();
  return table;
}

}  // namespace

CloudPopulation build_cloud_measures(const Job& job, Split split) {
  check_job(job);
  const bool train = split == Split::train;
  const auto& source = train ? job.data.train : job.data.test;
  const auto& target = train ? job.data.train_target : job.data.test_target;
  CloudPopulation population;
  population.ground_cost = with_parameters(*job.problem.cost, job.problem.cost_parameters);
  population.shared_measures = target.empty();
  population.sources = read_side(source, population.dimension, population.ground_cost);
  if (!target.empty())
    population.targets = read_side(target, population.dimension, population.ground_cost);
  return population;
}

}  // namespace otfleet
