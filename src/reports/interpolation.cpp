#include "src/reports/interpolation.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

constexpr int frames = 9, zoom = 3, margin = 6;
constexpr double negligible = 1e-8;  // of the largest entry; below what a pixel shows

/// Calls visit(i, j, log of the plan's entry) for all points with weight.
template <class Visit>
void for_entries(const Geometry& geometry, double epsilon, const PictureRow& row,
                 const Visit& visit) {
  const auto &vertical = geometry.axes[0], &horizontal = geometry.axes[1];
  const int width = static_cast<int>(horizontal.size()), points = static_cast<int>(row.f.size());
  for (int i = 0; i < points; ++i) {
    if (!std::isfinite(row.f[i])) continue;
    for (int j = 0; j < points; ++j) {
      if (!std::isfinite(row.g[j])) continue;
      const double down = vertical[j / width] - vertical[i / width];
      const double right = horizontal[j % width] - horizontal[i % width];
      visit(i, j, (row.f[i] + row.g[j] - down * down - right * right) / epsilon);
    }
  }
}

/// One frame: the plan's entries, `largest` being the logarithm of the largest, splatted bilinearly
/// on the grid.
std::vector<double> frame(const Geometry& geometry, double epsilon, const PictureRow& row,
                          double largest, double t) {
  const int height = static_cast<int>(geometry.axes[0].size());
  const int width = static_cast<int>(geometry.axes[1].size());
  std::vector<double> image(static_cast<std::size_t>(height) * width, 0.0);
  for_entries(geometry, epsilon, row, [&](int i, int j, double logarithm) {
    const double mass = std::exp(logarithm - largest);
    if (!(mass > negligible)) return;
    const int i0 = i / width, i1 = i % width, j0 = j / width, j1 = j % width;
    const double y = i0 + t * (j0 - i0), x = i1 + t * (j1 - i1);
    const int top = std::min(static_cast<int>(y), height - 1),
              left = std::min(static_cast<int>(x), width - 1);
    const double low = y - top, far = x - left;
    const int below = std::min(top + 1, height - 1), beside = std::min(left + 1, width - 1);
    image[top * width + left] += mass * (1 - low) * (1 - far);
    image[top * width + beside] += mass * (1 - low) * far;
    image[below * width + left] += mass * low * (1 - far);
    image[below * width + beside] += mass * low * far;
  });
  return image;
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

void draw_interpolations(const std::filesystem::path& picture, const Geometry& geometry,
                         double epsilon, const std::vector<PictureRow>& rows) {
  const int height = static_cast<int>(geometry.axes[0].size());
  const int width = static_cast<int>(geometry.axes[1].size());
  const int total_width = frames * (width * zoom + margin) + margin;
  const int total_height = static_cast<int>(rows.size()) * (height * zoom + margin) + margin;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(total_width) * total_height, 255);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    double largest = -INFINITY;
    for_entries(geometry, epsilon, rows[r],
                [&](int, int, double logarithm) { largest = std::max(largest, logarithm); });
    for (int column = 0; column < frames; ++column) {
      const auto image = frame(geometry, epsilon, rows[r], largest, column / (frames - 1.0));
      const double most = *std::max_element(image.begin(), image.end());
      const int top = margin + static_cast<int>(r) * (height * zoom + margin);
      const int left = margin + column * (width * zoom + margin);
      for (int y = 0; y < height * zoom; ++y)
        for (int x = 0; x < width * zoom; ++x) {
          const double ink = most > 0 ? image[(y / zoom) * width + x / zoom] / most : 0;
          pixels[static_cast<std::size_t>(top + y) * total_width + left + x] =
              static_cast<std::uint8_t>(std::lround(255 * (1 - std::sqrt(ink))));
        }
    }
  }
  write_png(picture, total_width, total_height, pixels);
}

}  // namespace otfleet
