#include "src/reports/interpolation.hpp"

#include <algorithm>
#include <cmath>

#include "src/reports/image_table.hpp"

namespace otfleet {
namespace {

constexpr int frames = 9;
constexpr double negligible = 1e-8;  // of the largest entry; below what a pixel shows

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
std::vector<GridImage> frames_of(const Geometry& geometry, double epsilon, const PictureRow& row) {
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
  std::vector<GridImage> images(frames, GridImage(static_cast<std::size_t>(height) * width, 0.0));
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

}  // namespace

void draw_interpolations(const std::filesystem::path& picture, const Geometry& geometry,
                         double epsilon, const std::vector<PictureRow>& rows) {
  std::vector<std::vector<GridImage>> images;
  images.reserve(rows.size());
  for (const auto& row : rows) images.push_back(frames_of(geometry, epsilon, row));
  draw_images(picture, static_cast<int>(geometry.axes[0].size()),
              static_cast<int>(geometry.axes[1].size()), images);
}

}  // namespace otfleet
