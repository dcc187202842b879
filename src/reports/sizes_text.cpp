#include "src/reports/sizes_text.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace otfleet {

std::string sizes_text(const std::vector<std::int64_t>& offsets) {
  std::vector<std::int64_t> sizes;
  for (std::size_t k = 0; k + 1 < offsets.size(); ++k) sizes.push_back(offsets[k + 1] - offsets[k]);
  if (sizes.empty()) return "none";
  std::sort(sizes.begin(), sizes.end());
  return fmt::format("{} at least, {} in the median, {} at most", sizes.front(),
                     sizes[(sizes.size() - 1) / 2], sizes.back());
}

std::string counted(std::int64_t count, const std::string& items) {
  return fmt::format("{} {}", count, count == 1 ? items.substr(0, items.size() - 1) : items);
}

}  // namespace otfleet
