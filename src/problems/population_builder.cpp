#include "src/problems/population_builder.hpp"

#include <spdlog/fmt/fmt.h>

#include <limits>

#include "distributed/error.hpp"
#include "distributed/random.hpp"
#include "src/problems/array_file.hpp"
#include "src/problems/checked_hdf5.hpp"

namespace otfleet {
namespace {

using Shape = std::vector<std::int64_t>;

// Never change these: they are part of what a seed means.
constexpr std::uint64_t train_stream = 1, test_stream = 2;

std::string name_of(const ArraySource& source) {
  return source.file.string() + (source.dataset.empty() ? "" : ": " + source.dataset);
}

/// Measures of one side: every row of the array, made to mass 1.
struct Measures {
  std::string name;
  std::int64_t count = 0, points = 0;
  Shape grid;  ///< the array's shape without its first length
  std::vector<double> weights;
};

Measures read_measures(const ArraySource& source) {
  Measures measures;
  measures.name = name_of(source);
  auto array = read_array(source);
  if (array.shape.size() < 2 || array.shape.size() > 4) {
    throw UserError(fmt::format("{}: must have shape [M, n], [M, h, w] or [M, d, h, w], not {}",
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
  measures.weights = std::move(array.values);
  const auto masses =
      check_weights(measures.name, measures.weights, measures.count, measures.points);
  for (std::int64_t row = 0; row < measures.count; ++row) {
    for (std::int64_t i = 0; i < measures.points; ++i) {
      measures.weights[row * measures.points + i] /= masses[row];
    }
  }
  return measures;
}

Geometry grid_geometry(const Job& job, const Measures& source, const Measures* target) {
  for (const auto* other : {&job.data.cost, &job.data.points, &job.data.target_points}) {
    if (!other->empty()) {
      throw UserError(
          fmt::format("{}: data.cost, data.points and data.target_points need "
                      "problem.geometry = 'dense'",
                      name_of(*other)));
    }
  }
  if (target != nullptr && target->grid != source.grid) {
    throw UserError(fmt::format("{}: measures on a grid {}, but {} has {}", target->name,
                                shape_text(target->grid), source.name, shape_text(source.grid)));
  }
  Geometry geometry;
  geometry.kind = Geometry::Kind::grid;
  for (const auto length : source.grid) {
    auto& axis = geometry.axes.emplace_back(static_cast<std::size_t>(length), 0.0);
    for (std::int64_t i = 1; i < length; ++i) {
      axis[i] = static_cast<double>(i) / static_cast<double>(length - 1);
    }
  }
  geometry.n = geometry.m = source.points;
  return geometry;
}

Array read_matrix(const ArraySource& source) {
  auto array = read_array(source);
  if (array.shape.size() != 2 || array.shape[0] < 1 || array.shape[1] < 1) {
    throw UserError(fmt::format("{}: must be a matrix, not of shape {}", name_of(source),
                                shape_text(array.shape)));
  }
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
}

std::vector<double> squared_distances(const Geometry& geometry) {
  const auto dimension = geometry.dimension;
  std::vector<double> cost(static_cast<std::size_t>(geometry.n * geometry.m));
  for (std::int64_t i = 0; i < geometry.n; ++i) {
    for (std::int64_t j = 0; j < geometry.m; ++j) {
      double sum = 0;
      for (std::int64_t d = 0; d < dimension; ++d) {
        const double difference =
            geometry.source_points[i * dimension + d] - geometry.target_points[j * dimension + d];
        sum += difference * difference;
      }
      cost[i * geometry.m + j] = sum;
    }
  }
  return cost;
}

Geometry dense_geometry(const Job& job, const Measures& source, const Measures* target) {
  Geometry geometry;
  geometry.kind = Geometry::Kind::dense;
  geometry.cost_name = job.problem.cost;
  const bool matrix = job.problem.cost == "matrix";
  const auto& decisive = matrix ? job.data.cost : job.data.points;
  if (decisive.empty()) {
    throw UserError(matrix ? "data.cost is missing: problem.cost = 'matrix' needs it"
                           : "data.points is missing: a dense geometry with problem.cost = "
                             "'squared_euclidean' needs it");
  }
  if (!matrix && !job.data.cost.empty()) {
    throw UserError(
        "data.cost is given, but problem.cost = 'squared_euclidean' takes the cost from "
        "data.points; set problem.cost = 'matrix'");
  }
  if (job.data.points.empty() && !job.data.target_points.empty()) {
    throw UserError("data.target_points is given, but not data.points");
  }
  if (!job.data.points.empty()) read_points(job, geometry);
  if (matrix) {
    auto cost = read_matrix(job.data.cost);
    if (!job.data.points.empty() && cost.shape != Shape{geometry.n, geometry.m}) {
      throw UserError(fmt::format("{}: has shape {}, but there are {} and {} points",
                                  name_of(decisive), shape_text(cost.shape), geometry.n,
                                  geometry.m));
    }
    geometry.n = cost.shape[0];
    geometry.m = cost.shape[1];
    geometry.cost = std::move(cost.values);
  } else {
    geometry.cost = squared_distances(geometry);
  }

  const auto check_side = [&](const Measures& side, std::int64_t points, const char* which) {
    if (side.points != points) {
      throw UserError(fmt::format("{}: measures on {} points, but {} has {} on the {} side",
                                  side.name, side.points, name_of(decisive), points, which));
    }
  };
  check_side(source, geometry.n, "source");
  if (target != nullptr) {
    check_side(*target, geometry.m, "target");
  } else if (geometry.n != geometry.m) {
    throw UserError(
        fmt::format("{}: {} source and {} target points, so that data.train_target and "
                    "data.test_target are needed",
                    name_of(decisive), geometry.n, geometry.m));
  }
  return geometry;
}

void draw_pairs(Population& population, std::int64_t count, std::uint64_t seed,
                std::uint64_t stream) {
  const distributed::CounterRandom random(seed, stream);
  const auto sources = static_cast<std::uint64_t>(population.source_measures);
  const auto targets = static_cast<std::uint64_t>(population.target_measures);
  const bool distinct = population.shared_measures && sources > 1;
  population.source.resize(static_cast<std::size_t>(count));
  population.target.resize(static_cast<std::size_t>(count));
  for (std::uint64_t p = 0; p < static_cast<std::uint64_t>(count); ++p) {
    const auto i = random.below(sources, 2 * p);
    // One of the others: those from i on stand one higher.
    auto j = random.below(distinct                     ? sources - 1
                          : population.shared_measures ? sources
                                                       : targets,
                          2 * p + 1);
    if (distinct && j >= i) ++j;
    population.source[p] = static_cast<std::int32_t>(i);
    population.target[p] = static_cast<std::int32_t>(j);
  }
}

}  // namespace

Population build_population(const Job& job, Split split) {
  const bool train = split == Split::train;
  auto source = read_measures(train ? job.data.train : job.data.test);
  const auto& target_source = train ? job.data.train_target : job.data.test_target;
  Population population;
  population.shared_measures = target_source.empty();
  Measures target;
  if (!population.shared_measures) target = read_measures(target_source);
  const Measures* own_target = population.shared_measures ? nullptr : &target;

  population.geometry = job.problem.geometry == "grid" ? grid_geometry(job, source, own_target)
                                                       : dense_geometry(job, source, own_target);
  population.source_measures = source.count;
  population.source_weights = std::move(source.weights);
  population.target_measures = target.count;
  population.target_weights = std::move(target.weights);
  draw_pairs(population, train ? job.make.train_problems : job.make.test_problems,
             static_cast<std::uint64_t>(job.seed), train ? train_stream : test_stream);
  return population;
}

}  // namespace otfleet
