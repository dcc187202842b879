#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/api/problems.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/geometry_kind.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// Where the measures of a population lie, in short.
struct GeometryFacts {
  GeometryKind kind = GeometryKind::grid;
  std::optional<kernels::GroundCost> ground_cost;  ///< none: a cost matrix of the user's own
  std::int64_t coordinates = 0;                    ///< of a point; 0: only the costs are known

  std::string cost_name() const { return ground_cost ? name_of(*ground_cost) : "matrix"; }
};
GeometryFacts facts_of(const Geometry& geometry);

/// A population of any geometry, as solvers see it. Keeps a reference to it. Local.
class PopulationView {
 public:
  // Not explicit: a population is one.
  PopulationView(const Population& population) : shared_points_(&population) {}  // NOLINT
  PopulationView(const CloudPopulation& population) : clouds_(&population) {}    // NOLINT

  /// The population with points that all share, or with points of every measure's own; else null.
  const Population* shared_points() const { return shared_points_; }
  const CloudPopulation* clouds() const { return clouds_; }

  GeometryFacts geometry() const;
  std::int64_t problems() const { return static_cast<std::int64_t>(sources().size()); }
  /// [problems()], measures.
  std::span<const std::int32_t> sources() const;
  std::span<const std::int32_t> targets() const;
  /// [problems()], of which sequence a problem is; empty: problems have no order.
  std::span<const std::int64_t> sequence() const;
  /// Points of a problem's source and target.
  std::int64_t source_points(std::int64_t problem) const;
  std::int64_t target_points(std::int64_t problem) const;

  /// Do both sides draw from the source's measures?
  bool shared_measures() const;
  std::int64_t measures(bool source) const;
  /// Of one measure; points: its own, empty where all measures share them.
  std::span<const double> weights(bool source, std::int64_t measure) const;
  std::span<const double> points(bool source, std::int64_t measure) const;
  /// [measures(source)], points with weight.
  std::vector<double> supports(bool source) const;

  /// Without pairs; see device_problems().
  kernels::Problems on_device(double epsilon) const;

 private:
  const CloudTable& table(bool source) const {
    return source ? clouds_->sources : clouds_->target_table();
  }

  const Population* shared_points_ = nullptr;  ///< or
  const CloudPopulation* clouds_ = nullptr;
};

}  // namespace otfleet
