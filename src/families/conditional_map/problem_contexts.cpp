#include "src/families/conditional_map/problem_contexts.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "distributed/error.hpp"
#include "kernels/wide_symmetric_matrix.hpp"
#include "src/families/conditional_map/coupled_samples.hpp"

namespace otfleet {
namespace {

using kernels::WideSymmetricMatrix;

/// Closed forms of more dimensions take longer than they save.
constexpr std::int64_t most_gaussian_dimensions = 128;
/// Coordinates of points that are red, green and blue.
constexpr std::int64_t color_dimensions = 3;
/// Of a start, in standard coordinates.
constexpr double least_curvature = 0.01;
/// A context of so many moments has few of them: below, all of a covariance's triangle.
constexpr std::int64_t most_full_covariance = 16;

WideSymmetricMatrix matrix_of(const std::vector<double>& values, std::size_t dimension) {
  WideSymmetricMatrix matrix(dimension);
  for (std::size_t i = 0; i < dimension; ++i)
    for (std::size_t j = 0; j < dimension; ++j) matrix.at(i, j) = values[i * dimension + j];
  return matrix;
}

std::vector<double> applied(const WideSymmetricMatrix& matrix, const std::vector<double>& x) {
  std::vector<double> result(x.size(), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j) result[i] += matrix.at(i, j) * x[j];
  return result;
}

void append_matrix(const WideSymmetricMatrix& matrix, std::vector<float>& to) {
  for (const double value : matrix.values()) to.push_back(static_cast<float>(value));
}

/// [D] means, then the lower triangle of the covariance, or in many dimensions its diagonal.
std::int64_t moment_numbers(std::int64_t dimension) {
  return dimension +
         (dimension <= most_full_covariance ? dimension * (dimension + 1) / 2 : dimension);
}

void append_moments(const CloudMoments& moments, std::vector<float>& to) {
  const std::size_t d = moments.mean.size();
  for (const double value : moments.mean) to.push_back(static_cast<float>(value));
  const bool full = static_cast<std::int64_t>(d) <= most_full_covariance;
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = full ? 0 : i; j <= i; ++j)
      to.push_back(static_cast<float>(moments.covariance[i * d + j]));
}

/// Where the start of problem `which` takes a point, or takes it back; the identity without starts.
void start_image(const std::vector<float>& starts, std::size_t which, bool forward,
                 std::span<const double> point, std::vector<double>& image) {
  const std::size_t d = point.size(), square = d * d;
  image.assign(point.begin(), point.end());
  if (starts.empty()) return;
  const float* const own = starts.data() + which * 2 * (square + d);
  const auto times = [&](const float* matrix, const std::vector<double>& x) {
    std::vector<double> product(d, 0.0);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) product[i] += matrix[i * d + j] * x[j];
    return product;
  };
  const float* const part = forward ? own : own + square + d;  // A^½ and b, or A⁻¹ and −A⁻¹ b
  image = times(part, image);
  if (forward) image = times(part, image);
  for (std::size_t i = 0; i < d; ++i) image[i] += part[square + i];
}

CloudMoments turned(const CloudMoments& moments, const Turn& turn) {
  return {turn.vector(moments.mean), turn.matrix(moments.covariance)};
}

/// The start of a problem whose measures are turned.
std::vector<float> turned_start(const std::vector<float>& start, const Turn& turn) {
  const std::vector<double> values(start.begin(), start.end());
  // Both halves have a matrix and a vector: numbers = 2 (D² + D).
  const auto d = static_cast<std::size_t>(
      std::lround((std::sqrt(1 + 2 * static_cast<double>(start.size())) - 1) / 2));
  std::vector<float> result;
  for (std::size_t half = 0; half < values.size(); half += d * d + d) {
    const auto part = std::span(values).subspan(half, d * d + d);
    for (const auto& turned_part : {turn.matrix(part.first(d * d)), turn.vector(part.last(d))})
      for (const double value : turned_part) result.push_back(static_cast<float>(value));
  }
  return result;
}

