#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace otfleet {

/// Red, green and blue of every pixel of an image, row by row.
struct ColorImage {
  std::int64_t height = 0, width = 0;
  std::uint16_t white = 255;       ///< full intensity: 255, or 65535 of PNG images of 16 bits
  std::vector<std::uint16_t> rgb;  ///< [height, width, 3], 0 to `white`

  std::int64_t pixels() const { return height * width; }
  /// In [0, 1], without any correction of gamma.
  double color(std::int64_t pixel, int channel) const {
    return static_cast<double>(rgb[static_cast<std::size_t>(3 * pixel + channel)]) / white;
  }
};

/// Reads a PNG image (gray, with a palette or of colors, of 1 to 16 bits) or a JPEG image (gray or
/// of colors, baseline or progressive), whatever the file is called. Gray becomes three equal
/// channels. A rotation that a camera has noted (EXIF) and color profiles are ignored. Throws
/// UserError that names the file and what to do: no file, damaged, truncated, no image, transparent
/// in places, for printers (CMYK), too large. Local. Memory: 6 bytes a pixel, and up to 8 more on
/// the way.
ColorImage read_color_image(const std::filesystem::path& file);

/// An image of 8 bits of colors [height, width, 3], rounded; one outside of [0, 1] becomes
/// the nearest in it. None is NaN. Local.
ColorImage color_image(std::int64_t height, std::int64_t width, std::span<const double> colors);

/// Writes PNG of 8 bits, rounded from 16, under a temporary name, then renamed; over no file but a
/// picture of otfleet's. Throws UserError. Local.
void write_color_png(const std::filesystem::path& file, const ColorImage& image);

}  // namespace otfleet
