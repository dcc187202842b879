#include "src/data/stored_values.hpp"

#include <algorithm>
#include <bit>

#include "src/data/checked_hdf5.hpp"

namespace otfleet::detail {

std::vector<double> read_values(ByteStream& stream, std::int64_t count, std::size_t width,
                                bool big_endian, Decode decode) {
  check_plausible(count, stream.file_bytes(), stream.name());
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  constexpr std::int64_t block = 1 << 16;
  std::vector<unsigned char> bytes(static_cast<std::size_t>(std::min(count, block)) * width);
  for (std::int64_t done = 0; done < count; done += block) {
    const auto here = static_cast<std::size_t>(std::min(count - done, block));
    stream.read(bytes.data(), here * width);
    for (std::size_t i = 0; i < here; ++i) {
      unsigned char* value = bytes.data() + i * width;
      if (big_endian != (std::endian::native == std::endian::big))
        std::reverse(value, value + width);
      values.push_back(decode(value));
    }
  }
  stream.expect_end();
  return values;
}

}  // namespace otfleet::detail
