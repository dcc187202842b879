#include "src/data/byte_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "distributed/error.hpp"

namespace otfleet {

ByteStream::ByteStream(const std::filesystem::path& file) : name_(file.string()) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) fail("no such file");
  if (!std::filesystem::is_regular_file(status)) fail("is not a regular file");
  file_bytes_ = std::filesystem::file_size(file, error);
}

FileStream::FileStream(const std::filesystem::path& file) : ByteStream(file) {
  stream_ = gzopen(file.c_str(), "rb");
  if (stream_ == nullptr) fail(std::string("cannot be read: ") + std::strerror(errno));
  gzbuffer(stream_, 1 << 17);
}

FileStream::~FileStream() {
  if (stream_ != nullptr) gzclose(stream_);
}

void ByteStream::read(unsigned char* bytes, std::size_t count) {
  if (read_some(bytes, count) != count) fail("truncated");
}

std::size_t FileStream::read_some(unsigned char* bytes, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const auto part = static_cast<unsigned>(std::min<std::size_t>(count - done, 1 << 30));
    const int got = gzread(stream_, bytes + done, part);
    int code = Z_OK;
    const char* message = gzerror(stream_, &code);
    if (code == Z_BUF_ERROR) fail("truncated (the gzip stream has no end)");
    if (got < 0) fail(std::string("damaged: ") + message);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void ByteStream::expect_end() {
  unsigned char byte = 0;
  if (read_some(&byte, 1) != 0) fail("holds more bytes than its header says");
}

void ByteStream::fail(const std::string& text) const {
  throw UserError(name_ + ": " + text);
}

}  // namespace otfleet
