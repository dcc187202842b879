#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "src/models/checkpoint.hpp"

namespace otfleet {

/// The checkpoints of an unfinished training, `training-<step>-<job>.h5` in its output folder, the
/// last few kept: a damaged one costs the steps since the one before. <job>, 16 hex digits, says of
/// which job it is: jobs that take turns in a folder leave each other's alone. Local: rank 0 alone
/// writes.
class CheckpointSeries {
 public:
  /// `keep`: how many stay, at least 1.
  CheckpointSeries(std::filesystem::path folder, std::int64_t keep);

  /// The newest checkpoint that is whole and of the run `identity` (TrainingState::job); empty:
  /// none. Each one passed over is a warning that names it. Nothing is removed.
  /// `read` gives a checkpoint's state, or throws UserError where it is not whole or its model not
  /// the one that is trained.
  std::filesystem::path newest(
      const std::function<TrainingState(const std::filesystem::path&)>& read,
      const std::string& identity);

  /// Writes one more (temporary name, sync, rename), then removes all files of this job but the
  /// last `keep`. Throws UserError.
  void write(TrainedModel& model, const TrainingState& state);

  /// Removes all of this job: the training is done.
  void remove();

 private:
  /// Ascending by step.
  std::vector<std::filesystem::path> files() const;
  void remove_but(const std::vector<std::filesystem::path>& kept) const;

  std::filesystem::path folder_;
  std::size_t keep_;
  std::string identity_;                     ///< of this run
  std::vector<std::filesystem::path> ours_;  ///< of this run, ascending
};

}  // namespace otfleet
