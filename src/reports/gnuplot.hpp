#pragma once
#include <filesystem>
#include <string>

namespace otfleet {

/// Hands a script to gnuplot, after the lines that all our plots begin with: a terminal of 900 ×
/// 560 pixels, and for curve k = 1, 2, … a color(k), the same for every eighth, and dashes(k),
/// which tell those apart. The picture appears under its final name when it is complete; where
/// gnuplot is missing or fails, a warning with its words, no picture, and false. Local. Throws
/// UserError where no picture of ours may be written.
bool draw_picture(const std::filesystem::path& picture, const std::string& script);

}  // namespace otfleet
