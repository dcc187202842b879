#pragma once
#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace otfleet::test {

/// A disk of its own of a few megabytes, in memory; only root can have one.
class SmallDisk {
 public:
  SmallDisk(const std::filesystem::path& folder, int kilobytes) : folder_(folder.string()) {
    std::filesystem::create_directories(folder);
    mounted_ = ::mount("otfleet", folder_.c_str(), "tmpfs", 0, size(kilobytes).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  bool resize(int kilobytes) { return remount(0, size(kilobytes)); }
  bool make_read_only() { return remount(MS_RDONLY, ""); }

 private:
  static std::string size(int kilobytes) { return "size=" + std::to_string(kilobytes) + "k"; }
  bool remount(unsigned long flags, const std::string& options) const {
    return ::mount("otfleet", folder_.c_str(), "tmpfs", MS_REMOUNT | flags, options.c_str()) == 0;
  }

  std::string folder_;
  bool mounted_ = false;
};

#define REQUIRE_DISK(disk) \
  if (!(disk).mounted()) GTEST_SKIP() << "no small disk here: mounting one needs root"

}  // namespace otfleet::test
