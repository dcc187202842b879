// PNG images: one, or all of a folder, sorted by name. Values are those of the file, 0 to 255 or
// 65535, without any correction of gamma.
#include <png.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <csetjmp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/formats/list.hpp"
#include "src/memory/available_memory.hpp"

namespace otfleet::formats {
namespace {

namespace fs = std::filesystem;

/// An image as libpng leaves it: [height, width, channels], of one or two bytes a value.
struct Image {
  std::int64_t height = 0, width = 0;
  int channels = 0, bits = 0;
  std::vector<unsigned char> bytes;
  std::vector<unsigned char*> rows;
  std::string fault;
};

/// libpng jumps out of what fails; nothing with a destructor may lie between here and there, so all
/// of that is in `image`, which the caller has.
void note_fault(png_structp png, png_const_charp text) {
  static_cast<Image*>(png_get_error_ptr(png))->fault = text;
  png_longjmp(png, 1);
}
void ignore_warning(png_structp, png_const_charp) {}

bool decode(std::FILE* file, Image& image) {
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &image, note_fault, ignore_warning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_init_io(png, file);
  png_read_info(png, info);
  png_set_expand(png);  // palettes to colors, fewer than 8 bits to 8
  if (png_get_bit_depth(png, info) == 16) png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  image.height = png_get_image_height(png, info);
  image.width = png_get_image_width(png, info);
  image.channels = png_get_channels(png, info);
  image.bits = png_get_bit_depth(png, info);
  const std::size_t bytes_of_row = png_get_rowbytes(png, info);
  image.bytes.resize(bytes_of_row * static_cast<std::size_t>(image.height));
  image.rows.resize(static_cast<std::size_t>(image.height));
  for (std::size_t row = 0; row < image.rows.size(); ++row)
    image.rows[row] = image.bytes.data() + row * bytes_of_row;
  png_read_image(png, image.rows.data());
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

double value_at(const Image& image, std::size_t index) {
  if (image.bits <= 8) return image.bytes[index];
  std::uint16_t value = 0;
  std::memcpy(&value, image.bytes.data() + 2 * index, sizeof value);
  return value;
}

/// Appends the gray values of an image.
void append_gray(const Image& image, const fs::path& path, std::vector<double>& values) {
  const auto channels = static_cast<std::size_t>(image.channels);
  const bool color = channels >= 3, alpha = channels % 2 == 0;
  const double opaque = image.bits <= 8 ? 255 : 65535;
  const auto pixels = static_cast<std::size_t>(image.height * image.width);
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    const auto at = [&](std::size_t channel) {
      return value_at(image, pixel * channels + channel);
    };
    if (color && (at(0) != at(1) || at(0) != at(2)))
      throw UserError(path.string() +
                      ": is a color image, but a point has one weight; make it gray, as with "
                      "'convert IN.png -colorspace Gray OUT.png'");
    if (alpha && at(channels - 1) != opaque)
      throw UserError(path.string() +
                      ": is transparent in places; remove the transparency, as with 'convert "
                      "IN.png -background black -alpha remove OUT.png'");
    values.push_back(at(0));
  }
}

Image read_image(const fs::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw UserError(path.string() + ": cannot be read");
  Image image;
  if (!decode(file.get(), image))
    throw UserError(fmt::format("{}: damaged or no PNG image: {}", path.string(),
                                image.fault.empty() ? "no memory" : image.fault));
  return image;
}

bool is_png(const fs::path& file) {
  std::string end = file.extension().string();
  std::transform(end.begin(), end.end(), end.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return end == ".png";
}

std::vector<fs::path> images_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (is_png(entry.path())) files.push_back(entry.path());
  if (error) throw UserError(folder.string() + ": cannot be read: " + error.message());
  if (files.empty())
    throw UserError(folder.string() +
                    ": a folder without *.png images; name a file, or a folder "
                    "of gray PNG images of one size");
  std::sort(files.begin(), files.end());
  return files;
}

/// [M, h, w].
Array read_png(const ArraySource& source) {
  std::error_code ignored;
  const auto files = fs::is_directory(source.file, ignored) ? images_in(source.file)
                                                            : std::vector<fs::path>{source.file};
  Array array;
  for (const auto& file : files) {
    const Image image = read_image(file);
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
