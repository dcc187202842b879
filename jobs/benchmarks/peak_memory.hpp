#pragma once
#include <fstream>
#include <string>

namespace otfleet {

/// The most memory that this process has had, MiB.
inline double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      double kibibytes = 0;
      status >> kibibytes;
      return kibibytes / 1024;
    }
  return 0;
}

}  // namespace otfleet