/// Measures that problems have on one side.
std::set<std::int32_t> used_measures(const std::vector<std::int32_t>& side) {
  return {side.begin(), side.end()};
}

/// Every measure counts as much as any other, whatever its mass.
StandardCoordinates pooled(const CloudTable& table, const std::vector<std::int32_t>& side,
                           std::int64_t dimension) {
  const auto measures = used_measures(side);
  const auto d = static_cast<std::size_t>(dimension);
  std::vector<CloudMoments> moments;
  StandardCoordinates result;
  result.mean.assign(d, 0.0);
  for (const auto measure : measures) {
    moments.push_back(moments_of(table, measure, dimension, {}));
    for (std::size_t i = 0; i < d; ++i)
      result.mean[i] += moments.back().mean[i] / static_cast<double>(measures.size());
  }
  double square = 0;
  for (const auto& one : moments)
    for (std::size_t i = 0; i < d; ++i)
      square += one.covariance[i * d + i] + std::pow(one.mean[i] - result.mean[i], 2);
  const double scale = std::sqrt(square / static_cast<double>(d * measures.size()));
  if (scale > 0 && std::isfinite(scale)) result.scale = scale;  // one point alone has none
  return result;
}

/// The mean and deviation of every column of contexts; columns that do not vary have deviation 1.
void standardize_contexts(const CloudPopulation& population, ConditionalDescription& description) {
  const auto& [width, values] = population.contexts;
  const auto columns = static_cast<std::size_t>(width);
  const auto rows = static_cast<double>(population.problems());
  description.context_mean.assign(columns, 0.0);
  description.context_deviation.assign(columns, 0.0);
  for (std::size_t at = 0; at < values.size(); ++at)
    description.context_mean[at % columns] += values[at] / rows;
  for (std::size_t at = 0; at < values.size(); ++at)
    description.context_deviation[at % columns] +=
        std::pow(values[at] - description.context_mean[at % columns], 2) / rows;
  for (double& deviation : description.context_deviation) {
    deviation = std::sqrt(deviation);
    if (!(deviation > 0)) deviation = 1;
  }
}

}  // namespace

CloudMoments moments_of(const CloudTable& table, std::int64_t measure, std::int64_t dimension,
                        const StandardCoordinates& coordinates) {
  const auto d = static_cast<std::size_t>(dimension);
  const auto begin = static_cast<std::size_t>(table.offsets[measure]);
  const auto count = static_cast<std::size_t>(table.size(measure));
  std::vector<double> points(
      table.points.begin() + static_cast<std::ptrdiff_t>(begin * d),
      table.points.begin() + static_cast<std::ptrdiff_t>((begin + count) * d));
  coordinates.apply(points);
  const double mass = table.mass(measure);
  CloudMoments moments{std::vector<double>(d, 0.0), std::vector<double>(d * d, 0.0)};
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t i = 0; i < d; ++i)
      moments.mean[i] += table.weights[begin + k] / mass * points[k * d + i];
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t i = 0; i < d; ++i) {
      const double weighted =
          table.weights[begin + k] / mass * (points[k * d + i] - moments.mean[i]);
      for (std::size_t j = 0; j <= i; ++j)
        moments.covariance[i * d + j] += weighted * (points[k * d + j] - moments.mean[j]);
    }
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < i; ++j)
      moments.covariance[j * d + i] = moments.covariance[i * d + j];
  return moments;
}

double mean_cost_between(const CloudMoments& source, const CloudMoments& target) {
  const std::size_t d = source.mean.size();
  double sum = 0;
  for (std::size_t i = 0; i < d; ++i) {
    const double step = source.mean[i] - target.mean[i];
    sum += source.covariance[i * d + i] + target.covariance[i * d + i] + step * step;
  }
  return sum;
}

