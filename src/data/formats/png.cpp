// PNG images: one, or all of a folder, sorted by name. Values are those of the file, 0 to 255 or
// 65535, without any correction of gamma.
#include <spdlog/fmt/fmt.h>

#include <string>
#include <vector>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/formats/list.hpp"
#include "src/data/image_files.hpp"
#include "src/data/png_image.hpp"
#include "src/memory/available_memory.hpp"

namespace otfleet::formats {
namespace {

namespace fs = std::filesystem;

/// Appends the gray values of an image.
void append_gray(const PngImage& image, const fs::path& path, std::vector<double>& values) {
  for (std::int64_t pixel = 0; pixel < image.pixels(); ++pixel) {
    const int gray = image.value(pixel, 0);
    if (image.has_colors() && (gray != image.value(pixel, 1) || gray != image.value(pixel, 2)))
      throw UserError(
          path.string() +
          ": is a color image, but a point has one weight; make it gray, as with "
          "'convert IN.png -colorspace Gray OUT.png', or take its colors as points by make.pixels");
    values.push_back(gray);
  }
  require_opaque(image, path, "black");
}

/// [M, h, w].
Array read_png(const ArraySource& source) {
  const auto files =
      images_at(source.file, {".png"}, "name a file, or a folder of gray PNG images of one size");
  Array array;
  for (const auto& file : files) {
    const PngImage image = read_png_image(file);
    if (array.shape.empty()) {
      array.shape = {static_cast<std::int64_t>(files.size()), image.height, image.width};
      require_memory(
          source.file.string(),
          {{fmt::format("{} images of {} x {} pixels", files.size(), image.height, image.width),
            8.0 * static_cast<double>(element_count(array.shape, file.string()))}},
          1, "fewer or smaller images are needed");
    } else if (image.height != array.shape[1] || image.width != array.shape[2]) {
      throw UserError(
          fmt::format("{}: has {} x {} pixels, but {} has {} x {}; make all images of one size",
                      file.string(), image.height, image.width, files.front().filename().string(),
                      array.shape[1], array.shape[2]));
    }
    append_gray(image, file, array.values);
  }
  return array;
}

}  // namespace

const ArrayFormat& png() {
  static constexpr ArrayFormat format = {
      "PNG (an image, or a folder of them)", false,
      [](const FileStart& start) { return start.is_folder || start.begins_with("\x89PNG", 4); },
      read_png};
  return format;
}

}  // namespace otfleet::formats
