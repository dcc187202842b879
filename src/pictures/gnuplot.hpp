#pragma once
#include <filesystem>
#include <string>

namespace otfleet {

/// Hands a script to gnuplot, after the lines that all our plots begin with: a terminal of 900 ×
/// 560 pixels, and colors color[1] … color[5]. The picture appears under its final name when it is
/// complete; where gnuplot is missing or fails, a warning and no picture. Local. Throws
/// UserError where no picture of ours may be written.
void draw_picture(const std::filesystem::path& picture, const std::string& script);

}  // namespace otfleet
