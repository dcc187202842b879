#pragma once
#include <filesystem>
#include <string>

#include "src/runs/command_context.hpp"

namespace otfleet {

/// The picture of a solution, beside it.
inline constexpr const char* solution_picture_name = "solution.png";

/// What the picture shows that is drawn where no other fits.
inline constexpr const char* certificates_caption =
    "The costs of the problems, and the errors and gaps of all rows";

struct DrawnPicture {
  std::filesystem::path file;  ///< empty: there is none
  std::string shows;           ///< a caption
};

/// Draws DIR/solution.png, a picture of what was solved: the first of
/// solution_pictures/list.hpp that fits. None is drawn where it is not
/// asked for (solution.picture), gnuplot is missing, or something failed, which is a warning. No
/// picture of another solution stays. For rank 0 alone. Throws nothing.
DrawnPicture draw_solution_picture(const CommandContext& context,
                                   const std::filesystem::path& solution,
                                   const std::filesystem::path& population);

}  // namespace otfleet
