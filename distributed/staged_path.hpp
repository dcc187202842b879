#pragma once
#include <filesystem>

namespace otfleet::distributed {

/// A file written under a temporary name beside its final one, so that a final name always means a
/// complete file. `commit()` syncs the file to disk and renames it; a StagedPath destroyed before
/// that removes the temporary file. Local: one rank owns it.
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

 private:
  std::filesystem::path final_, temporary_;
  bool committed_ = false;
};

}  // namespace otfleet::distributed
