#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distributed/error.hpp"
#include "distributed/file_mark.hpp"
#include "distributed/hdf5_file.hpp"
#include "src/config/choice.hpp"
#include "src/data/file_kinds.hpp"
#include "src/families/problem_options.hpp"
#include "src/models/trained_model.hpp"

namespace otfleet {

/// What an optimizer remembers between steps, by its name in a checkpoint.
struct StateArray {
  std::string name;
  DeviceArray<float> values;
};

/// What training needs besides the weights to go on where it stopped.
struct TrainingState {
  std::int64_t step = 0;
  double seconds = 0;                 ///< wall time spent so far
  std::vector<StateArray> optimizer;  ///< flat, as Optimizer::fresh_state() has them
  std::vector<double> history;  ///< rows of `history_columns` figures, as the trainer logged them
  std::string job;              ///< what the run depends on, as text; another text is another run
};

inline constexpr std::int64_t history_columns =
    5;  ///< step, loss, first error, gradient norm, rate

/// Writes a checkpoint (temporary name, then renamed), HDF5 with attribute `otfleet_kind` =
/// "checkpoint", `otfleet_version` = 1:
///   /model with attribute problem ("population" where there is none), and what
///   TrainedModel::write_description() writes;
///     /model/parameters/<tensor> float32, one dataset each
///   /training (only with `state`): attributes step, seconds, job; history [logged,
///     history_columns] float64; and every array of the optimizer's, float32, in the order of the
///     attribute optimizer (without it: first_moment second_moment)
/// and sealed by a checksum over all of it.
/// Local: rank 0 alone calls it. Throws UserError, also where a file without `mark` would be
/// replaced.
void write_checkpoint(
    const std::filesystem::path& file, TrainedModel& model, const TrainingState* state = nullptr,
    const distributed::FileMark& mark = distributed::FileMark::hdf5(checkpoint_kind));

/// The checksum that seals a checkpoint; empty: it has none. Local. Throws UserError.
std::string read_checksum(const std::filesystem::path& file);

/// A checkpoint to read, whatever its model is.
class CheckpointFile {
 public:
  /// Throws UserError: no HDF5, of a newer format.
  explicit CheckpointFile(const std::filesystem::path& file);

  std::string name() const { return file_.path().string(); }
  /// Throws UserError: its model is for another problem.kind.
  void require_problem(ProblemKind kind) const;
  /// Attributes and lists of numbers, whole or not, of /model. Throw UserError where there is none,
  /// unless `absent` stands for it.
  std::string text(const std::string& attribute, std::optional<std::string> absent = {}) const;
  double number(const std::string& attribute, std::optional<double> absent = {}) const;
  /// The value that an attribute's word means. Throws UserError also for a word that is not known.
  template <class Enum>
  Enum choice(const std::string& attribute, std::optional<std::string> absent = {}) const {
    const auto word = text(attribute, std::move(absent));
    if (const auto known = value_of<Enum>(word)) return *known;
    throw UserError(name() + ": has " + attribute + " '" + word +
                    "', which this otfleet does not know");
  }
  std::vector<std::int64_t> list(const std::string& dataset) const;
  std::vector<double> numbers(const std::string& dataset) const;

  /// Reads the weights (and the training state, if asked for and there), and checks the seal.
  /// Throws UserError that names the file: damaged, tensors of other names and shapes.
  void read(TrainedModel& model, TrainingState* state) const;

 private:
  distributed::Hdf5File file_;
};

}  // namespace otfleet
