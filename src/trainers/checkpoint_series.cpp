#include "src/trainers/checkpoint_series.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "distributed/error.hpp"
#include "distributed/output_guard.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/fingerprint.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "training-";

std::string ending(const std::string& job) {
  return "-" + digits_of(job) + ".h5";
}

/// Twelve digits, so that names sort as steps do.
fs::path name_of(std::int64_t step, const std::string& job) {
  return fmt::format("{}{:012}{}", prefix, step, ending(job));
}

}  // namespace

CheckpointSeries::CheckpointSeries(fs::path folder, std::int64_t keep)
    : folder_(std::move(folder)), keep_(static_cast<std::size_t>(keep)) {}

std::vector<fs::path> CheckpointSeries::files() const {
  std::vector<fs::path> result;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".h5")) result.push_back(folder_ / name);
  }
  std::sort(result.begin(), result.end());
  return result;
}

fs::path CheckpointSeries::newest(const std::function<TrainingState(const fs::path&)>& read,
                                  const std::string& identity) {
  identity_ = identity;
  ours_ = files();
  for (; !ours_.empty(); ours_.pop_back()) {
    const fs::path& file = ours_.back();
    try {
      if (read(file).job == identity) return file;
      spdlog::warn("{} is of another job and is not used", file.string());
    } catch (const UserError& error) {
      spdlog::warn("{}; it is not used", error.what());
    }
  }
  return {};
}

void CheckpointSeries::write(TrainedModel& model, const TrainingState& state) {
  identity_ = state.job;
  const fs::path file = folder_ / name_of(state.step, identity_);
  write_checkpoint(file, model, &state, distributed::FileMark::name(checkpoint_kind));
  if (ours_.empty() || ours_.back() != file) ours_.push_back(file);
  if (ours_.size() > keep_) ours_.erase(ours_.begin(), ours_.end() - static_cast<long>(keep_));
  remove_but(ours_);
  distributed::StagedPath::remove_leftovers(folder_, prefix, ending(identity_));
}

void CheckpointSeries::remove() {
  ours_.clear();
  remove_but(ours_);
}

void CheckpointSeries::remove_but(const std::vector<fs::path>& kept) const {
  const std::string of_this_job = ending(identity_);
  for (const auto& file : files())
    if (file.filename().string().ends_with(of_this_job) && !distributed::is_input(file) &&
        std::find(kept.begin(), kept.end(), file) == kept.end())
      fs::remove(file);
}

}  // namespace otfleet
