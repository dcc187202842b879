#pragma once

// What the files that otfleet writes say they are: HDF5 in the root attribute otfleet_kind, JSON in
// the field of that name.

namespace otfleet {

inline constexpr const char* population_kind = "population";
inline constexpr const char* solution_kind = "solution";
inline constexpr const char* solution_part_kind = "solution_part";
inline constexpr const char* partial_potentials_kind = "partial_potentials";
inline constexpr const char* checkpoint_kind = "checkpoint";
inline constexpr const char* matrix_kind = "distance_matrix";
inline constexpr const char* report_kind = "report";

}  // namespace otfleet
