#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "distributed/shard.hpp"
#include "kernels/api/barycenters.hpp"
#include "src/data/fingerprint.hpp"

namespace otfleet {

/// The problems of a population of barycenters: problem k is about the measures
/// measures[offsets[k]] … measures[offsets[k + 1] − 1], each with the weight of the same entry.
struct MeasureSets {
  std::vector<std::int64_t> offsets = {0};  ///< [P + 1]
  std::vector<std::int32_t> measures;       ///< [N], rows of the measures
  std::vector<double> weights;              ///< [N], not negative, in any unit; empty: all equal

  std::int64_t problems() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  /// Measures of a problem, and of the one that has most.
  std::int64_t size(std::int64_t problem) const { return offsets[problem + 1] - offsets[problem]; }
  std::int64_t largest() const;
  double weight(std::size_t entry) const { return weights.empty() ? 1.0 : weights[entry]; }

  /// Some problems, `which` counted from problem `first`, as kernels take them; or those of `rows`.
  kernels::BarycenterSets some(std::int64_t first, std::span<const std::int32_t> which) const;
  kernels::BarycenterSets part(distributed::Shard rows) const;

  /// Throws UserError that begins with `name` and names dataset and problem: offsets that do not
  /// begin with 0, ascend and end with the number of entries, problems without measures, measures
  /// that do not exist, weights that are negative or not finite or that are all zero in a problem,
  /// and, where `equal_masses` is asked for, masses in a problem that differ by more than 1e-5
  /// relative (`may_differ`: there is a solver of such problems, too). `masses` [M]: of the
  /// measures.
  void validate(const std::string& name, const std::vector<double>& masses, bool equal_masses,
                bool may_differ) const;
  void add_to(Fnv& hash) const;
};

/// The members of /problems.
const std::vector<std::string>& measure_set_names();

/// /problems of a population file. Local. Throw UserError.
MeasureSets read_measure_sets(const distributed::Hdf5File& file);
void write_measure_sets(distributed::Hdf5File& file, const MeasureSets& sets);

}  // namespace otfleet
