#pragma once
#include "src/families/conditional_map/methods/map_method_facts.hpp"

namespace otfleet {

/// Sliced transport by turns (Pitié, Kokaram & Dahyot 2007): `map.turns` times both clouds are
/// turned at random and every coordinate of the source goes to the target's by the monotone map.
/// The way back is made the same way.
struct SlicedMapsEntry {
  static MapMethodFacts facts() {
    return {.name = "sliced",
            .doc = "sliced transport by random turns",
            .draws = true,
            .keys = {"turns"}};
  }
  static std::unique_ptr<MapMethod> make(const CloudPopulation& population, ConditionalModel* model,
                                         const Job& job);
};

}  // namespace otfleet
