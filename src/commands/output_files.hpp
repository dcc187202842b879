#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "src/commands/commands.hpp"

namespace otfleet {

/// Before a command does anything: protects the files that it reads (the job and those that the job
/// names) and throws UserError where a file that it is going to write would replace one of them, or
/// one that otfleet did not make. Local.
void check_output_files(const Job& job, const std::filesystem::path& job_file,
                        const std::string& command, const std::filesystem::path& output,
                        const std::optional<Share>& share);

/// Name of the report of a run for a share.
std::string share_report_name(const Share& share);

}  // namespace otfleet
