#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace otfleet {

/// The first `most` problems of a solution's file as a table: source, target, cost, bounds, error,
/// and how they ended, in words; and how many more there are. Columns that the file does not have
/// are left out. Throws UserError. Local.
std::string solution_table(const std::filesystem::path& file, std::int64_t most = 10);

}  // namespace otfleet
