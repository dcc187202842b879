#pragma once
#include <filesystem>
#include <vector>

#include "src/populations/population.hpp"

namespace otfleet {

/// A problem with dual potentials f [n] and g [m] for it.
struct PictureRow {
  std::vector<double> f, g;
};

/// Displacement interpolation (McCann 1997) of a plan P_ij = exp((f_i + g_j − C_ij)/epsilon)
/// between measures on a 2-D grid: every entry's mass at (1 − t) x_i + t y_j, t = 0 … 1, a frame a
/// column, a row of frames each. Writes a PNG, dark on white. Local. Throws UserError when it
/// cannot write.
void draw_interpolations(const std::filesystem::path& picture, const Geometry& geometry,
                         double epsilon, const std::vector<PictureRow>& rows);

}  // namespace otfleet
