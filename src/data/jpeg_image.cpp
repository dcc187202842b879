#include "src/data/jpeg_image.hpp"

#include <cstdio>  // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>  // needs jpeglib.h
#include <spdlog/fmt/fmt.h>

#include <csetjmp>
#include <memory>

#include "distributed/error.hpp"
#include "src/data/image_memory.hpp"

namespace otfleet {
namespace {

/// As PngReader: libjpeg is made to jump out of what fails, to the function that called it last.
struct JpegReader {
  jpeg_error_mgr errors{};
  jpeg_decompress_struct info{};
  std::jmp_buf place{};
  char fault[JMSG_LENGTH_MAX] = "";

  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] void note_jpeg_fault(j_common_ptr info) {
  auto* reader = static_cast<JpegReader*>(info->client_data);
  info->err->format_message(info, reader->fault);
  std::longjmp(reader->place, 1);
}

/// libjpeg makes up what a damaged file lacks and only warns. Warnings of other kinds say nothing
/// of the pixels: bytes that a camera left between its markers, say.
void note_jpeg_warning(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
      note_jpeg_fault(info);
    default:
      return;
  }
}

bool read_jpeg_header(JpegReader& reader, std::FILE* file) {
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = note_jpeg_fault;
  reader.errors.emit_message = note_jpeg_warning;
  reader.info.client_data = &reader;
  if (setjmp(reader.place) != 0) return false;
  jpeg_create_decompress(&reader.info);
  jpeg_stdio_src(&reader.info, file);
  jpeg_read_header(&reader.info, TRUE);
  reader.info.out_color_space = JCS_RGB;
  return true;
}

/// Rows of 3 · width values, one after the other.
bool read_jpeg_rows(JpegReader& reader, JSAMPLE* values) {
  if (setjmp(reader.place) != 0) return false;
  jpeg_start_decompress(&reader.info);
  while (reader.info.output_scanline < reader.info.output_height) {
    JSAMPROW row = values + std::size_t{3} * reader.info.output_width * reader.info.output_scanline;
    jpeg_read_scanlines(&reader.info, &row, 1);
  }
  jpeg_finish_decompress(&reader.info);
  return true;
}

}  // namespace

JpegImage read_jpeg_image(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw UserError(path.string() + ": cannot be read");
  JpegReader reader;
  const auto require = [&](bool done) {
    if (!done)
      throw UserError(fmt::format("{}: damaged or no JPEG image: {}", path.string(), reader.fault));
  };
  require(read_jpeg_header(reader, file.get()));
  const auto colors = reader.info.jpeg_color_space;
  if (colors == JCS_CMYK || colors == JCS_YCCK)
    throw UserError(path.string() +
                    ": is an image for printers (CMYK); make its colors red, green and blue, as "
                    "with 'convert IN.jpg -colorspace sRGB OUT.png'");
  JpegImage image;
  image.height = reader.info.image_height;
  image.width = reader.info.image_width;
  // A progressive image is held as two bytes a value besides.
  const double bytes_of_value = jpeg_has_multiple_scans(&reader.info) ? 3 : 1;
  require_image_memory(path, image.height, image.width,
                       3 * bytes_of_value * static_cast<double>(image.width));
  image.rgb.resize(static_cast<std::size_t>(3 * image.height * image.width));
  require(read_jpeg_rows(reader, image.rgb.data()));
  return image;
}

}  // namespace otfleet
