#include "src/data/color_image.hpp"

#include <gtest/gtest.h>

#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"
#include "tests/src/write_images.hpp"
#include "tests/src/write_png.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using testing::write_bytes;
using testing::write_jpeg;
using testing::write_png;
using testing::write_stored_png;
using Bytes = std::vector<std::uint8_t>;
using Values = std::vector<std::uint16_t>;

class ColorImages : public ::testing::Test {
 protected:
  ColorImage read(const std::string& name) { return read_color_image(folder_ / name); }
  /// `height` rows of `rgb`, up to rounding by JPEG.
  void expect_image(const std::string& name, std::int64_t height, std::int64_t width,
                    const Values& rgb, std::uint16_t white = 255, int rounding = 0) {
    const auto image = read(name);
    EXPECT_EQ(image.height, height) << name;
    EXPECT_EQ(image.width, width) << name;
    EXPECT_EQ(image.white, white) << name;
    ASSERT_EQ(image.rgb.size(), rgb.size()) << name;
    for (std::size_t i = 0; i < rgb.size(); ++i) EXPECT_NEAR(image.rgb[i], rgb[i], rounding) << i;
  }
  template <class... Parts>
  void expect_refused(const std::string& name, const Parts&... parts) {
    expect_error([&] { read(name); }, (folder_ / name).string() + ": ", parts...);
  }
  testing::TemporaryFolder folder_;
};

/// Every pixel another color, smooth.
Bytes colors(int height, int width) {
  Bytes values;
  for (int row = 0; row < height; ++row)
    for (int column = 0; column < width; ++column)
      for (const int value : {200 * row / height, 200 * column / width, 100})
        values.push_back(static_cast<std::uint8_t>(value));
  return values;
}

TEST_F(ColorImages, PngOfEveryKind) {
  write_png(folder_ / "rgb.png", 2, 1, Bytes{1, 2, 3, 254, 255, 0}, PNG_FORMAT_RGB);
  expect_image("rgb.png", 1, 2, {1, 2, 3, 254, 255, 0});
  EXPECT_EQ(read("rgb.png").color(1, 0), 254 / 255.0);
  EXPECT_EQ(read("rgb.png").color(1, 1), 1);
  write_png(folder_ / "opaque.png", 1, 2, Bytes{1, 2, 3, 255, 4, 5, 6, 255}, PNG_FORMAT_RGBA);
  expect_image("opaque.png", 2, 1, {1, 2, 3, 4, 5, 6});
  write_png(folder_ / "gray.png", 2, 1, Bytes{7, 9});
  expect_image("gray.png", 1, 2, {7, 7, 7, 9, 9, 9});
  write_png(folder_ / "opaque gray.png", 2, 1, Bytes{7, 255, 9, 255}, PNG_FORMAT_GA);
  expect_image("opaque gray.png", 1, 2, {7, 7, 7, 9, 9, 9});
  write_stored_png(folder_ / "bits.png", 8, 1, 1, PNG_COLOR_TYPE_GRAY, {0b01000000});
  auto expected = Values(24, 0);
  expected[3] = expected[4] = expected[5] = 255;
  expect_image("bits.png", 1, 8, expected);
  write_stored_png(folder_ / "palette.png", 2, 2, 8, PNG_COLOR_TYPE_PALETTE, {1, 0, 0, 1},
                   {{10, 20, 30}, {40, 50, 60}});
  expect_image("palette.png", 2, 2, {40, 50, 60, 10, 20, 30, 10, 20, 30, 40, 50, 60});
  write_stored_png(folder_ / "deep.png", 1, 1, 16, PNG_COLOR_TYPE_RGB, {1, 2, 255, 255, 0, 3});
  expect_image("deep.png", 1, 1, {0x0102, 65535, 3}, 65535);
  EXPECT_EQ(read("deep.png").color(0, 0), 0x0102 / 65535.0);
  write_stored_png(folder_ / "deep gray.png", 1, 1, 16, PNG_COLOR_TYPE_GRAY_ALPHA,
                   {1, 2, 255, 255});
  expect_image("deep gray.png", 1, 1, {0x0102, 0x0102, 0x0102}, 65535);
}

TEST_F(ColorImages, JpegOfEveryKind) {
  const auto values = colors(17, 23);
  const Values expected(values.begin(), values.end());
  for (const bool progressive : {false, true}) {
    write_jpeg(folder_ / "rgb.jpg", 23, 17, values, {.progressive = progressive});
    expect_image("rgb.jpg", 17, 23, expected, 255, 4);
  }
  write_jpeg(folder_ / "stored as rgb.jpg", 23, 17, values, {.stored = JCS_RGB});
  expect_image("stored as rgb.jpg", 17, 23, expected, 255, 4);
  write_jpeg(folder_ / "turned.jpg", 23, 17, values, {.turned = true});
  expect_image("turned.jpg", 17, 23, expected, 255, 4);
  write_jpeg(folder_ / "gray.jpeg", 2, 2, {60, 60, 60, 60},
             {.given = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE});
  expect_image("gray.jpeg", 2, 2, Values(12, 60), 255, 1);
  write_jpeg(folder_ / "pixel.jpg", 1, 1, {250, 20, 90});
  expect_image("pixel.jpg", 1, 1, {250, 20, 90}, 255, 3);
}

