#pragma once
#include <png.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace otfleet::testing {

/// Writes a PNG image of 8 bits a channel; `format` is one of libpng's PNG_FORMAT_…, which says how
/// many channels a pixel has.
inline void write_png(const std::filesystem::path& file, int width, int height,
                      const std::vector<std::uint8_t>& values,
                      std::uint32_t format = PNG_FORMAT_GRAY) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  if (PNG_IMAGE_SIZE(image) != values.size() ||
      !png_image_write_to_file(&image, file.c_str(), 0, values.data(), 0, nullptr))
    throw std::runtime_error("cannot write " + file.string());
}

}  // namespace otfleet::testing
