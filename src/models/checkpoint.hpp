#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "src/models/potential_model.hpp"

namespace otfleet {

/// What training needs besides the weights to go on where it stopped. Arrays are flat, in the order
/// of PotentialModel::parameters().
struct TrainingState {
  std::int64_t step = 0;
  double seconds = 0;  ///< wall time spent so far
  Vector<float, ExecutionSpace> first_moment, second_moment;
  std::vector<double> history;  ///< rows of `history_columns` figures, as the trainer logged them
  std::string job;              ///< what the run depends on, as text; another text is another run
};

inline constexpr std::int64_t history_columns =
    5;  ///< step, loss, first error, gradient norm, rate

/// Writes a checkpoint (temporary name, then renamed), HDF5 with attribute `otfleet_kind` =
/// "checkpoint", `otfleet_version` = 1:
///   /model with attributes architecture, embedding, output_rank, pooling, n, m, shared_measures,
///     epsilon, geometry (fingerprint); /model/hidden, /model/head, /model/grid;
///     /model/parameters/<layer> float32, one dataset a tensor
///   /training (only with `state`): attributes step, seconds, job; first_moment, second_moment
///     [parameters] float32; history [logged, history_columns] float64
/// and sealed by a checksum over all of it.
/// Local: rank 0 alone calls it. Throws UserError.
void write_checkpoint(const std::filesystem::path& file, PotentialModel& model,
                      const TrainingState* state = nullptr);

/// What a checkpoint says it was made for. Local. Throws UserError naming the file.
ModelDescription read_description(const std::filesystem::path& file);

/// Reads the weights (and the training state, if asked for and there). Throws UserError that names
/// the file: not a checkpoint, damaged, of another model than `expected.architecture` says, or of
/// another cost than `expected.geometry`. Local.
PotentialModel read_checkpoint(const std::filesystem::path& file, const ModelDescription& expected,
                               TrainingState* state = nullptr);

/// The description that a job asks for on a population. Throws UserError: pooling without a grid.
ModelDescription describe_model(const Job& job, const Population& population);

}  // namespace otfleet
