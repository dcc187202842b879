#pragma once
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace otfleet {

/// Bytes in order, wherever they come from. Every failure is a UserError that begins with the
/// file's name. Local.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  const std::string& name() const { return name_; }
  std::uintmax_t file_bytes() const { return file_bytes_; }

  /// Fills `bytes` or throws "truncated".
  void read(unsigned char* bytes, std::size_t count);
  /// At most `count` bytes, fewer only at the end.
  virtual std::size_t read_some(unsigned char* bytes, std::size_t count) = 0;
  /// Throws unless the stream ends here; this also compares the checksum where there is one.
  void expect_end();

  [[noreturn]] void fail(const std::string& text) const;

 protected:
  /// Throws unless it is a regular file.
  explicit ByteStream(const std::filesystem::path& file);

 private:
  std::string name_;
  std::uintmax_t file_bytes_ = 0;
};

/// A plain or gzipped file.
class FileStream : public ByteStream {
 public:
  explicit FileStream(const std::filesystem::path& file);
  ~FileStream() override;

  std::size_t read_some(unsigned char* bytes, std::size_t count) override;

 private:
  gzFile stream_ = nullptr;
};

}  // namespace otfleet
