// Zip, as far as numpy.savez and numpy.savez_compressed use it: one volume, stored or deflated
// members. All numbers are little-endian.
#include "src/data/zip_archive.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

/// A record of the archive; reading beyond its end is damage.
class Record {
 public:
  Record(const std::filesystem::path& archive, std::string_view bytes)
      : archive_(archive), bytes_(bytes) {}

  std::uint64_t number(std::size_t offset, int width) const {
    const std::string_view digits = text(offset, static_cast<std::size_t>(width));
    std::uint64_t value = 0;
    for (int k = width - 1; k >= 0; --k)
      value = value << 8 | static_cast<unsigned char>(digits[static_cast<std::size_t>(k)]);
    return value;
  }
  std::string_view text(std::size_t offset, std::size_t count) const {
    if (offset > bytes_.size() || count > bytes_.size() - offset)
      throw UserError(archive_.string() + ": damaged: its zip directory ends too early");
    return bytes_.substr(offset, count);
  }
  Record from(std::size_t offset) const {
    return {archive_, text(offset, bytes_.size() - std::min(offset, bytes_.size()))};
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  const std::filesystem::path& archive_;
  std::string_view bytes_;
};

/// Bytes [offset, offset + count) of a file.
std::string read_at(const std::filesystem::path& archive, std::uint64_t offset,
                    std::uint64_t count) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(archive, ignored);
  if (offset > size || count > size - offset)
    throw UserError(archive.string() + ": truncated or damaged: its zip directory points beyond " +
                    "its end");
  std::string bytes(count, '\0');
  std::ifstream stream(archive, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(count)))
    throw UserError(archive.string() + ": cannot be read");
  return bytes;
}

constexpr std::uint64_t in_zip64 = 0xffffffff;

/// Sizes that do not fit into 32 bits stand in the extra field 1, in this order.
void read_zip64_sizes(const Record& extra, ZipMember& member) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const auto id = extra.number(at, 2), length = extra.number(at + 2, 2);
    std::size_t field = at + 4;
    if (id == 1)
      for (std::uint64_t* value : {&member.bytes, &member.stored_bytes, &member.header})
        if (*value == in_zip64) {
          *value = extra.number(field, 8);
          field += 8;
        }
    at += 4 + length;
  }
}

struct Directory {
  std::uint64_t count = 0, bytes = 0, offset = 0;
};

/// From the record at the archive's end, behind which a comment may stand.
Directory find_directory(const std::filesystem::path& archive) {
  constexpr std::uint64_t end_bytes = 22, longest_comment = 65535, locator_bytes = 20;
  std::error_code ignored;
  const std::uint64_t size = std::filesystem::file_size(archive, ignored);
  const std::uint64_t tail_bytes = std::min(size, end_bytes + longest_comment + locator_bytes);
  const std::string tail = read_at(archive, size - tail_bytes, tail_bytes);
  const auto found = tail.rfind("PK\x05\x06");
  if (found == std::string::npos)
    throw UserError(archive.string() + ": truncated: a zip archive without its directory");
  const Record all(archive, tail);
  const Record end = all.from(found);
  Directory directory{end.number(10, 2), end.number(12, 4), end.number(16, 4)};
  const bool fits =
      directory.count != 0xffff && directory.bytes != in_zip64 && directory.offset != in_zip64;
  if (fits || found < locator_bytes || tail.compare(found - locator_bytes, 4, "PK\x06\x07") != 0)
    return directory;
  constexpr std::uint64_t zip64_end_bytes = 56;
  const std::string bytes =
      read_at(archive, all.number(found - locator_bytes + 8, 8), zip64_end_bytes);
  const Record zip64(archive, bytes);
  return {zip64.number(32, 8), zip64.number(40, 8), zip64.number(48, 8)};
}

}  // namespace

