#include "src/reports/image_table.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

constexpr int margin = 6;

/// Pixels of a point: an image has about 84 of them.
int zoom_of(int height, int width) {
  return std::clamp(84 / std::max(height, width), 1, 12);
}

void write_png(const std::filesystem::path& path, int width, int height,
               const std::vector<std::uint8_t>& pixels) {
  distributed::StagedPath staged(path, distributed::FileMark::png());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_GRAY;
  if (!png_image_write_to_file(&image, staged.temporary().c_str(), 0, pixels.data(), 0, nullptr))
    throw UserError(path.string() + ": cannot write the picture: " + image.message);
  distributed::mark_png(staged.temporary());
  staged.commit();
}

}  // namespace

void draw_images(const std::filesystem::path& picture, int height, int width,
                 const std::vector<std::vector<GridImage>>& rows) {
  std::size_t columns = 0;
  for (const auto& row : rows) columns = std::max(columns, row.size());
  const int zoom = zoom_of(height, width);
  const int total_width = static_cast<int>(columns) * (width * zoom + margin) + margin;
  const int total_height = static_cast<int>(rows.size()) * (height * zoom + margin) + margin;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(total_width) * total_height, 255);
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t column = 0; column < rows[r].size(); ++column) {
      const auto& image = rows[r][column];
      if (image.empty()) continue;
      const double most = *std::max_element(image.begin(), image.end());
      const int top = margin + static_cast<int>(r) * (height * zoom + margin);
      const int left = margin + static_cast<int>(column) * (width * zoom + margin);
      for (int y = 0; y < height * zoom; ++y)
        for (int x = 0; x < width * zoom; ++x) {
          const double ink = most > 0 ? image[(y / zoom) * width + x / zoom] / most : 0;
          pixels[static_cast<std::size_t>(top + y) * total_width + left + x] =
              static_cast<std::uint8_t>(
                  std::lround(255 * (1 - std::sqrt(std::clamp(ink, 0.0, 1.0)))));
        }
    }
  write_png(picture, total_width, total_height, pixels);
}

}  // namespace otfleet
