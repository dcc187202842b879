#pragma once
#include <string>
#include <vector>

namespace otfleet {

/// One thing that takes memory.
struct MemoryPart {
  std::string what;  ///< "the cost matrix of 20000 x 20000 entries"
  double bytes = 0;
};

/// Memory that this process can still get, and what says so.
struct AvailableMemory {
  double bytes = 0;
  std::string limit;  ///< "the machine", "the limit of its control group", "ulimit -v"
};

/// The least of what /proc/meminfo has available and what the control group leaves, both shared by
/// `processes` of this program on the machine, and what RLIMIT_AS and RLIMIT_DATA leave this one.
/// Local.
AvailableMemory available_memory(int processes);

/// Throws UserError, one line with the parts and both sums, when the parts take more than there is.
/// `name` is the file or key that asks for it, `instead` what to do about it. Local.
void require_memory(const std::string& name, const std::vector<MemoryPart>& parts, int processes,
                    const std::string& instead);

/// "3.2 GB".
std::string bytes_text(double bytes);

}  // namespace otfleet
