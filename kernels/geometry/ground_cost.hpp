#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "kernels/geometry/ground_costs/chebyshev.hpp"
#include "kernels/geometry/ground_costs/cosine.hpp"
#include "kernels/geometry/ground_costs/elastic.hpp"
#include "kernels/geometry/ground_costs/euclidean.hpp"
#include "kernels/geometry/ground_costs/great_circle.hpp"
#include "kernels/geometry/ground_costs/k_overlap.hpp"
#include "kernels/geometry/ground_costs/manhattan.hpp"
#include "kernels/geometry/ground_costs/power.hpp"
#include "kernels/geometry/ground_costs/squared_euclidean.hpp"

namespace otfleet::kernels {

/// What it costs to move a unit of mass from point x to point y: one of these types, with its
/// parameters. Everything else takes the list from here; a new cost is a file and its line. Files
/// hold fingerprints with a cost's place in the list: new ones come last.
using GroundCost = std::variant<  //
    SquaredEuclideanCost,         //
    EuclideanCost,                //
    PowerCost,                    //
    CosineCost,                   //
    GreatCircleCost,              //
    ManhattanCost,                //
    ChebyshevCost,                //
    ElasticCost,                  //
    KOverlapCost>;

/// Calls function(cost as its own type) and returns what it returns.
template <class Function>
decltype(auto) with_ground_cost(const GroundCost& cost, const Function& function) {
  return std::visit(function, cost);
}

/// As files spell it.
inline const char* name_of(const GroundCost& cost) {
  return with_ground_cost(cost, [](const auto& typed) { return typed.name; });
}

/// Every cost once, with its usual parameters.
inline const std::vector<GroundCost>& all_ground_costs() {
  static const auto all = []<class... Costs>(std::type_identity<std::variant<Costs...>>) {
    return std::vector<GroundCost>{Costs()...};
  }(std::type_identity<GroundCost>());
  return all;
}

/// The cost of that name with its usual parameters, or nothing.
inline std::optional<GroundCost> find_ground_cost(std::string_view name) {
  for (const GroundCost& cost : all_ground_costs())
    if (name == name_of(cost)) return cost;
  return std::nullopt;
}

/// Calls function(facts, value) for every parameter of a cost, which may change the value where the
/// cost is not constant.
template <class Cost, class Function>
void for_each_parameter(Cost& cost, const Function& function) {
  std::visit(
      [&](auto& typed) {
        if constexpr (!std::remove_cvref_t<decltype(typed)>::parameters.empty())
          for (const auto& parameter : typed.parameters)
            function(parameter.facts, typed.*parameter.value);
      },
      cost);
}

/// Is it finite, and what the parameter may be?
inline bool allows(const ParameterFacts& facts, double value) {
  return std::isfinite(value) && facts.allows(value);
}

/// Throws std::invalid_argument for a parameter that is not what it must be.
inline void check_parameters(const GroundCost& cost) {
  for_each_parameter(cost, [](const ParameterFacts& facts, double value) {
    if (!allows(facts, value))
      throw std::invalid_argument(std::string(facts.meaning) + " must be " + facts.range +
                                  " and finite");
  });
}

}  // namespace otfleet::kernels
