// NumPy .npy, versions 1 to 3: version, header length, a Python dictionary as text, values.
#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "src/data/checked_hdf5.hpp"
#include "src/data/formats/list.hpp"
#include "src/data/stored_values.hpp"

namespace otfleet::detail {
namespace {

constexpr std::size_t longest_header = 1 << 16;

/// IEEE half precision.
double decode_half(const unsigned char* bytes) {
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  const int exponent = bits >> 10 & 0x1f, mantissa = bits & 0x3ff;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 0x1f) return mantissa == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(mantissa + 1024, exponent - 25);
}

struct Type {
  const char* code;
  std::size_t width;
  Decode decode;
};

constexpr Type types[] = {{"b1", 1, decode<std::uint8_t>},  {"i1", 1, decode<std::int8_t>},
                          {"i2", 2, decode<std::int16_t>},  {"i4", 4, decode<std::int32_t>},
                          {"i8", 8, decode<std::int64_t>},  {"u1", 1, decode<std::uint8_t>},
                          {"u2", 2, decode<std::uint16_t>}, {"u4", 4, decode<std::uint32_t>},
                          {"u8", 8, decode<std::uint64_t>}, {"f2", 2, decode_half},
                          {"f4", 4, decode<float>},         {"f8", 8, decode<double>}};

/// The text after "'key':", without leading blanks.
std::string_view value_of(std::string_view header, const std::string& key,
                          const ByteStream& stream) {
  for (const char quote : {'\'', '"'}) {
    const auto found = header.find(quote + key + quote);
    if (found == std::string_view::npos) continue;
    auto rest = header.substr(found + key.size() + 2);
    const auto colon = rest.find_first_not_of(' ');
    if (colon == std::string_view::npos || rest[colon] != ':') continue;
    rest.remove_prefix(colon + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    return rest;
  }
  stream.fail(fmt::format("damaged .npy header: no '{}'", key));
}

struct StoredType {
  const Type& type;
  bool big_endian;
};

StoredType read_type(std::string_view text, const ByteStream& stream) {
  const auto end = text.size() > 1 ? text.find(text[0], 1) : std::string_view::npos;
  if (text.empty() || (text[0] != '\'' && text[0] != '"') || end == std::string_view::npos) {
    stream.fail(
        "unsupported .npy type: expected plain integers or floating-point numbers; save every "
        "field of a record as an array of its own");
  }
  const auto code = text.substr(1, std::min<std::size_t>(end - 1, 20));
  for (const auto& type : types) {
    if (code.size() == 3 && code.substr(1) == type.code &&
        (code[0] == '<' || code[0] == '>' || (code[0] == '|' && type.width == 1))) {
      return {type, code[0] == '>'};
    }
  }
  stream.fail(
      fmt::format("unsupported .npy type '{}': expected integers or floating-point numbers; save "
                  "the array as float64, as with array.astype('float64')",
                  code));
}

std::vector<std::int64_t> read_shape(std::string_view text, const ByteStream& stream) {
  const auto damaged = [&]() { stream.fail("damaged .npy header: no list of lengths as 'shape'"); };
  if (text.empty() || text[0] != '(') damaged();
  const auto end = text.find(')');
  if (end == std::string_view::npos) damaged();
  text = text.substr(1, end - 1);
  std::vector<std::int64_t> shape;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return shape;
    std::int64_t length = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc{} || shape.size() == 64) damaged();
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    if (!text.empty() && text[0] == 'L') text.remove_prefix(1);  // written by Python 2
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (!text.empty() && text[0] != ',') damaged();
    if (!text.empty()) text.remove_prefix(1);
    shape.push_back(length);
  }
}

/// Fortran order (first index fastest) to row-major.
std::vector<double> to_row_major(const std::vector<double>& values,
                                 const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> index(shape.size(), 0), stride(shape.size(), 1);
  for (std::size_t d = 1; d < shape.size(); ++d) stride[d] = stride[d - 1] * shape[d - 1];
  std::vector<double> result(values.size());
  std::int64_t from = 0;
  for (auto& value : result) {
    value = values[static_cast<std::size_t>(from)];
    for (std::size_t d = shape.size(); d-- > 0;) {
      from += stride[d];
      if (++index[d] < shape[d]) break;
      from -= stride[d] * shape[d];
      index[d] = 0;
    }
  }
  return result;
}

std::string read_header(ByteStream& stream) {
  unsigned char bytes[4] = {};
  stream.read(bytes, 2);
  const int major = bytes[0];
  if (major < 1 || major > 3) stream.fail(fmt::format("unsupported .npy version {}", major));
  std::fill(bytes, bytes + 4, static_cast<unsigned char>(0));
  stream.read(bytes, major == 1 ? 2 : 4);  // little-endian
  const std::size_t length = std::size_t{bytes[0]} | std::size_t{bytes[1]} << 8 |
                             std::size_t{bytes[2]} << 16 | std::size_t{bytes[3]} << 24;
  if (length > longest_header)
    stream.fail(fmt::format("damaged: an .npy header of {} bytes", length));
  std::string header(length, ' ');
  stream.read(reinterpret_cast<unsigned char*>(header.data()), length);
  return header;
}

}  // namespace

Array read_npy(ByteStream& stream) {
  unsigned char start[6] = {};
  stream.read(start, sizeof start);
  if (std::memcmp(start, "\x93NUMPY", sizeof start) != 0) stream.fail("holds no .npy array");
  const auto header = read_header(stream);
  const auto [type, big_endian] = read_type(value_of(header, "descr", stream), stream);
  const auto order = value_of(header, "fortran_order", stream);
  const bool fortran = order.starts_with("True");
  if (!fortran && !order.starts_with("False")) {
    stream.fail("damaged .npy header: 'fortran_order' is neither True nor False");
  }
  Array array;
  array.shape = read_shape(value_of(header, "shape", stream), stream);
  const auto count = element_count(array.shape, stream.name());
  array.values = read_values(stream, count, type.width, big_endian, type.decode);
  if (fortran && array.shape.size() > 1) array.values = to_row_major(array.values, array.shape);
  return array;
}

}  // namespace otfleet::detail

namespace otfleet::formats {

const ArrayFormat& npy() {
  static constexpr ArrayFormat format = {
      "NumPy .npy", false, [](const FileStart& start) { return start.begins_with("\x93NUM", 4); },
      [](const ArraySource& source) {
        FileStream stream(source.file);
        return detail::read_npy(stream);
      }};
  return format;
}

}  // namespace otfleet::formats