std::vector<ZipMember> read_zip_directory(const std::filesystem::path& archive) {
  const Directory directory = find_directory(archive);
  const std::string bytes = read_at(archive, directory.offset, directory.bytes);
  const Record all(archive, bytes);
  std::vector<ZipMember> members;
  std::size_t at = 0;
  for (std::uint64_t k = 0; k < directory.count; ++k) {
    const Record entry = all.from(at);
    if (entry.text(0, 4) != "PK\x01\x02")
      throw UserError(archive.string() + ": damaged: its zip directory holds something else");
    constexpr std::size_t fixed = 46;
    const std::size_t name = entry.number(28, 2), extra = entry.number(30, 2),
                      comment = entry.number(32, 2);
    ZipMember member;
    member.encrypted = (entry.number(8, 2) & 1) != 0;
    member.method = static_cast<int>(entry.number(10, 2));
    member.checksum = static_cast<std::uint32_t>(entry.number(16, 4));
    member.stored_bytes = entry.number(20, 4);
    member.bytes = entry.number(24, 4);
    member.header = entry.number(42, 4);
    member.name = entry.text(fixed, name);
    read_zip64_sizes({archive, entry.text(fixed + name, extra)}, member);
    members.push_back(std::move(member));
    at += fixed + name + extra + comment;
  }
  return members;
}

ZipMemberStream::ZipMemberStream(const std::filesystem::path& archive, ZipMember member)
    : ByteStream(archive), member_(std::move(member)), file_(archive, std::ios::binary) {
  if (member_.encrypted) fail(fmt::format("'{}' is encrypted", member_.name));
  if (member_.method != 0 && member_.method != 8)
    fail(fmt::format("'{}' is compressed by method {}; numpy.savez and savez_compressed use others",
                     member_.name, member_.method));
  constexpr std::size_t fixed = 30;
  const std::string bytes = read_at(archive, member_.header, fixed);
  const Record header(archive, bytes);
  if (header.text(0, 4) != "PK\x03\x04")
    fail(fmt::format("damaged: '{}' is not where the zip directory says", member_.name));
  file_.seekg(static_cast<std::streamoff>(member_.header + fixed + header.number(26, 2) +
                                          header.number(28, 2)));
  stored_left_ = member_.stored_bytes;
  left_ = member_.bytes;
  checksum_ = crc32(0, nullptr, 0);
  constexpr int raw = -15;  // deflate without a header of its own
  if (inflateInit2(&inflater_, raw) != Z_OK) fail("cannot be decompressed: no memory");
}

ZipMemberStream::~ZipMemberStream() {
  inflateEnd(&inflater_);
}

std::size_t ZipMemberStream::read_stored(unsigned char* bytes, std::size_t count) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, stored_left_));
  file_.read(reinterpret_cast<char*>(bytes), static_cast<std::streamsize>(wanted));
  if (static_cast<std::size_t>(file_.gcount()) != wanted) fail("truncated");
  stored_left_ -= wanted;
  return wanted;
}

std::size_t ZipMemberStream::inflate_some(unsigned char* bytes, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    if (inflater_.avail_in == 0 && stored_left_ > 0) {
      buffer_.resize(std::size_t{1} << 17);
      inflater_.avail_in = static_cast<uInt>(read_stored(buffer_.data(), buffer_.size()));
      inflater_.next_in = buffer_.data();
    }
    const auto room =
        static_cast<uInt>(std::min<std::size_t>(count - done, std::numeric_limits<uInt>::max()));
    inflater_.next_out = bytes + done;
    inflater_.avail_out = room;
    const int code = inflate(&inflater_, Z_NO_FLUSH);
    done += room - inflater_.avail_out;
    if (code == Z_STREAM_END) break;
    if (code != Z_OK) fail(fmt::format("damaged: '{}' cannot be decompressed", member_.name));
  }
  return done;
}

std::size_t ZipMemberStream::read_some(unsigned char* bytes, std::size_t count) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, left_));
  const std::size_t got = wanted == 0           ? 0
                          : member_.method == 0 ? read_stored(bytes, wanted)
                                                : inflate_some(bytes, wanted);
  checksum_ = crc32_z(checksum_, bytes, got);
  left_ -= got;
  if (got < wanted) fail("truncated");
  if (left_ == 0 && checksum_ != member_.checksum)
    fail(fmt::format("damaged: the checksum of '{}' is another", member_.name));
  return got;
}

}  // namespace otfleet
