#pragma once
#include <filesystem>
#include <string>

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

/// "picture: DIR/error_curves.png" and a line break; empty where there is no picture.
std::string picture_line(const std::filesystem::path& picture);

}  // namespace otfleet
