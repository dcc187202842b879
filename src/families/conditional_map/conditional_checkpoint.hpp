#pragma once
#include <filesystem>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/models/checkpoint.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

// The checkpoint of a ConditionalModel has, besides what checkpoint.hpp says, what that of a
// NeuralDual has, with problem = "conditional_map", and attributes conditioning, context, start and
// context_numbers, and /model/context_hidden, context_mean, context_deviation.

/// Reads the weights (and the training state, if asked for and there). Throws UserError that names
/// the file: not such a checkpoint, damaged, of another model than the job says, or one that cannot
/// take the population. Local.
std::unique_ptr<ConditionalModel> read_conditional(const std::filesystem::path& file,
                                                   const Job& job,
                                                   const CloudPopulation& population,
                                                   const std::string& population_name,
                                                   TrainingState* state = nullptr);

}  // namespace otfleet
