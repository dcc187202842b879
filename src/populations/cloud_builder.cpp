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
#include "src/populations/drifting_clouds.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/pixel_clouds.hpp"
#include "src/populations/population.hpp"
#include "src/populations/population_builder.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {
namespace {

using Shape = std::vector<std::int64_t>;

[[noreturn]] void fail(const ArraySource& source, const std::string& text) {
  throw UserError(name_of(source) + ": " + text);
}

void check_job(const Job& job) {
  if (!job.problem.cost)
    throw UserError(
        "problem.cost = 'matrix' needs problem.geometry = 'dense'; points of every measure's own "
        "have one of the costs between points");
  if (!job.data.cost.empty())
    fail(job.data.cost,
         "a cost matrix needs problem.geometry = 'dense' and problem.cost = 'matrix'");
  for (const auto* side :
       {&job.data.train, &job.data.test, &job.data.train_target, &job.data.test_target}) {
    if (side->first > 0)
      fail(*side,
           "first is for measures on points that all share; with problem.geometry = "
           "'clouds' give a file of fewer measures");
    if (!side->labels.empty())
      fail(side->labels,
           "labels are for measures on points that all share, not for "
           "problem.geometry = 'clouds'");
  }
  if (!job.data.target_points.empty() && job.data.points.empty())
    fail(job.data.target_points, "data.target_points is given, but not data.points");
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
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    fail(source, fmt::format("shape {} holds no points", shape_text(shape)));
  if (shape.empty() || shape.size() > 3)
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
      fail(source.groups, fmt::format("point {} is in group {}; groups are integers, such as a "
                                      "categorical column obs/NAME of an .h5ad file",
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

namespace {

/// Points [n, d] that measures share, and what a message calls them.
struct CommonPoints {
  Points points;
  std::string key, name;
};

CommonPoints read_common(const ArraySource& source) {
  CommonPoints common{read_points_of(source), "data.points", name_of(source)};
  if (common.points.sizes.size() != 1)
    fail(source, "points that measures share must have shape [n, d]");
  return common;
}

/// The pixels of images.
CommonPoints grid_points(const MakeOptions& make) {
  const Geometry grid = square_grid(make.grid, make.stretch);
  CommonPoints common{{}, "make.grid", "make.grid = " + shape_text(make.grid)};
  common.points.dimension = grid.coordinates();
  common.points.values = grid.points(true);
  common.points.sizes = {grid.n};
  return common;
}

/// Weights [M, n] on points [n, d] that measures share: each takes the points where it has weight.
CloudTable read_supports(const MeasureSource& source, const CommonPoints& common,
                         std::int64_t& dimension, const kernels::GroundCost& cost) {
  for (const auto* extra : {&source.weights, &source.groups})
    if (!extra->empty())
      fail(*extra, fmt::format("with {} the data are the weights; leave {} out, or this",
                               common.key, common.key));
  const Points& points = common.points;
  const auto n = points.sizes.front(), d = points.dimension;
  if (dimension > 0 && d != dimension)
    throw UserError(fmt::format("{}: points of {} coordinates, but the source's have {}",
                                common.name, d, dimension));
  dimension = d;
  check_cost_takes(common.name + ":", cost, points.values, d, "point");
  auto array = read_array(source);
  if (array.shape.size() == 1) array.shape.insert(array.shape.begin(), 1);
  if (array.shape.empty() || array.shape[0] < 1 ||
      element_count(array.shape, name_of(source)) != array.shape[0] * n)
    fail(source, fmt::format("weights have shape {}, but {} has {} points: [M, {}] was expected",
                             shape_text(array.shape), common.name, n, n));
  check_weights(name_of(source), array.values, array.shape[0], n);
  CloudTable table;
  for (std::int64_t s = 0; s < array.shape[0]; ++s) {
    for (std::int64_t i = 0; i < n; ++i) {
      const double weight = array.values[static_cast<std::size_t>(s * n + i)];
      if (weight == 0) continue;
      table.weights.push_back(weight);
      const auto x = points.values.begin() + i * d;
      table.points.insert(table.points.end(), x, x + d);
    }
    table.offsets.push_back(static_cast<std::int64_t>(table.weights.size()));
  }
  table.normalize();
  return table;
}

}  // namespace

CloudPopulation build_cloud_measures(const Job& job, Split split) {
  check_job(job);
  if (job.make.drifts()) return build_drifting_clouds(job);
  if (job.make.takes_pixels()) return build_pixel_clouds(job, split);
  const bool train = split == Split::train;
  const auto& source = train ? job.data.train : job.data.test;
  const auto& target = train ? job.data.train_target : job.data.test_target;
  CloudPopulation population;
  population.ground_cost = with_parameters(*job.problem.cost, job.problem.cost_parameters);
  population.shared_measures = target.empty();
  const auto& points = job.data.points;
  const auto& target_points = job.data.target_points.empty() ? points : job.data.target_points;
  if (!job.make.grid.empty() && !points.empty())
    throw UserError("make.grid and data.points both say where the measures' points are; leave one");
  const auto read = [&](const MeasureSource& side, const ArraySource& common) {
    if (common.empty() && job.make.grid.empty())
      return read_side(side, population.dimension, population.ground_cost);
    return read_supports(side, common.empty() ? grid_points(job.make) : read_common(common),
                         population.dimension, population.ground_cost);
  };
  population.sources = read(source, points);
  if (!target.empty()) population.targets = read(target, target_points);
  return population;
}

}  // namespace otfleet
