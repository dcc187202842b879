#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "src/runs/command_context.hpp"

namespace otfleet {

/// What the folder of a command's results is called: as the command; "map" for a solve that takes
/// points through plans, which stand in "solve".
std::string results_folder(const Job& job, const std::string& command);

/// From now on this process replaces none of the files that the command reads: the job and those
/// that the job names. Local.
void protect_job_files(const Job& job, const std::filesystem::path& job_file,
                       const std::string& command);

/// Before a command does anything: throws UserError where a file that it is going to write would
/// replace one that is protected, or one that otfleet did not make. Local.
void check_output_files(const Job& job, const std::string& command,
                        const std::filesystem::path& output, const std::optional<Share>& share);

/// Name of the report of a run for a share.
std::string share_report_name(const Share& share);

}  // namespace otfleet
