#include "distributed/file_mark.hpp"

#include <zlib.h>

#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;

/// A PNG file begins with a signature of 8 bytes and the chunk IHDR of 25.
constexpr std::size_t png_beginning = 33;

std::string big_endian(unsigned long value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

/// The chunk "tEXt": length, name, keyword and text, checksum.
std::string png_chunk() {
  const std::string text = std::string("Software") + '\0' + "otfleet";
  const std::string content = "tEXt" + text;
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  return big_endian(text.size()) + content + big_endian(sum);
}

std::string read_all(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The `count` bytes of a file from `offset` on, or fewer at its end.
std::string read_some(const fs::path& file, std::size_t offset, std::size_t count) {
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  std::string bytes(count, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

bool says_kind(const fs::path& file, const std::string& kind) {
  try {
    return Hdf5File::open(file).string_attribute("/", kind_attribute) == kind;
  } catch (const UserError&) {  // no HDF5, damaged, or an attribute of another type
    return false;
  }
}

}  // namespace

FileMark::FileMark(Format format, std::string noun, std::string text)
    : format_(format), noun_(std::move(noun)), text_(std::move(text)) {}

FileMark FileMark::hdf5(const std::string& kind) {
  return {Format::hdf5, kind, kind};
}

FileMark FileMark::json(const std::string& kind) {
  return {Format::json, kind, std::string("\n  \"") + kind_attribute + "\": \"" + kind + "\""};
}

FileMark FileMark::text(const std::string& noun, const std::string& beginning) {
  return {Format::text, noun, beginning};
}

FileMark FileMark::png() {
  return {Format::png, "picture", png_chunk()};
}

FileMark FileMark::name(const std::string& noun) {
  return {Format::name, noun, {}};
}

bool FileMark::is_on(const fs::path& file) const {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return false;
  switch (format_) {
    case Format::hdf5:
      return says_kind(file, text_);
    case Format::json:
      return read_all(file).find(text_) != std::string::npos;
    case Format::text:
      return read_some(file, 0, text_.size()) == text_;
    case Format::png:
      return read_some(file, png_beginning, text_.size()) == text_;
    case Format::name:
      return true;
  }
  return false;
}

void mark_png(const fs::path& file) {
  const std::string bytes = read_all(file);
  if (bytes.size() < png_beginning || bytes.compare(1, 3, "PNG") != 0)
    throw UserError(file.string() + ": is no PNG file");
  std::ofstream stream(file, std::ios::binary);
  stream << bytes.substr(0, png_beginning) << png_chunk() << bytes.substr(png_beginning);
  stream.close();
  if (!stream) throw UserError(file.string() + ": cannot be written to the end");
}

}  // namespace otfleet::distributed
