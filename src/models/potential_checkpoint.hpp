#pragma once
#include <filesystem>

#include "src/models/checkpoint.hpp"
#include "src/models/potential_model.hpp"

namespace otfleet {

// The checkpoint of a PotentialModel has, besides what checkpoint.hpp and architecture_record.hpp
// say, attributes of /model: n, m, shared_measures, epsilon, geometry (fingerprint); and
// /model/grid.

/// What a checkpoint says it was made for. Local. Throws UserError naming the file.
ModelDescription read_description(const std::filesystem::path& file);

/// Reads the weights (and the training state, if asked for and there). Throws UserError that names
/// the file: not a checkpoint, damaged, of another model than `expected.architecture` says, or of
/// another cost than `expected.geometry`. Local.
PotentialModel read_checkpoint(const std::filesystem::path& file, const ModelDescription& expected,
                               TrainingState* state = nullptr);

/// The description that a job asks for on a population. Throws UserError: pooling without a
/// grid.
ModelDescription describe_model(const Job& job, const Population& population);

}  // namespace otfleet
