#pragma once
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace otfleet {

/// The bytes of a plain or gzipped file, in order. Every failure is a UserError that begins with
/// the file's name. Local.
class ByteStream {
 public:
  explicit ByteStream(const std::filesystem::path& file);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  const std::string& name() const { return name_; }
  std::uintmax_t file_bytes() const { return file_bytes_; }

  /// Fills `bytes` or throws "truncated".
  void read(unsigned char* bytes, std::size_t count);
  /// At most `count` bytes, fewer only at the end.
  std::size_t read_some(unsigned char* bytes, std::size_t count);
  /// Throws unless the file ends here; for gzip this also compares the checksum.
  void expect_end();

  [[noreturn]] void fail(const std::string& text) const;

 private:
  std::string name_;
  std::uintmax_t file_bytes_ = 0;
  gzFile stream_ = nullptr;
};

}  // namespace otfleet
