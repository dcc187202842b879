#include "distributed/staged_path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/output_guard.hpp"

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

constexpr std::string_view ending = ".partial";

fs::path temporary_name(const fs::path& path) {
  return path.parent_path() /
         ("." + path.filename().string() + "." + std::to_string(::getpid()) + std::string(ending));
}

/// Of which file `name`, ".<file>.<process>.partial", is the beginning; empty: it is another name.
std::string temporary_of(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(ending)) return {};
  name = name.substr(1, name.size() - 1 - ending.size());
  const auto digits = name.find_last_not_of("0123456789");
  if (digits == std::string_view::npos || digits + 1 == name.size() || name[digits] != '.')
    return {};
  return std::string(name.substr(0, digits));
}

}  // namespace

StagedPath::StagedPath(fs::path final_path, FileMark mark)
    : final_(std::move(final_path)), mark_(std::move(mark)), temporary_(temporary_name(final_)) {
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
  check_replaceable(final_, mark_);
}

void StagedPath::commit() {
  if (committed_) return;
  check_replaceable(final_, mark_);
  sync_to_disk(temporary(), O_RDONLY);
  if (::rename(temporary().c_str(), final_.c_str()) != 0) {
    fail(final_, "cannot be renamed from " + temporary().filename().string(), errno);
  }
  temporary_.let_go();
  committed_ = true;
  sync_to_disk(folder_of(final_), O_RDONLY | O_DIRECTORY);  // the rename itself
  const std::string name = final_.filename().string();
  remove_leftovers(folder_of(final_), name, name);
}

void StagedPath::remove_leftovers(const fs::path& folder, const std::string& beginning,
                                  const std::string& end) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string of = temporary_of(entry.path().filename().string());
    if (!of.empty() && of.starts_with(beginning) && of.ends_with(end))
      fs::remove(entry.path(), ignored);
  }
}

}  // namespace otfleet::distributed
