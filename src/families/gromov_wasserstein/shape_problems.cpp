#include "src/families/gromov_wasserstein/shape_problems.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "distributed/error.hpp"
#include "src/families/linear/pair_layout.hpp"
#include "src/populations/cost_statistic.hpp"
#include "src/populations/job_population.hpp"

namespace otfleet {
namespace {

kernels::MetricMeasures measures_of(const CloudTable& table) {
  return {table.weights, table.points, table.offsets};
}

kernels::MetricMeasures measures_of(const SpacePopulation& spaces) {
  return {spaces.weights, spaces.feature_values, spaces.offsets, spaces.costs};
}

/// Of either kind.
ShapeProblems read_either(const Job& job, const std::filesystem::path& file) {
  if (holds_spaces(file)) {
    for (const char* key : {"problem.cost", "gromov_wasserstein.features"})
      if (job.sets(key))
        throw UserError(
            fmt::format("{} is for clouds of points; {} has the costs within each space, "
                        "and features of its own: leave the key out",
                        key, file.string()));
    if (job.solution.projection)
      throw UserError(file.string() +
                      ": solution.projection needs the target's points, and there are only costs "
                      "between them; use solution.plan");
    return ShapeProblems(read_job_spaces(job, file));
  }
  if (!holds_clouds(file))
    throw UserError(file.string() +
                    ": all measures share their points; problem = 'gromov_wasserstein' needs "
                    "points of every measure's own (problem.geometry = 'clouds'), or costs within "
                    "each space (problem.geometry = 'dense')");
  auto clouds = read_job_clouds(job, file);
  if (job.gromov_wasserstein.features >= clouds.dimension)
    throw UserError(fmt::format(
        "gromov_wasserstein.features = {}: points have {} coordinates, and one or more must say "
        "where they are",
        job.gromov_wasserstein.features, clouds.dimension));
  return ShapeProblems(std::move(clouds));
}

}  // namespace

const std::vector<std::int32_t>& ShapeProblems::source() const {
  return clouds() != nullptr ? clouds()->source : spaces().source;
}
const std::vector<std::int32_t>& ShapeProblems::target() const {
  return clouds() != nullptr ? clouds()->target : spaces().target;
}

std::int64_t ShapeProblems::source_points(std::int64_t problem) const {
  return clouds() != nullptr ? clouds()->source_points(problem)
                             : spaces().size(spaces().source[static_cast<std::size_t>(problem)]);
}
std::int64_t ShapeProblems::target_points(std::int64_t problem) const {
  return clouds() != nullptr ? clouds()->target_points(problem)
                             : spaces().size(spaces().target[static_cast<std::size_t>(problem)]);
}

double ShapeProblems::mass(std::int64_t problem) const {
  const std::int32_t one = source()[static_cast<std::size_t>(problem)];
  return clouds() != nullptr ? clouds()->sources.mass(one) : spaces().mass(one);
}

kernels::MetricMeasures ShapeProblems::sources() const {
  return clouds() != nullptr ? measures_of(clouds()->sources) : measures_of(spaces());
}
kernels::MetricMeasures ShapeProblems::targets() const {
  return clouds() != nullptr ? measures_of(clouds()->target_table()) : measures_of(spaces());
}

std::optional<kernels::GroundCost> ShapeProblems::cost() const {
  if (clouds() == nullptr) return std::nullopt;
  return clouds()->ground_cost;
}

std::int64_t ShapeProblems::coordinates() const {
  return clouds() != nullptr ? clouds()->dimension : spaces().features;
}
std::int64_t ShapeProblems::features(const Job& job) const {
  return clouds() != nullptr ? job.gromov_wasserstein.features : spaces().features;
}

double ShapeProblems::distortion(const Job& job) const {
  const auto statistic = job.problem.epsilon_relative;
  if (clouds() != nullptr)
    return distortion_statistic(*clouds(), std::min(features(job), coordinates() - 1), statistic);
  std::vector<std::int64_t> begins = {0};
  for (std::int64_t s = 0; s < spaces().spaces(); ++s)
    begins.push_back(begins.back() + spaces().size(s) * spaces().size(s));
  const auto matrix = [&](std::int32_t space) {
    return CostMatrix{spaces().costs.data() + begins[static_cast<std::size_t>(space)],
                      spaces().size(space)};
  };
  return distortion_statistic(
      problems(), [&](std::int64_t k) { return matrix(source()[static_cast<std::size_t>(k)]); },
      [&](std::int64_t k) { return matrix(target()[static_cast<std::size_t>(k)]); }, statistic);
}

std::string ShapeProblems::content_fingerprint() const {
  return clouds() != nullptr ? clouds()->content_fingerprint() : spaces().content_fingerprint();
}
std::string ShapeProblems::geometry_fingerprint() const {
  return clouds() != nullptr ? clouds()->fingerprint() : std::string();
}

SolutionLayout ShapeProblems::layout() const {
  std::vector<std::int64_t> from, to;
  for (std::int64_t k = 0; k < problems(); ++k) {
    from.push_back(source_points(k));
    to.push_back(target_points(k));
  }
  return pair_layout(source(), target(), from, to);
}

ShapeProblems read_shape_problems(const Job& job, const std::filesystem::path& file) {
  auto problems = read_either(job, file);
  const double alpha = job.gromov_wasserstein.alpha;
  if (alpha < 1 && problems.features(job) == 0)
    throw UserError(
        fmt::format("gromov_wasserstein.alpha = {:g} is for points with features, and those of {} "
                    "have none; set "
                    "gromov_wasserstein.features, how many of the coordinates are such",
                    alpha, file.string()));
  return problems;
}

}  // namespace otfleet
