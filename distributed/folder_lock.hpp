#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "distributed/temporary_file.hpp"

namespace otfleet::distributed {

/// Keeps a folder for one run: a file `.otfleet-lock` in it that says which process of which host
/// holds it. Runs that each solve a share of one job have files of their own,
/// `.otfleet-lock-<K>-of-<N>`, and do not exclude each other. The file goes with this object, and
/// when a signal ends the process; one that a killed process of this host left, or a job that SLURM
/// has put back into its queue, is taken over. Works on file systems of several hosts. Local: one
/// rank of a run holds it.
class FolderLock {
 public:
  struct Share {
    int index = 0, count = 1;
  };

  /// Throws UserError, which says who holds the folder and what to do, when another run does.
  FolderLock(const std::filesystem::path& folder, const std::string& command,
             const std::optional<Share>& share = {});

 private:
  TemporaryFile file_;
};

}  // namespace otfleet::distributed
