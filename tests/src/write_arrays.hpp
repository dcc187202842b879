#pragma once
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace otfleet::testing {

/// Files as users bring them, byte by byte, so that tests can also damage them.
inline void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

inline void write_gzip(const std::filesystem::path& file, const std::string& bytes) {
  gzFile stream = gzopen(file.c_str(), "wb");
  gzwrite(stream, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(stream);
}

inline std::string read_bytes(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

template <class Scalar>
std::string bytes_of(const std::vector<Scalar>& values, bool big_endian = false) {
  std::string bytes;
  for (const Scalar& value : values) {
    char raw[sizeof(Scalar)];
    std::memcpy(raw, &value, sizeof value);
    if (big_endian) std::reverse(raw, raw + sizeof value);
    bytes.append(raw, sizeof value);
  }
  return bytes;
}

/// A .npy file; `header` is the Python dictionary.
inline std::string npy(const std::string& header, const std::string& data, int version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  const std::string padded = header + std::string(16 - (header.size() + 11) % 16, ' ') + '\n';
  bytes += static_cast<char>(padded.size() & 0xff);
  bytes += static_cast<char>(padded.size() >> 8);
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + padded + data;
}

inline std::string npy_header(const std::string& type, const std::string& shape,
                              bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

/// An IDX file; `data` is big-endian already.
inline std::string idx(int type, const std::vector<std::int32_t>& shape, const std::string& data) {
  std::string bytes(2, '\0');
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(shape.size());
  return bytes + bytes_of(shape, true) + data;
}

}  // namespace otfleet::testing
