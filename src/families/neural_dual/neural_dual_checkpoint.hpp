#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "src/families/neural_dual/neural_dual.hpp"
#include "src/models/checkpoint.hpp"

namespace otfleet {

// The checkpoint of a NeuralDual has, besides what checkpoint.hpp says, attributes of /model:
// problem = "neural_dual", architecture, activation, quadratic_rank, predictor, dimension, samples,
// cost;
// and /model/hidden, /model/predictor_hidden.

/// Reads the weights (and the training state, if asked for and there). Throws UserError that names
/// the file: not such a checkpoint, damaged, of another model than the job says, or of points of
/// another dimension than `dimension`, if one is given. Local.
NeuralDual read_neural_dual(const std::filesystem::path& file, const Job& job,
                            std::optional<std::int64_t> dimension, TrainingState* state = nullptr);

// What the checkpoints of all models of potentials have in common. Local; reading throws UserError.

/// "mlp with hidden = [128, 64], activation = elu, predictor = mlp with predictor_hidden = [64]".
std::string potential_text(const ModelOptions& model);
void write_potential(distributed::Hdf5File& file, const ModelOptions& model);
ModelOptions read_potential(const CheckpointFile& file);
void write_standardization(distributed::Hdf5File& file, const Standardization& standardization);
/// `dimension`: of the points.
Standardization read_standardization(const CheckpointFile& file, std::int64_t dimension);

}  // namespace otfleet