std::vector<double> affine_images(const AffineMap& map, std::span<const double> points) {
  const std::size_t d = map.offset.size();
  std::vector<double> result(points.size());
  for (std::size_t row = 0; row < points.size(); row += d)
    for (std::size_t i = 0; i < d; ++i) {
      double value = map.offset[i];
      for (std::size_t j = 0; j < d; ++j) value += map.slope[i * d + j] * points[row + j];
      result[row + i] = value;
    }
  return result;
}

AffineMap gaussian_map(const CloudMoments& source, const CloudMoments& target) {
  const std::size_t d = source.mean.size();
  const auto from = matrix_of(source.covariance, d), to = matrix_of(target.covariance, d);
  const auto slope = to.between(from.root(false)).root(false).between(from.root(true));
  const auto moved = applied(slope, source.mean);
  AffineMap map{slope.values(), target.mean};
  for (std::size_t i = 0; i < d; ++i) map.offset[i] -= moved[i];
  return map;
}

std::vector<float> gaussian_start(const CloudMoments& source, const CloudMoments& target) {
  const std::size_t d = source.mean.size();
  auto slope = matrix_of(gaussian_map(source, target).slope, d);
  WideSymmetricMatrix identity(d);
  for (std::size_t i = 0; i < d; ++i) {
    slope.at(i, i) += least_curvature;
    identity.at(i, i) = 1;
  }
  const auto back = identity.between(slope.root(true));
  std::vector<double> offset = target.mean;
  const auto moved = applied(slope, source.mean);
  for (std::size_t i = 0; i < d; ++i) offset[i] -= moved[i];
  std::vector<float> result;
  append_matrix(slope.root(false), result);
  for (const double value : offset) result.push_back(static_cast<float>(value));
  append_matrix(back, result);
  for (const double value : applied(back, offset)) result.push_back(static_cast<float>(-value));
  return result;
}

const CloudMoments& ProblemContexts::moments(bool source, std::int32_t measure) {
  auto& known = source ? source_moments_ : target_moments_;
  const auto found = known.find(measure);
  if (found != known.end()) return found->second;
  const auto& standard = description_.standardization;
  return known
      .emplace(measure,
               moments_of(source ? population_.sources : population_.target_table(), measure,
                          population_.dimension, source ? standard.source : standard.target))
      .first->second;
}

std::vector<float> ProblemContexts::samples_of(std::int32_t problem, const Turn* turn,
                                               std::int64_t draw) const {
  const std::int64_t count = description_.architecture.context_points;
  const auto length = static_cast<std::size_t>(count * description_.dimension);
  const auto& standard = description_.standardization;
  std::vector<float> result(2 * length);
  for (const bool source : {true, false}) {
    const auto side = std::span(result).subspan(source ? 0 : length, length);
    sampler_.points(problem, source, draw, count, source ? standard.source : standard.target,
                    side.data());
    if (turn != nullptr) turn->apply(side);
  }
  return result;
}

/// Thumbnails are points of the cube in the order of pixels: red, green, blue as the points' axes.
std::vector<float> ProblemContexts::images_of(std::int32_t problem, const Turn* turn) const {
  const auto d = static_cast<std::size_t>(description_.dimension);
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(description_.context));
  for (const bool source : {true, false}) {
    const auto& table = source ? population_.sources : population_.target_table();
    const auto& side = source ? population_.source : population_.target;
    const auto& standard = description_.standardization;
    const auto& coordinates = source ? standard.source : standard.target;
    const std::size_t first = result.size();
    std::size_t at = 0;
    for (const auto value : table.thumbnails.of(side[static_cast<std::size_t>(problem)])) {
      const double mean = coordinates.mean.empty() ? 0 : coordinates.mean[at++ % d];
      result.push_back(static_cast<float>((value / 255.0 - mean) / coordinates.scale));
    }
    if (turn != nullptr) turn->apply(std::span(result).subspan(first));
  }
  return result;
}

