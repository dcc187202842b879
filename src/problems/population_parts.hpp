#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

// What the files of all populations have in common, and their checks. All throw UserError.

namespace otfleet {

/// Unless the file says that it is a population, or says nothing, in a version that is known, with
/// the groups that every population has.
void check_population_groups(const distributed::Hdf5File& file);
/// Says so of a file that is being made.
void mark_population(distributed::Hdf5File& file);

/// Measures that problems refer to, one dimension of integers.
std::vector<std::int32_t> read_indices(const distributed::Hdf5File& file,
                                       const std::string& dataset);
void write_problems(distributed::Hdf5File& file, const std::vector<std::int32_t>& source,
                    const std::vector<std::int32_t>& target);

/// The mass of one measure, `what` number `index` of `name`: no weight negative, NaN or infinite,
/// not all zero, a finite mass.
double check_measure(const std::string& name, const char* what, std::int64_t index,
                     std::span<const double> weights);

/// Unless both sides have as many problems, all refer to measures that exist, and, where
/// `equal_masses` is asked for, the masses of a pair agree to 1e-5.
void check_problems(const std::string& name, const std::vector<std::int32_t>& source,
                    const std::vector<std::int32_t>& target,
                    const std::vector<double>& source_masses,
                    const std::vector<double>& target_masses, bool equal_masses);

}  // namespace otfleet
