#pragma once
#include <atomic>
#include <filesystem>

namespace otfleet::distributed {

/// The name of a file that goes when this object goes, or when a signal ends the process. Whoever
/// owns it makes the file. Local: one thread all of a process.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path path);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// The file has another name now, or is somebody else's: nothing is removed.
  void let_go() { owned_ = false; }
  void hold() { owned_ = true; }

  /// Removes the files of all such objects of this process, for a signal handler that ends it:
  /// makes only calls that are safe there.
  static void remove_all() noexcept;

 private:
  std::filesystem::path path_;
  std::atomic<bool> owned_ = true;
  mutable std::atomic<const TemporaryFile*> next_ = nullptr;  ///< of those alive
  static inline std::atomic<const TemporaryFile*> first_ = nullptr;
};

}  // namespace otfleet::distributed
