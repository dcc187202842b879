#include "src/families/conditional_map/job_rules.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "src/families/conditional_map/methods/map_method_facts.hpp"
#include "src/job.hpp"
#include "src/models/architectures.hpp"

namespace otfleet {

void set_conditional_defaults(Job& job) {
  job.problem.geometry = GeometryKind::clouds;
  job.train.batch = 8;
  job.train.learning_rate = 1e-2;
  job.fine_tune.learning_rate = 2e-2;
}

std::string conditional_complaint(const Job& job) {
  if (job.problem.kind != ProblemKind::conditional_map) {
    for (const char* key : {"model.conditioning", "model.context", "model.context_hidden",
                            "model.context_points", "model.image_channels", "model.start"})
      if (job.sets(key)) return fmt::format("{} needs problem = 'conditional_map'", key);
    for (const char* key : {"map.images", "map.method"})
      if (job.sets(key)) return fmt::format("{} needs problem = 'conditional_map'", key);
    for (const auto& method : map_methods())
      for (const auto& key : method.keys)
        if (job.sets("map." + key))
          return fmt::format("map.{} needs problem = 'conditional_map'", key);
    return {};
  }
  if (job.problem.geometry != GeometryKind::clouds)
    return fmt::format(
        "problem = 'conditional_map' needs problem.geometry = 'clouds', not '{}': maps take points",
        word_of(job.problem.geometry));
  if (job.problem.cost != kernels::GroundCost(kernels::SquaredEuclideanCost{}))
    return "problem = 'conditional_map' needs problem.cost = 'squared_euclidean': gradients of "
           "potentials are optimal for no other";
  const MapMethodFacts& method = map_method_of(job);
  for (const auto& other : map_methods())
    for (const auto& key : other.keys)
      if (job.sets("map." + key) &&
          std::find(method.keys.begin(), method.keys.end(), key) == method.keys.end())
        return fmt::format("map.{} needs map.method = '{}', not '{}'", key, other.name,
                           method.name);
  if (job.fine_tune.steps > 0 && !method.needs_model)
    return fmt::format("fine_tune.steps is for map.method = 'model', not '{}'", method.name);
  if (method.solves && job.solver.initializer == "model")
    return fmt::format(
        "solver.initializer = 'model' is for problem = 'linear'; with map.method = '{}' use "
        "another",
        method.name);
  const auto* architecture = find_architecture(job.model.architecture);
  if (architecture != nullptr && architecture->uses.velocities) {
    if (job.model.start != MapStart::identity)
      return fmt::format(
          "model.start = '{}' is for potentials; model.architecture = 'velocity' begins at the "
          "'identity'",
          word_of(job.model.start));
    if (job.model.conditioning == Conditioning::generated)
      return "model.conditioning = 'generated' is for potentials; with model.architecture = "
             "'velocity' use 'partial' or 'none'";
    if (job.fine_tune.steps > 0)
      return "fine_tune.steps is for potentials; with model.architecture = 'velocity' leave it out";
    return {};
  }
  if (job.train.loss == TrainingLoss::cycle)
    return "train.loss = 'cycle' is for problem = 'neural_dual'; with 'conditional_map' use "
           "'regression'";
  if (job.model.has_predictor() && job.model.predictor != "mlp")
    return fmt::format(
        "model.predictor = '{}' is for problem = 'neural_dual'; with 'conditional_map' use 'mlp' "
        "or 'none'",
        job.model.predictor);
  return {};
}

}  // namespace otfleet
