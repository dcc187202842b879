#pragma once
#include <memory>

#include "src/networks/architectures/architecture.hpp"
#include "src/networks/architectures/chain.hpp"
#include "src/networks/architectures/pair_network.hpp"

// Networks of the architecture that a job names; LibTorch's side, included by the files of the
// models library only. All throw std::logic_error where no architecture of that name has that use:
// jobs are checked before.

namespace otfleet {

/// Points along every axis of a grid that are one input of model.architecture.
std::int64_t pooling_of(const ModelOptions& model);

/// Points along every axis of a grid for which it has one output.
std::int64_t output_pooling_of(const ModelOptions& model);

std::unique_ptr<PairNetwork> make_pair_network(const ModelDescription& description,
                                               const PairShape& shape);
Chain make_potential(const ModelOptions& model, std::int64_t dimension);
/// `outputs`: the dimension, or more where a prediction has further parts.
Chain make_predictor(const ModelOptions& model, std::int64_t dimension, std::int64_t outputs);

}  // namespace otfleet
