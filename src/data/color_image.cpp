#include "src/data/color_image.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string_view>

#include "distributed/error.hpp"
#include "src/data/image_memory.hpp"
#include "src/data/jpeg_image.hpp"
#include "src/data/png_image.hpp"

namespace otfleet {
namespace {

enum class ImageFormat { none, png, jpeg };

ImageFormat format_of(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) throw UserError(file.string() + ": no such file");
  if (!std::filesystem::is_regular_file(file, ignored))
    throw UserError(file.string() + ": is no file; an image was expected");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw UserError(file.string() + ": cannot be read");
  char start[4] = {};
  stream.read(start, sizeof start);
  const std::string_view bytes(start, static_cast<std::size_t>(stream.gcount()));
  if (bytes == "\x89PNG") return ImageFormat::png;
  return bytes.starts_with("\xff\xd8\xff") ? ImageFormat::jpeg : ImageFormat::none;
}

/// Makes room for the pixels.
ColorImage blank(const std::filesystem::path& file, std::int64_t height, std::int64_t width) {
  if (height * width > std::numeric_limits<std::int32_t>::max())
    throw UserError(fmt::format("{}: has {} x {} pixels, more than 2^31 − 1; make it smaller",
                                file.string(), height, width));
  require_image_memory(file, height, width, 6.0 * static_cast<double>(width));
  ColorImage image;
  image.height = height;
  image.width = width;
  image.rgb.resize(static_cast<std::size_t>(3 * height * width));
  return image;
}

ColorImage colors_of(const PngImage& png, const std::filesystem::path& file) {
  require_opaque(png, file, "white");
  ColorImage image = blank(file, png.height, png.width);
  image.white = static_cast<std::uint16_t>(png.white());
  for (std::int64_t pixel = 0; pixel < png.pixels(); ++pixel)
    for (int channel = 0; channel < 3; ++channel)
      image.rgb[static_cast<std::size_t>(3 * pixel + channel)] =
          static_cast<std::uint16_t>(png.value(pixel, png.has_colors() ? channel : 0));
  return image;
}

ColorImage colors_of(const JpegImage& jpeg, const std::filesystem::path& file) {
  ColorImage image = blank(file, jpeg.height, jpeg.width);
  std::copy(jpeg.rgb.begin(), jpeg.rgb.end(), image.rgb.begin());
  return image;
}

}  // namespace

ColorImage read_color_image(const std::filesystem::path& file) {
  switch (format_of(file)) {
    case ImageFormat::png:
      return colors_of(read_png_image(file), file);
    case ImageFormat::jpeg:
      return colors_of(read_jpeg_image(file), file);
    case ImageFormat::none:
      break;
  }
  throw UserError(file.string() +
                  ": is neither a PNG nor a JPEG image; convert it, as with 'convert IN OUT.png'");
}

ColorImage color_image(std::int64_t height, std::int64_t width, std::span<const double> colors) {
  ColorImage image;
  image.height = height;
  image.width = width;
  for (const double color : colors)
    image.rgb.push_back(
        static_cast<std::uint16_t>(std::lround(image.white * std::clamp(color, 0.0, 1.0))));
  return image;
}

void write_color_png(const std::filesystem::path& file, const ColorImage& image) {
  std::vector<std::uint8_t> values;
  values.reserve(image.rgb.size());
  for (std::int64_t pixel = 0; pixel < image.pixels(); ++pixel)
    for (int channel = 0; channel < 3; ++channel)
      values.push_back(static_cast<std::uint8_t>(std::lround(255 * image.color(pixel, channel))));
  write_png_image(file, image.height, image.width, 3, values);
}

}  // namespace otfleet
