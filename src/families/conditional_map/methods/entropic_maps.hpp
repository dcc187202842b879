#pragma once
#include "src/families/conditional_map/methods/map_method_facts.hpp"

namespace otfleet {

/// The entropic map of the plan that Sinkhorn finds, see kernels::entropic_map(). ε is
/// `map.epsilon` of the problem's mean cost, or epsilon_by_self_transport() of the target. The way
/// back is the same map of the other side.
struct EntropicMapsEntry {
  static MapMethodFacts facts() {
    return {.name = "entropic",
            .doc = "the entropic map of each problem's plan",
            .solves = true,
            .draws = true,
            .keys = {"epsilon"}};
  }
  static std::unique_ptr<MapMethod> make(const CloudPopulation& population, ConditionalModel* model,
                                         const Job& job);
};

}  // namespace otfleet