std::vector<float> ProblemContexts::context_of(std::int32_t problem, const Turn* turn,
                                               std::int64_t draw) {
  std::vector<float> result;
  switch (description_.architecture.context) {
    case ContextKind::samples:
    case ContextKind::coupled:
      return samples_of(problem, turn, draw);
    case ContextKind::images:
      return images_of(problem, turn);
    case ContextKind::moments:
      for (const bool source : {true, false}) {
        const auto& side = source ? population_.source : population_.target;
        const auto& own = moments(source, side[static_cast<std::size_t>(problem)]);
        append_moments(turn == nullptr ? own : turned(own, *turn), result);
      }
      return result;
    case ContextKind::given:
      break;
  }
  const auto& [width, values] = population_.contexts;
  for (std::int64_t i = 0; i < description_.context; ++i) {
    const auto at = static_cast<std::size_t>(i);
    result.push_back(static_cast<float>(
        (values[static_cast<std::size_t>(problem * width + i)] - description_.context_mean[at]) /
        description_.context_deviation[at]));
  }
  return result;
}

std::vector<float> ProblemContexts::start_of(std::int32_t problem, const Turn* turn) {
  auto found = starts_.find(problem);
  if (found == starts_.end()) {
    const auto at = static_cast<std::size_t>(problem);
    found = starts_
                .emplace(problem, gaussian_start(moments(true, population_.source[at]),
                                                 moments(false, population_.target[at])))
                .first;
  }
  return turn == nullptr ? found->second : turned_start(found->second, *turn);
}

std::vector<float> ProblemContexts::coupled(const std::vector<float>& samples,
                                            const std::vector<float>& starts,
                                            std::size_t problems) const {
  const auto d = static_cast<std::size_t>(description_.dimension);
  const std::size_t length = samples.size() / (2 * problems);
  std::vector<double> x, y;
  for (std::size_t k = 0; k < problems; ++k) {
    const auto first = samples.begin() + static_cast<std::ptrdiff_t>(2 * k * length);
    const auto middle = first + static_cast<std::ptrdiff_t>(length);
    x.insert(x.end(), first, middle);
    y.insert(y.end(), middle, middle + static_cast<std::ptrdiff_t>(length));
  }
  const auto images =
      couple_samples(x, y, static_cast<std::int64_t>(problems), description_.dimension);
  std::vector<float> result;
  result.reserve(2 * samples.size());
  std::vector<double> begin(d);
  for (std::size_t k = 0; k < problems; ++k)
    for (const bool forward : {true, false}) {
      const auto& points = forward ? x : y;
      const auto& image = forward ? images.source_images : images.target_images;
      for (std::size_t at = k * length; at < (k + 1) * length; at += d) {
        const auto point = std::span(points).subspan(at, d);
        start_image(starts, k, forward, point, begin);
        for (std::size_t i = 0; i < d; ++i) result.push_back(static_cast<float>(point[i]));
        for (std::size_t i = 0; i < d; ++i)
          result.push_back(static_cast<float>(image[at + i] - begin[i]));
      }
    }
  return result;
}

SeenProblems ProblemContexts::of(std::span<const std::int32_t> problems,
                                 std::span<const Turn> turns, std::int64_t draw) {
  std::vector<float> contexts, starts;
  const bool gaussian = description_.architecture.start == MapStart::gaussian;
  for (std::size_t k = 0; k < problems.size(); ++k) {
    const Turn* const turn = turns.empty() ? nullptr : &turns[k];
    if (description_.context > 0) {
      const auto row = context_of(problems[k], turn, draw);
      contexts.insert(contexts.end(), row.begin(), row.end());
    }
    if (gaussian) {
      const auto row = start_of(problems[k], turn);
      starts.insert(starts.end(), row.begin(), row.end());
    }
  }
  if (description_.architecture.context == ContextKind::coupled && description_.context > 0)
    contexts = coupled(contexts, starts, problems.size());
  SeenProblems seen;
  seen.contexts = upload<float>("otfleet::models::contexts", contexts, problems.size(),
                                static_cast<std::size_t>(description_.context));
  if (gaussian)
    seen.starts = upload<float>("otfleet::models::starts", starts, problems.size(),
                                static_cast<std::size_t>(start_numbers(description_.dimension)));
  return seen;
}

