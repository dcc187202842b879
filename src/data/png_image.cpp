#include "src/data/png_image.hpp"

#include <png.h>
#include <spdlog/fmt/fmt.h>

#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/image_memory.hpp"

namespace otfleet {
namespace {

/// libpng jumps out of what fails, to the function that called it last. Nothing with a destructor
/// may lie in between, so those functions have none: what they need is in a reader.
struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  char fault[256] = "no memory";

  PngReader() = default;
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void note_png_fault(png_structp png, png_const_charp text) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->fault, sizeof reader->fault, "%s", text);
  png_longjmp(png, 1);
}
void ignore_png_warning(png_structp, png_const_charp) {}

/// All but the bytes.
bool read_png_header(PngReader& reader, std::FILE* file, PngImage& image) {
  png_structp png = reader.png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, note_png_fault, ignore_png_warning);
  if (png == nullptr || (reader.info = png_create_info_struct(png)) == nullptr) return false;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_init_io(png, file);
  png_read_info(png, reader.info);
  png_set_expand(png);
  if (std::endian::native == std::endian::little) png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, reader.info);
  image.height = png_get_image_height(png, reader.info);
  image.width = png_get_image_width(png, reader.info);
  image.channels = png_get_channels(png, reader.info);
  image.bits = png_get_bit_depth(png, reader.info);
  return true;
}

bool read_png_rows(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

}  // namespace

int PngImage::value(std::int64_t pixel, int channel) const {
  const auto at = static_cast<std::size_t>(pixel * channels + channel);
  if (bits == 8) return bytes[at];
  std::uint16_t value = 0;
  std::memcpy(&value, bytes.data() + 2 * at, sizeof value);
  return value;
}

PngImage read_png_image(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw UserError(path.string() + ": cannot be read");
  PngReader reader;
  PngImage image;
  const auto require = [&](bool done) {
    if (!done)
      throw UserError(fmt::format("{}: damaged or no PNG image: {}", path.string(), reader.fault));
  };
  require(read_png_header(reader, file.get(), image));
  const auto bytes_of_row =
      static_cast<std::size_t>(image.width * image.channels * (image.bits / 8));
  require_image_memory(path, image.height, image.width, static_cast<double>(bytes_of_row));
  image.bytes.resize(bytes_of_row * static_cast<std::size_t>(image.height));
  std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
  for (std::size_t row = 0; row < rows.size(); ++row)
    rows[row] = image.bytes.data() + row * bytes_of_row;
  require(read_png_rows(reader, rows.data()));
  return image;
}

void require_opaque(const PngImage& image, const std::filesystem::path& file,
                    const std::string& background) {
  if (!image.has_opacity()) return;
  for (std::int64_t pixel = 0; pixel < image.pixels(); ++pixel)
    if (image.value(pixel, image.channels - 1) != image.white())
      throw UserError(
          fmt::format("{}: is transparent in places; remove the transparency, as with 'convert "
                      "IN.png -background {} -alpha remove OUT.png'",
                      file.string(), background));
}

void write_png_image(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
                     int channels, std::span<const std::uint8_t> values) {
  distributed::StagedPath staged(file, distributed::FileMark::png());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  if (!png_image_write_to_file(&image, staged.temporary().c_str(), 0, values.data(), 0, nullptr))
    throw UserError(file.string() + ": cannot write the picture: " + image.message);
  distributed::mark_png(staged.temporary());
  staged.commit();
}

}  // namespace otfleet
