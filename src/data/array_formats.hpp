#pragma once
#include <bit>
#include <cstring>

#include "src/data/array_file.hpp"
#include "src/data/byte_stream.hpp"

namespace otfleet::detail {

/// The readers start after the first bytes that array_file.cpp told the format by.
Array read_npy(ByteStream& stream);                              ///< after "\x93NUMPY"
Array read_idx(ByteStream& stream, const unsigned char* magic);  ///< after the four bytes of magic

/// One stored value, given its bytes in the order of this machine, as a double.
using Decode = double (*)(const unsigned char*);

template <class Stored>
double decode(const unsigned char* bytes) {
  Stored value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<double>(value);
}

/// Reads `count` values of `width` bytes and the end of the file, a block at a time.
std::vector<double> read_values(ByteStream& stream, std::int64_t count, std::size_t width,
                                bool big_endian, Decode decode);

}  // namespace otfleet::detail