Standardization pooled_coordinates(const CloudPopulation& population) {
  return {pooled(population.sources, population.source, population.dimension),
          pooled(population.target_table(), population.target, population.dimension)};
}

ConditionalDescription describe_conditional(const Job& job, const CloudPopulation& population) {
  ConditionalDescription description;
  description.architecture = job.model;
  description.dimension = population.dimension;
  if (job.samples.standardize) description.standardization = pooled_coordinates(population);
  if (job.model.conditioning == Conditioning::none) return description;
  if (job.model.context == ContextKind::moments) {
    description.context = 2 * moment_numbers(population.dimension);
    return description;
  }
  if (sees_samples(job.model.context)) {
    description.context = 2 * job.model.context_points * population.dimension;
    if (job.model.context == ContextKind::coupled) description.context *= 2;
    return description;
  }
  if (job.model.context == ContextKind::images) {
    const std::int64_t side = population.sources.thumbnails.side;
    description.context = 2 * side * side * population.dimension;
    return description;
  }
  description.context = population.contexts.width;
  standardize_contexts(population, description);
  return description;
}

void require_squared_costs(const CloudPopulation& population, const std::string& name) {
  if (population.ground_cost == kernels::GroundCost(kernels::SquaredEuclideanCost{})) return;
  throw UserError(fmt::format(
      "{}: has cost '{}'; gradients of potentials are optimal maps for squared_euclidean alone",
      name, population.cost_name()));
}

void require_fitting(const ConditionalDescription& description, const CloudPopulation& population,
                     const std::string& name) {
  const auto& model = description.architecture;
  require_squared_costs(population, name);
  if (population.dimension != description.dimension)
    throw UserError(fmt::format("{}: has points of {} coordinates, the model is for {}", name,
                                population.dimension, description.dimension));
  if (model.start == MapStart::gaussian && population.dimension > most_gaussian_dimensions)
    throw UserError(fmt::format(
        "{}: has points of {} coordinates; model.start = 'gaussian' is for at most {}, use "
        "'identity'",
        name, population.dimension, most_gaussian_dimensions));
  if (model.conditioning == Conditioning::none) return;
  if (model.context == ContextKind::images) {
    if (population.dimension != color_dimensions)
      throw UserError(
          fmt::format("{}: has points of {} coordinates; model.context = 'images' is "
                      "for those of colors",
                      name, population.dimension));
    for (const auto* table : {&population.sources, &population.target_table()}) {
      const std::int64_t side = table->thumbnails.side;
      if (side == 0)
        throw UserError(name +
                        ": has no thumbnails of images; make it again with make.thumbnails = 224, "
                        "or use model.context = 'coupled'");
      if (2 * side * side * population.dimension != description.context)
        throw UserError(fmt::format(
            "{}: has thumbnails of {} x {} pixels, the model is for {} numbers of both images",
            name, side, side, description.context));
    }
    return;
  }
  if (model.context != ContextKind::given) return;
  if (population.contexts.width == 0)
    throw UserError(
        name +
        ": has no /problems/context, which says what describes a problem; add it, give "
        "data.train.contexts to make, or use model.context = 'samples' or 'moments', or "
        "model.conditioning = 'none'");
  if (population.contexts.width != description.context)
    throw UserError(fmt::format("{}: has contexts of {} numbers, the model is for {}", name,
                                population.contexts.width, description.context));
}

}  // namespace otfleet
