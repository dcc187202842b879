#include "src/populations/population_builder.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "distributed/error.hpp"
#include "kernels/counter_random.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/memory/available_memory.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/least_action_costs.hpp"
#include "src/populations/split_pairs.hpp"

namespace otfleet {

Geometry square_grid(const std::vector<std::int64_t>& lengths, bool stretch) {
  Geometry geometry;
  geometry.kind = Geometry::Kind::grid;
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  for (const auto length : lengths) {
    auto& axis = geometry.axes.emplace_back(static_cast<std::size_t>(length), 0.0);
    const auto steps = static_cast<double>((stretch ? length : longest) - 1);
    for (std::int64_t i = 1; i < length; ++i) axis[i] = static_cast<double>(i) / steps;
  }
  geometry.n = geometry.m = element_count(lengths, "make.grid");
  return geometry;
}

namespace {

using Shape = std::vector<std::int64_t>;

// Never change this: it is part of what a seed means.
constexpr std::uint64_t random_weights_stream = 3;  // and the three after it

/// Measures of one side: every row of the array, made to mass 1.
struct Measures {
  std::string name;
  std::int64_t count = 0, points = 0;
  Shape grid;  ///< the array's shape without its first length
  std::vector<double> weights;
};

/// Where the shape [M, …] is not as it stands: one measure [n], one of the lengths that make.grid
/// says, or many [M, n] whose n points are such a grid.
Shape shape_of_many(const Shape& shape, const Shape& told) {
  Shape many = shape;
  if (shape.size() == 1 || (shape == told && told.size() <= 3)) {
    many.insert(many.begin(), 1);
  } else if (shape.size() == 2 && told.size() > 1 && element_count(told, "make.grid") == shape[1]) {
    many.resize(1);
    many.insert(many.end(), told.begin(), told.end());
  }
  return many;
}

Measures read_measures(const MeasureSource& source, const Shape& told) {
  Measures measures;
  measures.name = name_of(source);
  auto array = read_array(source);
  array.shape = shape_of_many(array.shape, told);
  if (array.shape.size() < 2 || array.shape.size() > 4) {
    throw UserError(
        fmt::format("{}: must have shape [n], [M, n], [M, h, w] or [M, d, h, w], not {}",
                    measures.name, shape_text(array.shape)));
  }
  measures.count = array.shape[0];
  measures.grid.assign(array.shape.begin() + 1, array.shape.end());
  measures.points = element_count(measures.grid, measures.name);
  if (measures.count < 1 || measures.points < 1) {
    throw UserError(
        fmt::format("{}: has shape {}, which is empty", measures.name, shape_text(array.shape)));
  }
  if (measures.count > std::numeric_limits<std::int32_t>::max()) {
    throw UserError(
        fmt::format("{}: has {} measures, more than 2^31 - 1", measures.name, measures.count));
  }
  if (source.first > measures.count)
    throw UserError(fmt::format("{}: has {} measures, not the first {} that the job asks for",
                                measures.name, measures.count, source.first));
  if (source.first > 0) {
    measures.count = source.first;
    array.values.resize(static_cast<std::size_t>(measures.count * measures.points));
  }
  measures.weights = std::move(array.values);
  const bool may_be_points = measures.grid.size() == 1;
  const auto masses = [&] {
    try {
      return check_weights(measures.name, measures.weights, measures.count, measures.points);
    } catch (const UserError& error) {
      if (!may_be_points || std::all_of(measures.weights.begin(), measures.weights.end(),
                                        [](double weight) { return !(weight < 0); }))
        throw;
      throw UserError(std::string(error.what()) +
                      "; where these are points, set problem.geometry = 'clouds'");
    }
  }();
  for (std::int64_t row = 0; row < measures.count; ++row) {
    for (std::int64_t i = 0; i < measures.points; ++i) {
      measures.weights[row * measures.points + i] /= masses[row];
    }
  }
  return measures;
}

/// The integers of a file, one for each of `count` measures.
std::vector<std::int64_t> read_labels(const MeasureSource& source, std::int64_t count) {
  if (source.labels.empty()) return {};
  const auto array = read_array(source.labels);
  const auto found = static_cast<std::int64_t>(array.values.size());
  const bool column = array.shape.size() == 2 && array.shape[1] == 1;
  if ((array.shape.size() != 1 && !column) || found < count ||
      (source.first == 0 && found != count))
    throw UserError(fmt::format("{}: has shape {}, but there are {} measures",
                                name_of(source.labels), shape_text(array.shape), count));
  std::vector<std::int64_t> labels;
  for (std::int64_t k = 0; k < count; ++k) {
    const double value = array.values[static_cast<std::size_t>(k)];
    if (!(std::abs(value) < 0x1p53) || value != std::floor(value))
      throw UserError(
          fmt::format("{}: label {} is {}, not an integer", name_of(source.labels), k, value));
    labels.push_back(std::llround(value));
  }
  return labels;
}

/// `count` measures of mass 1 on `points` points: "uniform", independent uniform(0, 1) weights;
/// "sparse_uniform", half of them zero at random (Meta OT's supplies); "equal", one measure of
/// equal weights.
Measures random_measures(WeightsKind kind, std::int64_t count, std::int64_t points,
                         std::int64_t seed, std::uint64_t stream) {
  const kernels::CounterRandom random(static_cast<std::uint64_t>(seed), stream);
  Measures measures;
  measures.name = fmt::format("{} weights", word_of(kind));
  measures.count = kind == WeightsKind::equal ? 1 : count;
  measures.points = points;
  measures.weights.resize(static_cast<std::size_t>(measures.count * points));
  for (std::int64_t row = 0; row < measures.count; ++row) {
    double* weights = measures.weights.data() + row * points;
    const auto first = static_cast<std::uint64_t>(row * points);
    double mass = 0;
    for (std::int64_t i = 0; i < points; ++i) {
      const auto counter = 2 * (first + static_cast<std::uint64_t>(i));
      const bool present = kind != WeightsKind::sparse_uniform || random.uniform(counter) < 0.5;
      weights[i] = !present ? 0 : kind == WeightsKind::equal ? 1 : random.uniform(counter + 1);
      mass += weights[i];
    }
    if (mass == 0) weights[row % points] = mass = 1;
    for (std::int64_t i = 0; i < points; ++i) weights[i] /= mass;
  }
  return measures;
}

/// What is known of a side before the geometry is: its data, or nothing when weights are random.
using Side = std::optional<Measures>;

Side read_side(WeightsKind weights, const std::string& key, const MeasureSource& data,
               const Shape& told) {
  for (const auto* extra : {&data.weights, &data.groups})
    if (!extra->empty())
      throw UserError(fmt::format(
          "{}: weights and groups of data are for points, with problem.geometry = 'clouds'; "
          "otherwise the data are the weights",
          name_of(*extra)));
  if (!data.contexts.empty())
    throw UserError(fmt::format(
        "{}: contexts are for points of every measure's own, with problem.geometry = 'clouds'",
        name_of(data.contexts)));
  if (weights == WeightsKind::data) return read_measures(data, told);
  if (!data.empty()) {
    throw UserError(
        fmt::format("{}: {} = '{}' takes no data", name_of(data), key, word_of(weights)));
  }
  return std::nullopt;
}

/// Is one of the lengths after the first, or of a single image all, that of color channels? The
/// channels come last, or first in every image.
bool looks_like_color(std::int64_t count, const Shape& grid) {
  const auto channels = [](std::int64_t length, std::int64_t a, std::int64_t b) {
    return (length == 3 || length == 4) && a > length && b > length;
  };
  if (grid.size() == 2) return channels(grid[1], count, grid[0]);
  return grid.size() == 3 &&
         (channels(grid[2], grid[0], grid[1]) || channels(grid[0], grid[1], grid[2]));
}

/// A color image is no 3-D grid, unless make.grid says that it is one.
void require_no_color(const Measures& measures, const Shape& told) {
  if (told == measures.grid || !looks_like_color(measures.count, measures.grid)) return;
  Shape shape = measures.grid;
  shape.insert(shape.begin(), measures.count);
  throw UserError(
      fmt::format("{}: shape {} looks like color images, but a point has one weight: "
                  "make them gray or take one channel; if it is a grid, say make.grid "
                  "= {}",
                  measures.name, shape_text(shape), shape_text(measures.grid)));
}

Geometry grid_geometry(const Job& job, const Side& source, const Side& target) {
  for (const auto* other : {&job.data.cost, &job.data.points, &job.data.target_points}) {
    if (!other->empty()) {
      throw UserError(
          fmt::format("{}: data.cost, data.points and data.target_points need "
                      "problem.geometry = 'dense' or 'points'",
                      name_of(*other)));
    }
  }
  if (cost_word(job.problem.cost) != Geometry().cost_name()) {
    throw UserError(fmt::format("problem.cost = '{}' needs problem.geometry = 'dense' or 'points'",
                                cost_word(job.problem.cost)));
  }
  const Side& known = source ? source : target;
  if (source && target && target->grid != source->grid) {
    throw UserError(fmt::format(
        "{}: measures on a grid {}, but {} has {}; sides of different "
        "sizes need a cost matrix (data.cost, --cost FILE) or points (data.points, --points FILE)",
        target->name, shape_text(target->grid), source->name, shape_text(source->grid)));
  }
  if (known && !job.make.grid.empty() && job.make.grid != known->grid) {
    throw UserError(fmt::format("make.grid = {}, but {} has {}", shape_text(job.make.grid),
                                known->name, shape_text(known->grid)));
  }
  for (const Side* side : {&source, &target})
    if (*side) require_no_color(**side, job.make.grid);
  const Shape lengths = known ? known->grid : job.make.grid;
  if (lengths.empty()) {
    throw UserError("make.grid is missing: random weights on a grid need its lengths");
  }
  return square_grid(lengths, job.make.stretch);
}

Array read_matrix(const ArraySource& source, bool may_forbid = false) {
  auto array = read_array(source);
  if (array.shape.size() != 2 || array.shape[0] < 1 || array.shape[1] < 1) {
    throw UserError(fmt::format("{}: must be a matrix, not of shape {}", name_of(source),
                                shape_text(array.shape)));
  }
  for (std::size_t i = 0; i < array.values.size(); ++i)
    if (!std::isfinite(array.values[i]) && !(may_forbid && array.values[i] == INFINITY))
      throw UserError(
          fmt::format("{}: holds {} in row {}, column {}; {}", name_of(source), array.values[i],
                      static_cast<std::int64_t>(i) / array.shape[1],
                      static_cast<std::int64_t>(i) % array.shape[1],
                      may_forbid ? "costs are finite, or inf where no mass may go" : "mend it"));
  return array;
}

void read_points(const Job& job, Geometry& geometry) {
  auto source = read_matrix(job.data.points);
  auto target = job.data.target_points.empty() ? source : read_matrix(job.data.target_points);
  if (target.shape[1] != source.shape[1]) {
    throw UserError(fmt::format("{}: points of {} coordinates, but {} has {}",
                                name_of(job.data.target_points), target.shape[1],
                                name_of(job.data.points), source.shape[1]));
  }
  geometry.n = source.shape[0];
  geometry.m = target.shape[0];
  geometry.dimension = source.shape[1];
  geometry.source_points = std::move(source.values);
  geometry.target_points = std::move(target.values);
  if (!geometry.ground_cost) return;
  check_cost_takes(name_of(job.data.points) + ":", *geometry.ground_cost, geometry.source_points,
                   geometry.dimension, "row");
  if (!job.data.target_points.empty())
    check_cost_takes(name_of(job.data.target_points) + ":", *geometry.ground_cost,
                     geometry.target_points, geometry.dimension, "row");
}

std::vector<double> cost_matrix(const Geometry& geometry) {
  const auto d = geometry.dimension;
  require_memory("problem.geometry = 'dense'",
                 {{fmt::format("{} x {} costs", geometry.n, geometry.m),
                   8.0 * static_cast<double>(geometry.n) * static_cast<double>(geometry.m)}},
                 1,
                 "fewer points are needed, or problem.geometry = 'points', which stores no costs");
  std::vector<double> cost(static_cast<std::size_t>(geometry.n * geometry.m));
  for (std::int64_t i = 0; i < geometry.n; ++i) {
    for (std::int64_t j = 0; j < geometry.m; ++j) {
      cost[i * geometry.m + j] = ground_cost(*geometry.ground_cost, &geometry.source_points[i * d],
                                             &geometry.target_points[j * d], d);
    }
  }
  return cost;
}

void check_side(const Side& side, std::int64_t points, const ArraySource& decisive,
                const char* which) {
  if (side && side->points != points) {
    throw UserError(
        fmt::format("{}: measures on {} points, but {} has {} on the {} side; is one of "
                    "the arrays transposed?",
                    side->name, side->points, name_of(decisive), points, which));
  }
}

/// Dense and points: the geometry comes from points or a matrix, and measures must fit it.
Geometry listed_geometry(const Job& job, const Side& source, const Side& target, bool shared) {
  Geometry geometry;
  geometry.kind =
      job.problem.geometry == GeometryKind::dense ? Geometry::Kind::dense : Geometry::Kind::points;
  geometry.ground_cost = job.problem.cost;
  const bool matrix = !geometry.ground_cost && !job.problem.least_action;
  if (geometry.ground_cost)
    geometry.ground_cost = with_parameters(*job.problem.cost, job.problem.cost_parameters);
  if (!geometry.ground_cost && geometry.kind == Geometry::Kind::points)
    throw UserError(fmt::format("problem.cost = '{}' needs problem.geometry = 'dense'",
                                cost_word_of(job.problem)));
  const auto& decisive = matrix ? job.data.cost : job.data.points;
  if (decisive.empty()) {
    throw UserError(matrix ? "data.cost is missing: problem.cost = 'matrix' needs it"
                           : fmt::format("data.points is missing: problem.geometry = '{}' with "
                                         "problem.cost = '{}' needs it",
                                         word_of(job.problem.geometry), cost_word_of(job.problem)));
  }
  if (!matrix && !job.data.cost.empty()) {
    throw UserError(
        fmt::format("data.cost is given, but problem.cost = '{}' takes the cost from "
                    "data.points; set problem.cost = 'matrix'",
                    cost_word_of(job.problem)));
  }
  if (job.data.points.empty() && !job.data.target_points.empty()) {
    throw UserError("data.target_points is given, but not data.points");
  }
  if (!job.data.points.empty()) read_points(job, geometry);
  if (matrix) {
    auto cost = read_matrix(job.data.cost, true);
    if (!job.data.points.empty() && cost.shape != Shape{geometry.n, geometry.m}) {
      throw UserError(fmt::format("{}: has shape {}, but there are {} and {} points",
                                  name_of(decisive), shape_text(cost.shape), geometry.n,
                                  geometry.m));
    }
    geometry.n = cost.shape[0];
    geometry.m = cost.shape[1];
    geometry.cost = std::move(cost.values);
  } else if (geometry.ground_cost && geometry.kind == Geometry::Kind::dense) {
    geometry.cost = cost_matrix(geometry);
  }
  check_side(source, geometry.n, decisive, "source");
  check_side(target, geometry.m, decisive, "target");
  if (shared && geometry.n != geometry.m) {
    throw UserError(
        fmt::format("{}: {} source and {} target points, so that the target needs measures of its "
                    "own: data.train_target and data.test_target, or --target",
                    name_of(decisive), geometry.n, geometry.m));
  }
  if (job.problem.least_action) add_least_action_costs(job, geometry);
  return geometry;
}

}  // namespace

bool makes(const Job& job, Split split) {
  if (job.make.drifts()) return split == Split::test;
  return job.make.source_weights != WeightsKind::data ||
         !(split == Split::train ? job.data.train : job.data.test).empty();
}

Population build_measures(const Job& job, Split split) {
  const bool train = split == Split::train;
  const Shape told = job.problem.geometry == GeometryKind::grid ? job.make.grid : Shape();
  const auto& target_data = train ? job.data.train_target : job.data.test_target;
  Population population;
  population.shared_measures = job.make.target_weights == WeightsKind::data && target_data.empty();
  Side source = read_side(job.make.source_weights, "make.source_weights",
                          train ? job.data.train : job.data.test, told);
  Side target;
  if (!population.shared_measures)
    target = read_side(job.make.target_weights, "make.target_weights", target_data, told);

  population.geometry = job.problem.geometry == GeometryKind::grid
                            ? grid_geometry(job, source, target)
                            : listed_geometry(job, source, target, population.shared_measures);
  const auto drawn = [&](WeightsKind kind, std::int64_t points, std::uint64_t stream) {
    return random_measures(kind, train ? job.make.train_measures : job.make.test_measures, points,
                           job.seed, random_weights_stream + stream + (train ? 0 : 2));
  };
  if (!source) source = drawn(job.make.source_weights, population.geometry.n, 0);
  population.source_measures = source->count;
  if (!train) {
    if (!population.shared_measures && !job.data.test.labels.empty())
      throw UserError(name_of(job.data.test.labels) +
                      ": labels are for measures that are paired with each other, without "
                      "data.test_target");
    population.labels = read_labels(job.data.test, source->count);
  }
  population.source_weights = std::move(source->weights);
  if (!population.shared_measures) {
    if (!target) target = drawn(job.make.target_weights, population.geometry.m, 1);
    population.target_measures = target->count;
    population.target_weights = std::move(target->weights);
  }
  return population;
}

Population build_population(const Job& job, Split split, std::string* remark) {
  Population population = build_measures(job, split);
  add_pairs(population, job, split, remark);
  return population;
}

}  // namespace otfleet
