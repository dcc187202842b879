#pragma once
#include "src/families/conditional_map/methods/map_method_facts.hpp"

namespace otfleet {

/// The map between Gaussians with the measures' moments, see gaussian_map().
struct GaussianMapsEntry {
  static MapMethodFacts facts() {
    return {.name = "gaussian", .doc = "the map between Gaussians with the measures' moments"};
  }
  static std::unique_ptr<MapMethod> make(const CloudPopulation& population, ConditionalModel* model,
                                         const Job& job);
};

}  // namespace otfleet
