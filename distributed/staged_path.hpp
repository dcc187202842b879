#pragma once
#include <atomic>
#include <filesystem>
#include <string>

namespace otfleet::distributed {

/// A file written under a temporary name beside its final one, so that a final name always means a
/// complete file. `commit()` syncs the file to disk, renames it and removes what runs that were
/// killed had begun of it; a StagedPath destroyed before that removes the temporary file. Local:
/// one rank owns it, and one thread all of a process.
class StagedPath {
 public:
  /// Throws UserError when the folder does not exist or is not writable.
  explicit StagedPath(std::filesystem::path final_path);
  ~StagedPath();
  StagedPath(const StagedPath&) = delete;
  StagedPath& operator=(const StagedPath&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }
  const std::filesystem::path& final_path() const { return final_; }
  void commit();

  /// Removes the temporary files that processes which were killed left of files in `folder` whose
  /// names start with `beginning`. Nobody may be writing such a file.
  static void remove_leftovers(const std::filesystem::path& folder, const std::string& beginning);

  /// Removes the temporary files of all StagedPaths of this process, for a signal handler that ends
  /// it: makes only calls that are safe there.
  static void remove_temporaries() noexcept;

 private:
  std::filesystem::path final_, temporary_;
  bool committed_ = false;
  mutable std::atomic<const StagedPath*> next_ = nullptr;  ///< of those alive
  static inline std::atomic<const StagedPath*> first_ = nullptr;
};

}  // namespace otfleet::distributed
