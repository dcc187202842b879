#include "src/memory/available_memory.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// The number after `name` in a file of lines "name number …"; `otherwise` where there is none.
double named_number(const fs::path& path, const std::string& name, double otherwise) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first;
    double value = 0;
    if (words >> first >> value && first == name) return value;
  }
  return otherwise;
}

/// A file that is one number; `otherwise` where it is not ("max"), or not there.
double single_number(const fs::path& path, double otherwise) {
  std::ifstream file(path);
  double value = 0;
  return file >> value ? value : otherwise;
}

double machine_memory() {
  constexpr double kilobyte = 1024;
  return kilobyte * named_number("/proc/meminfo", "MemAvailable:", unlimited);
}

/// How files of a version of control groups name things.
struct GroupFiles {
  const char *root, *limit, *usage, *cache;
};

/// What a control group and those above it leave; file pages that can be dropped count as free.
double group_memory(const std::string& group, const GroupFiles& names) {
  double least = unlimited;
  const fs::path root = names.root;
  fs::path folder = root / fs::path(group).relative_path();
  std::error_code ignored;
  // In a container the path is the host's; the group is then mounted at the root itself.
  if (!fs::exists(folder, ignored)) folder = root;
  for (;; folder = folder.parent_path()) {
    const double limit = single_number(folder / names.limit, unlimited);
    const double used = single_number(folder / names.usage, 0) -
                        named_number(folder / "memory.stat", names.cache, 0);
    least = std::min(least, limit - std::max(used, 0.0));
    if (folder == root || !folder.has_relative_path()) return least;
  }
}

double control_group_memory() {
  std::ifstream groups("/proc/self/cgroup");
  double least = unlimited;
  for (std::string line; std::getline(groups, line);) {  // "number:controllers:path"
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty())
      least = std::min(least, group_memory(group, {"/sys/fs/cgroup", "memory.max", "memory.current",
                                                   "inactive_file"}));
    else if (("," + controllers + ",").find(",memory,") != std::string::npos)
      least =
          std::min(least, group_memory(group, {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                               "memory.usage_in_bytes", "total_inactive_file"}));
  }
  return least;
}

/// What a limit of this process leaves; `used` is a field of /proc/self/statm, in pages.
double limit_left(int resource, int used) {
  rlimit limit = {};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY)
    return unlimited;
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  for (int field = 0; field <= used; ++field) file >> pages;
  return static_cast<double>(limit.rlim_cur) - pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string bytes_text(double bytes) {
  constexpr const char* units[] = {"kB", "MB", "GB", "TB"};
  double amount = std::max(bytes, 0.0) / 1e3;
  std::size_t unit = 0;
  for (; unit + 1 < std::size(units) && amount >= 999.5; ++unit) amount /= 1e3;
  return fmt::format("{:.3g} {}", amount, units[unit]);
}

AvailableMemory available_memory(int processes) {
  constexpr int size = 0, data = 5;  // fields of statm
  AvailableMemory least{unlimited, ""};
  const auto consider = [&](double bytes, const char* limit) {
    if (bytes < least.bytes) least = {bytes, limit};
  };
  consider(machine_memory() / processes, "the machine");
  consider(control_group_memory() / processes, "the limit of its control group");
  consider(limit_left(RLIMIT_AS, size), "ulimit -v");
  consider(limit_left(RLIMIT_DATA, data), "ulimit -d");
  return least;
}

void require_memory(const std::string& name, const std::vector<MemoryPart>& parts, int processes,
                    const std::string& instead) {
  double sum = 0;
  std::string list;
  for (const MemoryPart& part : parts) {
    sum += part.bytes;
    if (part.bytes > 0)
      list +=
          fmt::format("{}{} for {}", list.empty() ? "" : ", ", bytes_text(part.bytes), part.what);
  }
  const AvailableMemory available = available_memory(processes);
  if (sum <= available.bytes) return;
  throw UserError(fmt::format("{}: needs about {} of memory{} ({}), {} leaves {}; {}", name,
                              bytes_text(sum), processes > 1 ? " on each rank" : "", list,
                              available.limit, bytes_text(available.bytes), instead));
}

}  // namespace otfleet
