// IDX, the format of the MNIST files: magic 0 0 type rank, lengths, values; all big-endian.
#include <spdlog/fmt/fmt.h>

#include "src/data/checked_hdf5.hpp"
#include "src/data/formats/list.hpp"
#include "src/data/stored_values.hpp"

namespace otfleet::formats {
namespace {

using detail::decode;

Array read_idx(const ArraySource& source) {
  FileStream stream(source.file);
  unsigned char magic[4];
  stream.read(magic, sizeof magic);
  detail::Decode decoder = nullptr;
  std::size_t width = 0;
  const auto stored_as = [&]<class Stored>(Stored) {
    decoder = decode<Stored>;
    width = sizeof(Stored);
  };
  switch (magic[2]) {
    case 0x08:
      stored_as(std::uint8_t{});
      break;
    case 0x09:
      stored_as(std::int8_t{});
      break;
    case 0x0B:
      stored_as(std::int16_t{});
      break;
    case 0x0C:
      stored_as(std::int32_t{});
      break;
    case 0x0D:
      stored_as(float{});
      break;
    case 0x0E:
      stored_as(double{});
      break;
    default:
      stream.fail(fmt::format("unsupported IDX type 0x{:02x}", unsigned{magic[2]}));
  }
  const int rank = magic[3];
  if (rank < 1 || rank > 8) stream.fail(fmt::format("an IDX array of {} dimensions", rank));
  Array array;
  for (int d = 0; d < rank; ++d) {
    unsigned char bytes[4];
    stream.read(bytes, 4);
    const std::uint32_t length = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                 std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
    array.shape.push_back(static_cast<std::int32_t>(length));  // signed in the format
  }
  const auto count = element_count(array.shape, stream.name());
  array.values = detail::read_values(stream, count, width, true, decoder);
  return array;
}

}  // namespace

const ArrayFormat& idx() {
  static constexpr ArrayFormat format = {
      "IDX (plain or gzipped)", false,
      [](const FileStart& start) { return start.count >= 4 && start.begins_with("\0\0", 2); },
      read_idx};
  return format;
}

}  // namespace otfleet::formats
