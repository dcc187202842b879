#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "src/families/barycenter/measure_sets.hpp"
#include "src/job.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// Many barycenter problems on one geometry. Measures lie on the m points of its target side,
/// barycenters on the n points of its source side.
///
/// The file (HDF5, root attributes `otfleet_kind` = "population", `otfleet_family` = "barycenter",
/// `otfleet_version` = 1):
///   /measures/weights [M, m]    every row one measure
///   /problems/offsets [P + 1]   the entries of problem k begin here and end where the next ones do
///   /problems/measures [N]      rows of the measures
///   /problems/weights [N]       of the measures in the mean, any unit; absent: equal
///   /geometry                   as Population has it
struct BarycenterPopulation {
  Geometry geometry;
  std::int64_t measures = 0;
  std::vector<double> weights;  ///< [measures, m]
  MeasureSets sets;

  /// 16 hex digits over all of it. Work: a look at every number.
  std::string content_fingerprint() const;
  /// Scales every measure to mass 1. The masses must be positive.
  void normalize();
  /// Throws UserError that names dataset and row: see Geometry, check_weights() and MeasureSets.
  void validate(const std::string& name, bool equal_masses) const;
};

/// Reads and validates. Local. Throws UserError.
BarycenterPopulation read_barycenter_population(const std::filesystem::path& file,
                                                bool equal_masses = true);

/// The same, then what the job says has to fit: geometry and cost if it sets them, and equal masses
/// in a problem where tau is 1. With solver.normalize every measure has mass 1. Local.
BarycenterPopulation read_job_barycenters(const Job& job, const std::filesystem::path& file);

/// Writes under a temporary name, then renames. Local: rank 0 alone calls it. Throws UserError.
void write_barycenter_population(const std::filesystem::path& file,
                                 const BarycenterPopulation& population);

/// Entries that a stored cost may have; points beyond need more memory and time than they are
/// worth.
constexpr std::int64_t most_stored_costs = std::int64_t{1} << 27;

/// The same geometry, where points are listed with their costs as a matrix [n, m]: barycenters of
/// points need it stored. Local. Throws UserError beyond most_stored_costs.
Geometry with_stored_costs(const Geometry& geometry, const std::string& name);

}  // namespace otfleet
