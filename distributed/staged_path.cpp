#include "distributed/staged_path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "distributed/error.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) {
  const fs::path folder = path.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

[[noreturn]] void fail(const fs::path& path, const std::string& what, int error) {
  throw UserError(path.string() + ": " + what + ": " + std::strerror(error));
}

/// Waits until `path`, a file or a folder, is on disk.
void sync_to_disk(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail(path, "cannot be opened to sync it to disk", errno);
  const int status = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  // Some network file systems know no fsync of a folder and say so by EINVAL.
  const bool folder = (flags & O_DIRECTORY) != 0;
  if (status != 0 && !(folder && error == EINVAL)) fail(path, "cannot be synced to disk", error);
}

}  // namespace

StagedPath::StagedPath(fs::path final_path) : final_(std::move(final_path)) {
  const fs::path folder = folder_of(final_);
  std::error_code ignored;
  if (!final_.has_filename() || fs::is_directory(final_, ignored)) {
    throw UserError(final_.string() + ": is a folder; the name of a file was expected");
  }
  if (!fs::is_directory(folder, ignored)) {
    throw UserError(final_.string() + ": cannot be written: " + folder.string() +
                    " is not an existing folder");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    fail(final_, "cannot be written: folder " + folder.string(), errno);
  }
  temporary_ = final_.parent_path() /
               ("." + final_.filename().string() + "." + std::to_string(::getpid()) + ".partial");
  next_ = first_.load();
  first_ = this;  // at every moment the list is whole: a signal may come at any
}

StagedPath::~StagedPath() {
  std::error_code ignored;
  if (!committed_) fs::remove(temporary_, ignored);
  std::atomic<const StagedPath*>* link = &first_;
  while (*link != this) link = &link->load()->next_;
  *link = next_.load();
}

void StagedPath::commit() {
  if (committed_) return;
  sync_to_disk(temporary_, O_RDONLY);
  if (::rename(temporary_.c_str(), final_.c_str()) != 0) {
    fail(final_, "cannot be renamed from " + temporary_.filename().string(), errno);
  }
  committed_ = true;
  sync_to_disk(folder_of(final_), O_RDONLY | O_DIRECTORY);  // the rename itself
  remove_leftovers(folder_of(final_), final_.filename().string() + ".");
}

void StagedPath::remove_leftovers(const fs::path& folder, const std::string& beginning) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("." + beginning) && name.ends_with(".partial"))
      fs::remove(entry.path(), ignored);
  }
}

void StagedPath::remove_temporaries() noexcept {
  for (const StagedPath* one = first_; one != nullptr; one = one->next_)
    ::unlink(one->temporary_.c_str());
}

}  // namespace otfleet::distributed
