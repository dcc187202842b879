#pragma once
#include <filesystem>
#include <optional>

#include "src/families/neural_dual/neural_dual.hpp"
#include "src/models/checkpoint.hpp"

namespace otfleet {

// The checkpoint of a NeuralDual has, besides what checkpoint.hpp says, attributes of /model:
// problem = "neural_dual", architecture, activation, quadratic_rank, predictor, dimension, samples;
// and /model/hidden, /model/predictor_hidden.

/// Reads the weights (and the training state, if asked for and there). Throws UserError that names
/// the file: not such a checkpoint, damaged, of another model than the job says, or of points of
/// another dimension than `dimension`, if one is given. Local.
NeuralDual read_neural_dual(const std::filesystem::path& file, const Job& job,
                            std::optional<std::int64_t> dimension, TrainingState* state = nullptr);

}  // namespace otfleet
