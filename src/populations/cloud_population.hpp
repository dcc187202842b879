#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "src/populations/cloud_table.hpp"
#include "src/populations/contexts.hpp"

namespace otfleet {

/// Many OT problems between clouds of points, every measure with its own: measures are stored once,
/// as they are, problems are pairs of indices.
///
/// The file is that of a Population, but for
///   /measures/weights [total] and points [total, d] float64, offsets [M + 1] int64, or all three
///     for each side: source_weights, source_points, source_offsets, target_weights, …
///   /measures/names [M] strings, may be there, or source_names and target_names
///   /geometry, attribute `kind` = "clouds"; attributes `cost`, a ground cost, and its parameters:
///   `power`,
///     `great_circle_divisor`
///   /problems/context [P, C] and image [N, d], see contexts.hpp
struct CloudPopulation {
  kernels::GroundCost ground_cost;
  std::int64_t dimension = 0;
  bool shared_measures = true;               ///< both sides draw from `sources`
  CloudTable sources, targets;               ///< targets: empty when shared
  std::vector<std::int32_t> source, target;  ///< [P]
  std::vector<std::int64_t> sequence;        ///< [P], or empty: see Population
  Contexts contexts;                         ///< of the problems, or none
  std::vector<double> images;                ///< of the problems' source points, or empty

  std::string cost_name() const { return name_of(ground_cost); }
  std::int64_t problems() const { return static_cast<std::int64_t>(source.size()); }
  const CloudTable& target_table() const { return shared_measures ? sources : targets; }
  std::int64_t source_points(std::int64_t problem) const { return sources.size(source[problem]); }
  std::int64_t target_points(std::int64_t problem) const {
    return target_table().size(target[problem]);
  }
  /// Where each problem's source points begin when all are in one list [P + 1].
  std::vector<std::int64_t> source_point_offsets() const;

  /// How the names of one side's datasets begin.
  std::string prefix(bool source) const;

  /// 16 hex digits over the cost and the dimension.
  std::string fingerprint() const;
  /// 16 hex digits over the cost, all measures and all problems. Work: a look at every number.
  std::string content_fingerprint() const;

  /// Scales every measure to mass 1. The masses must be positive.
  void normalize();

  /// Throws UserError that names the measure or problem: offsets that do not begin with 0, ascend
  /// and end with the number of points, measures without points, sizes that do not fit, points that
  /// are not finite, an unknown cost, and what Population::validate() says of weights and problems.
  void validate(const std::string& name, bool equal_masses = true) const;
};

/// Does this population give every measure points of its own? Local. Throws UserError where
/// nothing says what it is.
bool holds_clouds(const distributed::Hdf5File& file);
/// The same. Throws UserError for what cannot be opened.
bool holds_clouds(const std::filesystem::path& file);

/// As read_population() and write_population(). Local. Throw UserError.
CloudPopulation read_cloud_population(const std::filesystem::path& file, bool equal_masses = true);
void write_cloud_population(const std::filesystem::path& file, const CloudPopulation& population);

/// The population without its weights and points, checked as far as that goes. Local. Throws
/// UserError.
CloudPopulation read_cloud_outline(const distributed::Hdf5File& file);

}  // namespace otfleet
