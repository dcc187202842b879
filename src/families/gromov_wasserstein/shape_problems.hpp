#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernels/api/gromov_wasserstein.hpp"
#include "src/families/gromov_wasserstein/space_population.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/runs/solution_layout.hpp"

namespace otfleet {

/// Gromov–Wasserstein problems as they are read: between clouds, whose costs are computed, or
/// between spaces, whose costs are given.
class ShapeProblems {
 public:
  ShapeProblems() = default;
  explicit ShapeProblems(CloudPopulation clouds) : population_(std::move(clouds)) {}
  explicit ShapeProblems(SpacePopulation spaces) : population_(std::move(spaces)) {}

  const std::vector<std::int32_t>& source() const;
  const std::vector<std::int32_t>& target() const;
  std::int64_t problems() const { return static_cast<std::int64_t>(source().size()); }
  std::int64_t source_points(std::int64_t problem) const;
  std::int64_t target_points(std::int64_t problem) const;
  /// Of both measures of a problem.
  double mass(std::int64_t problem) const;

  kernels::MetricMeasures sources() const;
  kernels::MetricMeasures targets() const;
  /// None: costs are given.
  std::optional<kernels::GroundCost> cost() const;
  /// Numbers of a point in these measures, and how many of them are features; the job says so of
  /// clouds.
  std::int64_t coordinates() const;
  std::int64_t features(const Job& job) const;

  /// Statistic of the distortions (D − E)², for epsilons that are multiples of one.
  double distortion(const Job& job) const;
  std::string content_fingerprint() const;
  /// 16 hex digits over the kind of cost, or empty.
  std::string geometry_fingerprint() const;
  SolutionLayout layout() const;

 private:
  const CloudPopulation* clouds() const { return std::get_if<CloudPopulation>(&population_); }
  const SpacePopulation& spaces() const { return std::get<SpacePopulation>(population_); }

  std::variant<CloudPopulation, SpacePopulation> population_;
};

/// Reads and validates what the file holds, and holds the job to it. Local. Throws UserError.
ShapeProblems read_shape_problems(const Job& job, const std::filesystem::path& file);

}  // namespace otfleet
