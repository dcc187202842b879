#include "distributed/error.hpp"

#include <new>

namespace otfleet {

std::string memory_shortage(const std::exception& error) {
  // Kokkos says in several lines: "… Allocation of size 119.2 G failed, likely due to …".
  const std::string text = error.what(), before = "Allocation of size ";
  std::string asked;
  if (const auto begin = text.find(before); begin != std::string::npos) {
    const auto end = text.find(" failed", begin);
    asked = text.substr(begin + before.size(), end - begin - before.size());
    asked = " (" + asked + "B were asked for at once)";
  } else if (dynamic_cast<const std::bad_alloc*>(&error) == nullptr &&
             dynamic_cast<const std::length_error*>(&error) == nullptr) {
    return {};
  }
  return "memory is exhausted" + asked +
         "; a machine with more of it, a larger limit (ulimit -v), fewer ranks on a machine, or "
         "smaller problems are needed";
}

}  // namespace otfleet
