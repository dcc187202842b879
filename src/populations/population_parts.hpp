#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "src/populations/population.hpp"

// What the files of all populations have in common, and their checks. All throw UserError.

namespace otfleet {

/// Root attribute that says of which family the problems are; absent: pairs of measures.
inline constexpr const char* family_attribute = "otfleet_family";

/// Root attribute with the content fingerprint of pairs of measures as otfleet wrote them: shows
/// whether somebody has edited the file since.
inline constexpr const char* content_attribute = "otfleet_content";

/// Unless the file says that it is a population, or says nothing, of this family (empty: pairs of
/// measures), in a version that is known, with the groups that every population has.
void check_population_groups(const distributed::Hdf5File& file, const std::string& family = {});
/// Says so of a file that is being made.
void mark_population(distributed::Hdf5File& file, const std::string& family = {});

/// The cost between n and m points, which are known from the measures. Writing makes the group.
void read_geometry(const distributed::Hdf5File& file, Geometry& geometry);
void write_geometry(distributed::Hdf5File& file, const Geometry& geometry);

/// Measures that problems refer to, one dimension of integers.
std::vector<std::int32_t> read_indices(const distributed::Hdf5File& file,
                                       const std::string& dataset);
void write_problems(distributed::Hdf5File& file, const std::vector<std::int32_t>& source,
                    const std::vector<std::int32_t>& target);

/// The sum of some weights of one measure, `what` number `index` of `name`, the first of them that
/// of point `first`: none negative, NaN or infinite.
double sum_weights(const std::string& name, const char* what, std::int64_t index,
                   std::span<const double> weights, std::int64_t first = 0);
/// Unless the sum of all weights of a measure is > 0 and finite.
void check_mass(const std::string& name, const char* what, std::int64_t index, double mass);
/// The mass of one measure, with both checks.
double check_measure(const std::string& name, const char* what, std::int64_t index,
                     std::span<const double> weights);

/// Scales the weights of one measure, of positive mass, to mass 1.
void scale_to_mass_one(std::span<double> weights);

/// Unless both sides have as many problems, all refer to measures that exist, and, where
/// `equal_masses` is asked for, the masses of a pair agree to 1e-5. `may_differ`: there is a solver
/// of such problems for unequal masses, too.
void check_problems(const std::string& name, const std::vector<std::int32_t>& source,
                    const std::vector<std::int32_t>& target,
                    const std::vector<double>& source_masses,
                    const std::vector<double>& target_masses, bool equal_masses, bool may_differ);

}  // namespace otfleet
