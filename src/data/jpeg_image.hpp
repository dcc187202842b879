#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace otfleet {

/// A JPEG image as red, green and blue, 0 to 255. Gray has become three equal values.
struct JpegImage {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> rgb;  ///< [height, width, 3]
};

/// Reads baseline and progressive images, as they lie in the file: a rotation that a camera has
/// noted (EXIF) is not made. Throws UserError that names the file: no file, damaged, truncated, no
/// JPEG image, for printers (CMYK), too large for the memory. Local.
JpegImage read_jpeg_image(const std::filesystem::path& file);

}  // namespace otfleet
