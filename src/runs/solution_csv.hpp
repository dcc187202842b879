#pragma once
#include <filesystem>
#include <ostream>

#include "distributed/hdf5_file.hpp"

namespace otfleet {

/// What the table begins with, whatever its columns are.
inline constexpr const char* solution_csv_beginning = "problem,status,";

/// The columns of a solution that have one number a problem as a table in CSV: a line of names,
/// then a row for each problem: its number from 0, its status, source and target measure where the
/// file has them, and the rest in alphabetical order, with all digits. Local. Throws UserError for
/// a file without them.
void write_solution_csv(const distributed::Hdf5File& solution, std::ostream& to);

/// The same into a file, which appears when it is complete.
void write_solution_csv(const std::filesystem::path& solution, const std::filesystem::path& to);

}  // namespace otfleet
