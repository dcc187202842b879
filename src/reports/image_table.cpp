#include "src/reports/image_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "src/data/png_image.hpp"

namespace otfleet {
namespace {

constexpr int margin = 6;

/// Pixels of a point: an image has about 84 of them.
int zoom_of(int height, int width) {
  return std::clamp(84 / std::max(height, width), 1, 12);
}

/// Gray of a weight, dark where it is large.
std::uint8_t gray(double share) {
  return static_cast<std::uint8_t>(std::lround(255 * (1 - std::sqrt(std::clamp(share, 0.0, 1.0)))));
}

}  // namespace

void draw_placed_images(const std::filesystem::path& picture, int height, int width,
                        const std::vector<PlacedImage>& images) {
  constexpr int side = 1200;
  // Most images lie in the middle: together they cover less than half of the square.
  const double room =
      side / std::sqrt(static_cast<double>(std::max<std::size_t>(images.size(), 1)));
  const int length = std::max(height, width);
  const int size = std::clamp(static_cast<int>(0.65 * room), 24, 200);
  const int drawn_height = std::max(1, size * height / length);
  const int drawn_width = std::max(1, size * width / length);
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (const auto& image : images) {
    low[0] = std::min(low[0], image.x);
    high[0] = std::max(high[0], image.x);
    low[1] = std::min(low[1], image.y);
    high[1] = std::max(high[1], image.y);
  }
  const double reach = std::max({high[0] - low[0], high[1] - low[1], 1e-300});
  const double scale = (side - size - 2 * margin) / reach;
  const auto total_width = static_cast<int>(scale * (high[0] - low[0])) + size + 2 * margin + 1;
  const auto total_height = static_cast<int>(scale * (high[1] - low[1])) + size + 2 * margin + 1;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(total_width) * total_height, 255);
  for (const auto& image : images) {
    const double most = *std::max_element(image.weights.begin(), image.weights.end());
    const int left =
        margin + static_cast<int>(scale * (image.x - low[0])) + (size - drawn_width) / 2;
    const int top =
        margin + static_cast<int>(scale * (high[1] - image.y)) + (size - drawn_height) / 2;
    for (int y = 0; y < drawn_height; ++y)
      for (int x = 0; x < drawn_width; ++x) {
        const int row = y * height / drawn_height, column = x * width / drawn_width;
        auto& pixel = pixels[static_cast<std::size_t>(top + y) * total_width + left + x];
        pixel = std::min(pixel, gray(most > 0 ? image.weights[row * width + column] / most : 0));
      }
  }
  write_png_image(picture, total_height, total_width, 1, pixels);
}

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
          pixels[static_cast<std::size_t>(top + y) * total_width + left + x] = gray(ink);
        }
    }
  write_png_image(picture, total_height, total_width, 1, pixels);
}

}  // namespace otfleet
