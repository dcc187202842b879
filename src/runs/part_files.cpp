#include "src/runs/part_files.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "distributed/error.hpp"
#include "distributed/hdf5_checksum.hpp"
#include "distributed/output_guard.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/fingerprint.hpp"

namespace otfleet {

namespace fs = std::filesystem;
using distributed::Communicator;
using distributed::Hdf5File;
using distributed::StagedPath;

std::vector<std::string> part_names(const fs::path& folder, const std::string& prefix) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".h5")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> agreed_part_names(const fs::path& folder, const std::string& prefix,
                                           const Communicator& communicator) {
  std::string listed;
  if (communicator.is_root())
    for (const auto& name : part_names(folder, prefix)) listed += name + "\n";
  std::istringstream lines(communicator.broadcast(listed));
  std::vector<std::string> names;
  for (std::string name; std::getline(lines, name);) names.push_back(name);
  return names;
}

void write_part(const fs::path& path, const std::string& kind, const std::string& job,
                const std::function<void(Hdf5File&)>& fill) {
  const fs::path folder = path.parent_path();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw UserError(folder.string() + ": cannot be made: " + error.message());
  StagedPath staged(path, distributed::FileMark::name(kind));
  Hdf5File file = Hdf5File::create(staged.temporary());
  file.set_attribute("/", distributed::kind_attribute, kind);
  file.set_attribute("/", "otfleet_version", std::int64_t{1});
  file.set_attribute("/", "job", job);
  fill(file);
  distributed::seal(file);
  file.close();
  staged.commit();
}

std::string part_ending(const std::string& job) {
  return "-" + digits_of(job) + ".h5";
}

void remove_parts(const fs::path& folder, const std::string& prefix, const std::string& job,
                  const Communicator& communicator) {
  communicator.barrier();  // all have read
  if (!communicator.is_root()) return;
  std::error_code error;
  const std::string ending = part_ending(job);
  for (const auto& name : part_names(folder, prefix))
    if (!error && name.ends_with(ending) && !distributed::is_input(folder / name))
      fs::remove(folder / name, error);
  StagedPath::remove_leftovers(folder, prefix, ending);
  ::rmdir(folder.c_str());  // only where it is a folder, and nobody has left something else in it
  if (error)
    spdlog::warn("{} is not needed any more but cannot be removed: {}", folder.string(),
                 error.message());
}

}  // namespace otfleet
