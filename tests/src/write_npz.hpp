#pragma once
#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace otfleet::testing {

inline std::string little_endian(std::uint64_t value, int width) {
  std::string bytes;
  for (int k = 0; k < width; ++k) bytes += static_cast<char>(value >> (8 * k) & 0xff);
  return bytes;
}
inline std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string out(bytes.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
struct NpzOptions {
  bool deflate = false, zip64 = false, encrypted = false;
  int method = -1;
};
/// As numpy.savez (stored) and numpy.savez_compressed (deflated) write an archive of members, each
/// a name and its bytes.
inline std::string npz(const std::vector<std::pair<std::string, std::string>>& members,
                       const NpzOptions& options = {}) {
  std::string bytes, directory;
  for (const auto& [name, content] : members) {
    const std::string stored = options.deflate ? deflated(content) : content;
    const int method = options.method >= 0 ? options.method : options.deflate ? 8 : 0;
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    // NumPy forces zip64 in the local header, where the sizes then stand in an extra field.
    const std::string both = little_endian(content.size(), 8) + little_endian(stored.size(), 8);
    const std::string extra = little_endian(1, 2) + little_endian(both.size(), 2) + both;
    const std::string common = little_endian(options.encrypted ? 1 : 0, 2) +
                               little_endian(static_cast<std::uint64_t>(method), 2) +
                               little_endian(0, 4) + little_endian(sum, 4);
    const std::string sizes =
        options.zip64 ? little_endian(0xffffffff, 4) + little_endian(0xffffffff, 4)
                      : little_endian(stored.size(), 4) + little_endian(content.size(), 4);
    directory += "PK\x01\x02" + little_endian(45, 2) + little_endian(45, 2) + common + sizes +
                 little_endian(name.size(), 2) +
                 little_endian(options.zip64 ? extra.size() : 0, 2) + little_endian(0, 2) +
                 little_endian(0, 4) + little_endian(0, 4) + little_endian(bytes.size(), 4) + name +
                 (options.zip64 ? extra : "");
    bytes += "PK\x03\x04" + little_endian(45, 2) + common + little_endian(0xffffffff, 4) +
             little_endian(0xffffffff, 4) + little_endian(name.size(), 2) +
             little_endian(extra.size(), 2) + name + extra + stored;
  }
  const auto offset = bytes.size(), end64 = offset + directory.size();
  bytes += directory;
  if (options.zip64)
    bytes += "PK\x06\x06" + little_endian(44, 8) + little_endian(45, 2) + little_endian(45, 2) +
             little_endian(0, 4) + little_endian(0, 4) + little_endian(members.size(), 8) +
             little_endian(members.size(), 8) + little_endian(directory.size(), 8) +
             little_endian(offset, 8) + "PK\x06\x07" + little_endian(0, 4) +
             little_endian(end64, 8) + little_endian(1, 4);
  const auto short_or = [&](std::uint64_t value, int width) {
    return options.zip64 ? std::string(static_cast<std::size_t>(width), '\xff')
                         : little_endian(value, width);
  };
  return bytes + "PK\x05\x06" + little_endian(0, 4) + short_or(members.size(), 2) +
         short_or(members.size(), 2) + short_or(directory.size(), 4) + short_or(offset, 4) +
         little_endian(0, 2);
}

}  // namespace otfleet::testing
