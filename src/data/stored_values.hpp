#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "src/data/array_file.hpp"
#include "src/data/byte_stream.hpp"

// What readers of binary formats share.

namespace otfleet::detail {

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

/// An array in NumPy's .npy format; the stream stands at its beginning. Throws UserError.
Array read_npy(ByteStream& stream);

}  // namespace otfleet::detail
