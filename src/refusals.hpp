#pragma once
#include <filesystem>
#include <string>

#include "src/job.hpp"

// What a job asks for that its problems do not have. All of it stands in one table, in
// refusals.cpp.

namespace otfleet {

/// Throws UserError where problems of the job's kind do not have the command, or what the job asks
/// for: "otfleet make: not for problem = 'neural_dual'; …". Local.
void check_command_fits(const Job& job, const std::string& command);

/// Throws UserError, naming the key, when the job's problems are not balanced: "otfleet train:
/// problem.tau_a must be 1, …". Local.
void require_balanced(const Job& job, const std::string& command);

/// Throws UserError, naming the key, when the job's problems are not balanced and it asks for what
/// exists for balanced problems alone. Local.
void check_solver_fits(const Job& job);

/// Throws UserError, naming the key, when the job asks of problems in which every measure has
/// points of its own, those of `file`, for what needs points that they share. Local.
void check_clouds_fit(const Job& job, const std::filesystem::path& file);

/// Throws UserError, naming the key, when the job asks for what ranks that share the rows of a
/// problem cannot make. Local.
void check_rows_fit(const Job& job);
/// Whether they can make all that the job asks for. Local.
bool rows_fit(const Job& job);

}  // namespace otfleet
