#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace otfleet {

/// "12 at least, 40 in the median, 95 at most", of the sizes between neighboring offsets.
std::string sizes_text(const std::vector<std::int64_t>& offsets);

/// "1 problem", "2 problems"; `items` is plural and ends in s.
std::string counted(std::int64_t count, const std::string& items);

}  // namespace otfleet
