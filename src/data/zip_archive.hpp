#pragma once
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "src/data/byte_stream.hpp"

namespace otfleet {

/// A file in a zip archive, as the archive's directory has it.
struct ZipMember {
  std::string name;
  int method = 0;  ///< 0: stored, 8: deflated
  bool encrypted = false;
  std::uint32_t checksum = 0;
  std::uint64_t stored_bytes = 0, bytes = 0;
  std::uint64_t header = 0;  ///< where in the archive it begins
};

/// The directory of a zip archive, zip64 included. Local. Throws UserError that names the file:
/// no archive, truncated, damaged.
std::vector<ZipMember> read_zip_directory(const std::filesystem::path& archive);

/// The bytes of a member, decompressed. Throws UserError that names the archive.
class ZipMemberStream : public ByteStream {
 public:
  ZipMemberStream(const std::filesystem::path& archive, ZipMember member);
  ~ZipMemberStream() override;

  std::size_t read_some(unsigned char* bytes, std::size_t count) override;

 private:
  std::size_t inflate_some(unsigned char* bytes, std::size_t count);
  /// The next bytes as they are stored.
  std::size_t read_stored(unsigned char* bytes, std::size_t count);

  ZipMember member_;
  std::ifstream file_;
  std::uint64_t stored_left_ = 0, left_ = 0;
  uLong checksum_ = 0;
  std::vector<unsigned char> buffer_;
  z_stream inflater_{};
};

}  // namespace otfleet
