#include "distributed/folder_lock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include "distributed/error.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;
using Share = FolderLock::Share;

constexpr const char* prefix = ".otfleet-lock";

std::string name_of(const std::optional<Share>& share) {
  if (!share) return prefix;
  return std::string(prefix) + "-" + std::to_string(share->index) + "-of-" +
         std::to_string(share->count);
}

/// The share that a lock is of; none: the whole folder.
std::optional<Share> share_of(const std::string& name) {
  Share share;
  const std::string pattern = std::string(prefix) + "-%d-of-%d";
  if (std::sscanf(name.c_str(), pattern.c_str(), &share.index, &share.count) == 2) return share;
  return std::nullopt;
}

/// Shares of one population, cut into as many, are each other's company.
bool conflict(const std::optional<Share>& a, const std::optional<Share>& b) {
  return !a || !b || a->count != b->count || a->index == b->index;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

/// When a process began, in ticks since the host did; empty: there is no such process. A number of
/// a process is used again, but not at the same time.
std::string start_of(const std::string& process) {
  std::ifstream stream("/proc/" + process + "/stat");
  std::string text;
  std::getline(stream, text);
  const auto name_end = text.rfind(')');  // the program's name may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string state, field;
  fields >> state;
  if (state == "Z" || state == "X") return {};  // dead, and nobody has asked yet how it ended
  constexpr int start_field = 22, state_field = 3;
  for (int k = state_field; k < start_field; ++k) fields >> field;
  return field;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What a lock says: a name and a value a line.
using Entries = std::map<std::string, std::string>;

Entries own_entries(const std::string& command) {
  const std::string process = std::to_string(::getpid());
  return {{"command", command},
          {"host", host_name()},
          {"process", process},
          {"started", start_of(process)},
          {"slurm_job", environment("SLURM_JOB_ID")},
          {"slurm_restart", environment("SLURM_RESTART_COUNT")}};
}

Entries read_entries(const fs::path& file) {
  Entries entries;
  std::ifstream stream(file);
  for (std::string name, value; stream >> name && std::getline(stream, value);)
    entries[name] = value.substr(std::min<std::size_t>(value.size(), 1));
  return entries;
}

/// Is the run that wrote `lock` surely over?
bool is_stale(Entries lock, Entries own) {
  if (!own["slurm_job"].empty() && lock["slurm_job"] == own["slurm_job"] &&
      lock["slurm_restart"] != own["slurm_restart"])
    return true;  // SLURM has ended the job and started it again
  return !lock["process"].empty() && lock["host"] == own["host"] &&
         start_of(lock["process"]) != lock["started"];
}

[[noreturn]] void refuse(const fs::path& lock, Entries entries, const Entries& own) {
  const fs::path folder = lock.parent_path();
  std::string text = folder.string() + ": ";
  if (entries["process"].empty()) {
    text += "holds a lock that says nothing";
  } else {
    text += "another run writes here: otfleet " + entries["command"] + ", process " +
            entries["process"] + " on " + entries["host"];
    if (entries["host"] == own.at("host"))
      throw UserError(text + "; wait for its end, or name another folder with --output");
  }
  throw UserError(text + "; wait for its end, name another folder with --output, or, if nothing " +
                  "runs there any more, remove " + lock.string());
}

std::string text_of(const Entries& entries) {
  std::string text;
  for (const auto& [name, value] : entries) text += name + " " + value + "\n";
  return text;
}

bool write_text(const fs::path& path, int flags, const std::string& text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
  if (descriptor < 0) return false;
  const bool written =
      ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(descriptor);
  if (!written) ::unlink(path.c_str());
  errno = error;
  return written;
}

/// Makes the file, whole from its first moment; false where one of that name is there already. Two
/// hosts never both succeed, on NFS either.
bool create(const fs::path& lock, const Entries& own) {
  const TemporaryFile temporary(lock.string() + "." + own.at("host") + "." + own.at("process"));
  const std::string text = text_of(own);
  const auto fail = [&] {
    throw UserError(lock.string() + ": cannot be written: " + std::strerror(errno));
  };
  if (!write_text(temporary.path(), O_TRUNC, text)) fail();
  if (::link(temporary.path().c_str(), lock.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  // A file system without links.
  if (write_text(lock, O_EXCL, text)) return true;
  if (errno != EEXIST) fail();
  return false;
}

/// While it lives, no other process of this host looks at the locks of the folder: of two that
/// find a stale one, the second must not remove what the first has put in its place.
class Turn {
 public:
  explicit Turn(const fs::path& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ >= 0) ::flock(descriptor_, LOCK_EX);
  }
  ~Turn() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  int descriptor_;
};

}  // namespace

FolderLock::FolderLock(const fs::path& folder, const std::string& command,
                       const std::optional<Share>& share)
    : file_(folder / name_of(share)) {
  file_.let_go();  // until it is ours
  const Entries own = own_entries(command);
  const Turn turn(folder);
  while (!create(file_.path(), own)) {
    const Entries other = read_entries(file_.path());
    if (!is_stale(other, own)) refuse(file_.path(), other, own);
    std::error_code error;
    fs::remove(file_.path(), error);
    if (error) throw UserError(file_.path().string() + ": cannot be removed: " + error.message());
  }
  file_.hold();
  // Only now: of two that come at the same time, at least one sees the other.
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const fs::path& lock = entry.path();
    const std::string name = lock.filename().string();
    const auto other_share = share_of(name);
    if (name != name_of(other_share) || lock == file_.path() || !conflict(share, other_share))
      continue;
    const Entries other = read_entries(lock);
    if (!is_stale(other, own)) refuse(lock, other, own);
    fs::remove(lock, ignored);
  }
}

}  // namespace otfleet::distributed
