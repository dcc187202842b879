#pragma once
#include <cstdio>  // jpeglib.h needs it

#include <jpeglib.h>
#include <png.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <vector>

// Images that write_png() does not write. Faults end the program.

namespace otfleet::testing {

inline std::FILE* open_to_write(const std::filesystem::path& file) {
  std::FILE* opened = std::fopen(file.c_str(), "wb");
  if (opened == nullptr) throw std::runtime_error("cannot write " + file.string());
  return opened;
}

/// Rows as PNG stores them, of so many bits a value and one of libpng's PNG_COLOR_TYPE_…; palette:
/// red, green, blue of every entry.
inline void write_stored_png(const std::filesystem::path& file, int width, int height, int bits,
                             int color_type, std::vector<std::uint8_t> rows,
                             const std::vector<png_color>& palette = {}) {
  std::FILE* opened = open_to_write(file);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, opened);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), bits,
               color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  png_write_info(png, info);
  const std::size_t bytes_of_row = rows.size() / static_cast<std::size_t>(height);
  for (int row = 0; row < height; ++row)
    png_write_row(png, rows.data() + static_cast<std::size_t>(row) * bytes_of_row);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  std::fclose(opened);
}

struct JpegSettings {
  J_COLOR_SPACE given = JCS_RGB;     ///< what the values are
  J_COLOR_SPACE stored = JCS_YCbCr;  ///< what the file holds
  bool progressive = false;
  bool turned = false;  ///< a note that a camera was turned by 90 degrees (EXIF)
};

/// [height, width, channels] in the best quality, without fewer values of color than of light.
inline void write_jpeg(const std::filesystem::path& file, int width, int height,
                       std::vector<std::uint8_t> values, const JpegSettings& settings = {}) {
  std::FILE* opened = open_to_write(file);
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  jpeg_stdio_dest(&info, opened);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  const std::size_t channels = values.size() / static_cast<std::size_t>(width * height);
  info.input_components = static_cast<int>(channels);
  info.in_color_space = settings.given;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, settings.stored);
  jpeg_set_quality(&info, 100, TRUE);
  for (int k = 0; k < info.num_components; ++k)
    info.comp_info[k].h_samp_factor = info.comp_info[k].v_samp_factor = 1;
  if (settings.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (settings.turned) {
    static constexpr unsigned char note[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0,
                                             0,   0,   8,   0,   1, 1, 18,  0,   3, 0,  0,
                                             0,   1,   0,   6,   0, 0, 0,   0,   0, 0};
    jpeg_write_marker(&info, JPEG_APP0 + 1, note, sizeof note);
  }
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = values.data() + info.next_scanline * channels * info.image_width;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::fclose(opened);
}

}  // namespace otfleet::testing
