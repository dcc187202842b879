#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "src/job.hpp"

namespace otfleet {

/// Many Gromov–Wasserstein problems between spaces that are known by the costs between their points
/// alone, as graphs are.
///
/// The file (HDF5, root attribute otfleet_family = "gromov_wasserstein"):
///   /measures/weights [total], offsets [M + 1]   as CloudPopulation has them
///   /measures/costs [sum of n²]    the matrices of all spaces, one after the other, symmetric;
///                                  integers or floats
///   /measures/features [total, k]  what points are; may be left out
///   /problems/source, target [P]   spaces of the one table
///   /geometry                      an empty group
struct SpacePopulation {
  std::vector<double> weights;               ///< [total]
  std::vector<double> costs;                 ///< [sum of n²]
  std::vector<double> feature_values;        ///< [total, features]
  std::int64_t features = 0;                 ///< numbers of a point
  std::vector<std::int64_t> offsets = {0};   ///< [M + 1]
  std::vector<std::int32_t> source, target;  ///< [P]

  std::int64_t problems() const { return static_cast<std::int64_t>(source.size()); }
  std::int64_t spaces() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t size(std::int64_t space) const { return offsets[space + 1] - offsets[space]; }
  double mass(std::int64_t space) const;

  /// 16 hex digits over all of it. Work: a look at every number.
  std::string content_fingerprint() const;
  /// Throws UserError that names dataset and space or problem: sizes that do not fit, weights that
  /// are none, costs that are not finite or not symmetric, problems of unequal masses where that
  /// matters.
  void validate(const std::string& name, bool equal_masses) const;
};

/// Does the file say that it is such a population? Local. Throws UserError for what cannot be
/// opened.
bool holds_spaces(const std::filesystem::path& file);

/// Reads and validates. Local. Throws UserError.
SpacePopulation read_spaces(const std::filesystem::path& file, bool equal_masses = true);

/// The same; with solver.normalize every space has mass 1.
SpacePopulation read_job_spaces(const Job& job, const std::filesystem::path& file);

/// Of the matrices [M, n, n] that the job names as data.test, with equal weights or those of
/// data.test.weights, and pairs as make.pairs says; `remark` gets what there is to say of them.
/// Local. Throws UserError.
SpacePopulation build_spaces(const Job& job, std::string& remark);

/// Writes under a temporary name, then renames. Local: rank 0 alone calls it. Throws UserError.
void write_spaces(const std::filesystem::path& file, const SpacePopulation& population);

}  // namespace otfleet
