#pragma once
#include <filesystem>

#include "src/runs/command_context.hpp"

namespace otfleet {

/// The picture of a solution, beside it.
inline constexpr const char* solution_picture_name = "solution.png";

/// Draws DIR/solution.png, a picture of what was solved: the first of
/// solution_pictures/list.hpp that fits. Returns its path; empty where there is none: not asked for
/// (solution.picture), gnuplot is missing, or something failed, which is a warning. No picture of
/// another solution stays. For rank 0 alone. Throws nothing.
std::filesystem::path draw_solution_picture(const CommandContext& context,
                                            const std::filesystem::path& solution,
                                            const std::filesystem::path& population);

}  // namespace otfleet
