#include "src/start_jobs.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "distributed/error.hpp"
#include "src/config/nearest_name.hpp"

namespace otfleet {
namespace {

/// The first sentence of the first comment.
std::string summary_of(const StartJob& job) {
  const auto begin = job.text.find_first_not_of("# ");
  auto text = job.text.substr(begin, job.text.find("\n#\n") - begin);
  for (auto at = text.find("\n# "); at != std::string::npos; at = text.find("\n# "))
    text.replace(at, 3, " ");
  return text;
}

std::string list_of_kinds() {
  std::string text = "otfleet init KIND [JOB.toml] writes a job to begin with. KIND is one of\n\n";
  for (const auto& job : start_jobs())
    text += fmt::format("  {:<10} {}\n", job.kind, summary_of(job));
  return text;
}

/// Makes the file; it must not exist, under that name or by a link.
void write_new(const std::filesystem::path& file, const std::string& text) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0)
    throw UserError(errno == EEXIST
                        ? file.string() + ": is there already and stays; name another file"
                        : file.string() + ": cannot be written: " + std::strerror(errno));
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count = ::write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  const bool closed = ::close(descriptor) == 0;
  if (done == text.size() && closed) return;
  const int error = errno;
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  throw UserError(file.string() + ": cannot be written: " + std::strerror(error));
}

}  // namespace

std::string start_job(const std::string& kind, const std::filesystem::path& file) {
  if (kind.empty()) return list_of_kinds();
  const auto& jobs = start_jobs();
  const auto found =
      std::find_if(jobs.begin(), jobs.end(), [&](const StartJob& job) { return job.kind == kind; });
  if (found == jobs.end()) {
    std::vector<std::string> kinds;
    kinds.reserve(jobs.size());
    for (const auto& job : jobs) kinds.push_back(job.kind);
    throw UserError(fmt::format("init: no kind of data '{}'; there are {}{}", kind,
                                fmt::join(kinds, ", "), did_you_mean(kind, kinds)));
  }
  if (file.empty()) return found->text;
  write_new(file, found->text);
  const auto name = file.string();
  return fmt::format(
      "wrote {0}\nnext: name your files under [data] in it, then run 'otfleet make {0}' "
      "and 'otfleet solve {0}'\n",
      name);
}

}  // namespace otfleet
