#pragma once
#include <filesystem>
#include <vector>

namespace otfleet {

/// Weights of the points of a grid, row-major; empty: the place of the image stays white.
using GridImage = std::vector<double>;

/// Images of height × width points beside and below each other, as one PNG with a mark: dark on
/// white, each as dark as its largest weight. Rows may have different numbers of images. Local.
/// Throws UserError when it cannot write.
void draw_images(const std::filesystem::path& picture, int height, int width,
                 const std::vector<std::vector<GridImage>>& rows);

}  // namespace otfleet