/// The first bytes say what a file is, not its name.
TEST_F(ColorImages, NamesDoNotMatter) {
  write_png(folder_ / "png.jpg", 1, 1, Bytes{1, 2, 3}, PNG_FORMAT_RGB);
  expect_image("png.jpg", 1, 1, {1, 2, 3});
  write_jpeg(folder_ / "jpeg", 1, 1, {128, 128, 128});
  expect_image("jpeg", 1, 1, {128, 128, 128}, 255, 1);
}

TEST_F(ColorImages, RefusesWhatHasNoThreeColors) {
  const std::string advice = "convert IN.png -background white -alpha remove OUT.png";
  write_png(folder_ / "clear.png", 1, 2, Bytes{1, 2, 3, 255, 1, 2, 3, 254}, PNG_FORMAT_RGBA);
  expect_refused("clear.png", "is transparent in places", advice);
  write_png(folder_ / "clear gray.png", 1, 2, Bytes{5, 255, 6, 128}, PNG_FORMAT_GA);
  expect_refused("clear gray.png", "is transparent in places", advice);
  for (const auto stored : {JCS_CMYK, JCS_YCCK}) {
    write_jpeg(folder_ / "print.jpg", 2, 2, Bytes(16, 90), {.given = JCS_CMYK, .stored = stored});
    expect_refused("print.jpg", "for printers (CMYK)", "convert IN.jpg -colorspace sRGB OUT.png");
  }
}

TEST_F(ColorImages, RefusesDamagedFiles) {
  write_png(folder_ / "whole.png", 30, 20, colors(20, 30), PNG_FORMAT_RGB);
  for (const bool progressive : {false, true}) {
    write_jpeg(folder_ / "whole.jpg", 30, 20, colors(20, 30), {.progressive = progressive});
    for (const std::string kind : {"PNG", "JPEG"}) {
      const auto bytes = testing::read_bytes(folder_ / (kind == "PNG" ? "whole.png" : "whole.jpg"));
      for (std::size_t size = 4; size < bytes.size(); size += 7) {
        write_bytes(folder_ / "short", bytes.substr(0, size));
        if (kind == "PNG" && size + 12 >= bytes.size()) continue;  // the end of the last chunk
        expect_refused("short", "damaged or no " + kind + " image: ");
      }
    }
  }
  auto bytes = testing::read_bytes(folder_ / "whole.jpg");
  write_bytes(folder_ / "short", bytes.substr(0, bytes.size() - 2));
  expect_refused("short", "Premature end of JPEG file");
}

TEST_F(ColorImages, RefusesWhatIsNoImage) {
  write_bytes(folder_ / "text.png", "no image");
  expect_refused("text.png", "is neither a PNG nor a JPEG image; convert it");
  write_bytes(folder_ / "empty.jpg", "");
  expect_refused("empty.jpg", "is neither a PNG nor a JPEG image");
  expect_refused("missing.png", "no such file");
  std::filesystem::create_directory(folder_ / "folder.png");
  expect_refused("folder.png", "is no file; an image was expected");
}

/// A header of a million rows and columns, before anything is decoded.
TEST_F(ColorImages, RefusesWhatExceedsTheMemory) {
  const auto chunk = [](const std::string& type, const std::string& data) {
    const auto number = [](std::uint32_t value) {
      return testing::bytes_of(std::vector<std::uint32_t>{value}, true);
    };
    const std::string content = type + data;
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    return number(static_cast<std::uint32_t>(data.size())) + content +
           number(static_cast<std::uint32_t>(sum));
  };
  const std::string side("\0\x0f\x42\x40", 4), kind("\x10\6\0\0\0", 5);  // 16 bits, RGBA
  write_bytes(folder_ / "vast.png",
              "\x89PNG\r\n\x1a\n" + chunk("IHDR", side + side + kind) + chunk("IDAT", "nothing"));
  expect_refused("vast.png", "needs about 8 TB of memory", "an image of 1000000 x 1000000 pixels",
                 "make the image smaller");
}

TEST_F(ColorImages, WritesPng) {
  const auto image = color_image(1, 2, std::vector<double>{0, 0.5, 1, -3, 1.2, 0.1});
  EXPECT_EQ(image.rgb, (Values{0, 128, 255, 0, 255, 26}));
  write_color_png(folder_ / "made.png", image);
  expect_image("made.png", 1, 2, image.rgb);
  write_color_png(folder_ / "made.png", {1, 1, 65535, {65535, 258, 0}});
  expect_image("made.png", 1, 1, {255, 1, 0});
  write_png(folder_ / "foreign.png", 1, 1, Bytes{9});
  expect_error([&] { write_color_png(folder_ / "foreign.png", image); }, "foreign.png");
  expect_image("foreign.png", 1, 1, {9, 9, 9});
  expect_error([&] { write_color_png(folder_ / "no folder/made.png", image); },
               "is not an existing folder");
}

}  // namespace
}  // namespace otfleet
