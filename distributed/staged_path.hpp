#pragma once
#include <filesystem>
#include <string>

#include "distributed/file_mark.hpp"
#include "distributed/temporary_file.hpp"

namespace otfleet::distributed {

/// A file written under a temporary name beside its final one, so that a final name always means a
/// complete file. It replaces no file but one that carries its mark and is no input of the run.
/// `commit()` syncs the file to disk, renames it and removes what runs that were killed had begun
/// of it; a StagedPath destroyed before that removes the temporary file. Local: one rank owns it,
/// and one thread all of a process.
class StagedPath {
 public:
  /// Throws UserError when the folder does not exist or is not writable, and as
  /// check_replaceable(). `mark` is what the file carries once it is written.
  StagedPath(std::filesystem::path final_path, FileMark mark);
  StagedPath(const StagedPath&) = delete;
  StagedPath& operator=(const StagedPath&) = delete;

  const std::filesystem::path& temporary() const { return temporary_.path(); }
  const std::filesystem::path& final_path() const { return final_; }
  /// Throws UserError also when somebody has put another file there meanwhile.
  void commit();

  /// Removes the temporary files that processes which were killed left of files in `folder` whose
  /// names start with `beginning` and end with `end`. Nobody may be writing such a file.
  static void remove_leftovers(const std::filesystem::path& folder, const std::string& beginning,
                               const std::string& end);

  /// Removes the temporary files of this process, for a signal handler that ends it: makes only
  /// calls that are safe there.
  static void remove_temporaries() noexcept { TemporaryFile::remove_all(); }

 private:
  std::filesystem::path final_;
  FileMark mark_;
  TemporaryFile temporary_;
  bool committed_ = false;
};

}  // namespace otfleet::distributed
