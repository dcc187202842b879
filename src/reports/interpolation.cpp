#include "src/reports/interpolation.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

constexpr int frames = 9, margin = 6;
constexpr double negligible = 1e-8;  // of the largest entry; below what a pixel shows

/// Pixels of a point: a frame has about 84 of them.
int zoom_of(int height, int width) {
  return std::clamp(84 / std::max(height, width), 1, 12);
}

/// A point with weight: where on the grid it is, its coordinates, and its potential.
struct WeightedPoint {
  int down, right;
  double y, x, potential;
};

std::vector<WeightedPoint> points_with_weight(const Geometry& geometry,
                                              const std::vector<double>& potentials) {
  const auto &vertical = geometry.axes[0], &horizontal = geometry.axes[1];
  const std::size_t width = horizontal.size();
  std::vector<WeightedPoint> points;
  for (std::size_t i = 0; i < potentials.size(); ++i)
    if (std::isfinite(potentials[i]))
      points.push_back({static_cast<int>(i / width), static_cast<int>(i % width),
                        vertical[i / width], horizontal[i % width], potentials[i]});
  return points;
}

/// The frames of a plan, one after the other: its entries splatted bilinearly on the grid at every
/// time.
std::vector<std::vector<double>> frames_of(const Geometry& geometry, double epsilon,
                                           const PictureRow& row) {
  const int height = static_cast<int>(geometry.axes[0].size());
  const int width = static_cast<int>(geometry.axes[1].size());
  const auto sources = points_with_weight(geometry, row.f),
             targets = points_with_weight(geometry, row.g);
  const auto logarithm = [&](const WeightedPoint& x, const WeightedPoint& y) {
    const double down = y.y - x.y, right = y.x - x.x;
    return (x.potential + y.potential - down * down - right * right) / epsilon;
  };
  double largest = -INFINITY;
  for (const auto& x : sources)
    for (const auto& y : targets) largest = std::max(largest, logarithm(x, y));
  std::vector<std::vector<double>> images(
      frames, std::vector<double>(static_cast<std::size_t>(height) * width, 0.0));
  const double smallest = largest + std::log(negligible);
  for (const auto& source : sources)
    for (const auto& target : targets) {
      const double entry = logarithm(source, target);
      if (!(entry > smallest)) continue;
      const double mass = std::exp(entry - largest);
      for (int k = 0; k < frames; ++k) {
        const double t = k / (frames - 1.0);
        const double y = source.down + t * (target.down - source.down),
                     x = source.right + t * (target.right - source.right);
        const int top = std::min(static_cast<int>(y), height - 1),
                  left = std::min(static_cast<int>(x), width - 1);
        const double low = y - top, far = x - left;
        const int below = std::min(top + 1, height - 1), beside = std::min(left + 1, width - 1);
        auto& image = images[static_cast<std::size_t>(k)];
        image[top * width + left] += mass * (1 - low) * (1 - far);
        image[top * width + beside] += mass * (1 - low) * far;
        image[below * width + left] += mass * low * (1 - far);
        image[below * width + beside] += mass * low * far;
      }
    }
  return images;
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
  const int zoom = zoom_of(height, width);
  const int total_width = frames * (width * zoom + margin) + margin;
  const int total_height = static_cast<int>(rows.size()) * (height * zoom + margin) + margin;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(total_width) * total_height, 255);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto images = frames_of(geometry, epsilon, rows[r]);
    for (int column = 0; column < frames; ++column) {
      const auto& image = images[static_cast<std::size_t>(column)];
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
