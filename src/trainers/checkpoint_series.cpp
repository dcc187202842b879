#include "src/trainers/checkpoint_series.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "training-";

/// Twelve digits, so that names sort as steps do.
fs::path name_of(std::int64_t step) {
  return fmt::format("{}{:012}.h5", prefix, step);
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
  const fs::path file = folder_ / name_of(state.step);
  write_checkpoint(file, model, &state);
  if (ours_.empty() || ours_.back() != file) ours_.push_back(file);
  if (ours_.size() > keep_) ours_.erase(ours_.begin(), ours_.end() - static_cast<long>(keep_));
  for (const auto& other : files())
    if (std::find(ours_.begin(), ours_.end(), other) == ours_.end()) fs::remove(other);
  distributed::StagedPath::remove_leftovers(folder_, prefix);
}

void CheckpointSeries::remove() {
  for (const auto& file : files()) fs::remove(file);
  ours_.clear();
}

}  // namespace otfleet
