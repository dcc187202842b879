#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "src/families/barycenter/measure_sets.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_table.hpp"

namespace otfleet {

/// Many barycenter problems whose measures have points of their own. The points of the barycenters
/// move; costs are squared Euclidean.
///
/// The file (HDF5, root attributes as those of a BarycenterPopulation):
///   /measures/weights [total], points [total, d], offsets [M + 1]   as CloudPopulation has them
///   /problems/offsets, measures, weights                            as BarycenterPopulation has
///   them /barycenter/points [P, n, d]    where the barycenters' points begin; absent: they are
///   drawn /barycenter/weights [P, n]      of the barycenters' points, any unit; absent: equal
///   /geometry, attributes `kind` = "clouds", `cost` = "squared_euclidean"
struct FreeSupportPopulation {
  std::int64_t dimension = 0;
  CloudTable measures;
  MeasureSets sets;
  std::int64_t points = 0;              ///< n, of the file; 0: it says nothing
  std::vector<double> start;            ///< [P, n, d] or empty
  std::vector<double> support_weights;  ///< [P, n] or empty

  /// 16 hex digits over all of it. Work: a look at every number.
  std::string content_fingerprint() const;
  /// Throws UserError that names dataset and measure or problem: see check_cloud_table() and
  /// MeasureSets; points that are not finite, weights that are none.
  void validate(const std::string& name, bool equal_masses) const;
};

/// Does this population of barycenters give every measure points of its own? Local. Throws
/// UserError where nothing says what it is.
bool holds_free_supports(const std::filesystem::path& file);

/// Reads and validates. Local. Throws UserError.
FreeSupportPopulation read_free_supports(const std::filesystem::path& file,
                                         bool equal_masses = true);

/// The same, then what the job says has to fit: geometry and cost if it sets them, and
/// barycenter.points. With solver.normalize every measure has mass 1; else those of a problem have
/// equal masses. `points` becomes what the job says where the file does not. Local.
FreeSupportPopulation read_job_free_supports(const Job& job, const std::filesystem::path& file);

/// Writes under a temporary name, then renames. Local: rank 0 alone calls it. Throws UserError.
void write_free_supports(const std::filesystem::path& file,
                         const FreeSupportPopulation& population);

/// A statistic of the costs between points of measures of the same problem, of each and the next
/// one: barycenters are not known before. See cloud_cost_statistic(). Local.
double free_support_cost_statistic(FreeSupportPopulation population, CostStatistic statistic);

}  // namespace otfleet
