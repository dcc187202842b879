#pragma once
#include "src/families/conditional_map/methods/map_method_facts.hpp"

namespace otfleet {

/// Maps of a trained model. With job.fine_tune.steps > 0 each potential is first trained on its own
/// problem alone, see PotentialTuner.
struct ModelMapsEntry {
  static MapMethodFacts facts() {
    return {.name = "model", .doc = "a trained model", .needs_model = true};
  }
  static std::unique_ptr<MapMethod> make(const CloudPopulation& population, ConditionalModel* model,
                                         const Job& job);
};

}  // namespace otfleet
