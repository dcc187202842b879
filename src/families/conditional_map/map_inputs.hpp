#pragma once
#include <filesystem>
#include <memory>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/runs/command_context.hpp"

namespace otfleet {

/// What solve and evaluate map, and by what.
struct MapInputs {
  std::filesystem::path file;  ///< of the population
  CloudPopulation population;
  std::filesystem::path checkpoint;         ///< of the model
  std::unique_ptr<ConditionalModel> model;  ///< or null: map.method needs none
};

/// Reads what a job names. Local. Throws UserError that names the file.
MapInputs read_map_inputs(const CommandContext& context);

}  // namespace otfleet
