#include "src/families/conditional_map/map_inputs.hpp"

#include "src/families/conditional_map/conditional_checkpoint.hpp"
#include "src/families/conditional_map/methods/map_method_facts.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/runs/input_files.hpp"

namespace otfleet {

MapInputs read_map_inputs(const CommandContext& context) {
  const Job& job = context.job;
  MapInputs inputs;
  inputs.file =
      find_input(context, job.files.test_population, "files.test_population", "make", "test.h5");
  inputs.population = read_cloud_population(inputs.file);
  require_squared_costs(inputs.population, inputs.file.string());
  if (map_method_of(job).needs_model) {
    inputs.checkpoint =
        find_input(context, job.files.checkpoint, "files.checkpoint", "train", "model.h5");
    inputs.model =
        read_conditional(inputs.checkpoint, job, inputs.population, inputs.file.string());
  }
  return inputs;
}

}  // namespace otfleet
