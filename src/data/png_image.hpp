#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace otfleet {

/// The values of a PNG image as they are stored, 0 to 255 or 65535, without any correction of
/// gamma: gray, or red, green and blue, and maybe opacity after them. Palettes have become colors,
/// and fewer than 8 bits 8.
struct PngImage {
  std::int64_t height = 0, width = 0;
  int channels = 0;                  ///< 1 to 4
  int bits = 0;                      ///< of a value, 8 or 16
  std::vector<unsigned char> bytes;  ///< [height, width, channels], of one or two bytes a value

  std::int64_t pixels() const { return height * width; }
  bool has_colors() const { return channels >= 3; }
  bool has_opacity() const { return channels % 2 == 0; }
  /// Of full intensity.
  int white() const { return bits == 8 ? 255 : 65535; }
  int value(std::int64_t pixel, int channel) const;
};

/// Throws UserError that names the file: no file, damaged, truncated, no PNG image, too large for
/// the memory. Local.
PngImage read_png_image(const std::filesystem::path& file);

/// Throws UserError that names the file and how to remove the transparency, before a background of
/// that color, unless every pixel is opaque. Local.
void require_opaque(const PngImage& image, const std::filesystem::path& file,
                    const std::string& background);

/// Writes values of 8 bits, [height, width, channels], gray or RGB, under a temporary name, then
/// renamed; with the mark of otfleet's pictures, and over nothing that lacks it. Throws UserError.
/// Local.
void write_png_image(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
                     int channels, std::span<const std::uint8_t> values);

}  // namespace otfleet
