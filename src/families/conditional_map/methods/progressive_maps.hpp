#pragma once
#include "src/families/conditional_map/methods/map_method_facts.hpp"

namespace otfleet {

/// Progressive entropic maps (Kassraie, Pooladian, Klein, Thornton, Niles-Weed & Cuturi 2024,
/// ProgOT). In `map.stages` stages the source's points go part of the way along the entropic map to
/// the target, at constant speed, and epsilon falls on the way:
///   x⁽ᵏ⁺¹⁾ = (1 − α_k) x⁽ᵏ⁾ + α_k T_k(x⁽ᵏ⁾),   α_k = 1/(K − k), k = 0 … K − 1,
/// T_k the entropic map from the points x⁽ᵏ⁾ to the target at
///   ε_k = (1 − t_k) ε_first + t_k ε_last,   t_k = k/(K − 1).
/// ε_first is 0.8 of the mean cost between source and target, ε_last
/// epsilon_by_self_transport() of the target. The way back is the same from the other side.
struct ProgressiveMapsEntry {
  static MapMethodFacts facts() {
    return {.name = "progressive",
            .doc = "entropic maps in stages, whose epsilon is chosen by the data",
            .solves = true,
            .draws = true,
            .keys = {"stages"}};
  }
  static std::unique_ptr<MapMethod> make(const CloudPopulation& population, ConditionalModel* model,
                                         const Job& job);
};

}  // namespace otfleet
