#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "src/config/key_list.hpp"

namespace otfleet {

/// Which entries of a plan's rows are written: the largest ones, or those with a share of the row.
enum class PlanRule { none, top_k, threshold };

template <>
struct Choices<PlanRule> {
  static constexpr Choice<PlanRule> list[] = {
      {"none", PlanRule::none}, {"top_k", PlanRule::top_k}, {"threshold", PlanRule::threshold}};
};

/// Whose regularized value.
enum class ValueConvention { ott, geomloss };

template <>
struct Choices<ValueConvention> {
  static constexpr Choice<ValueConvention> list[] = {{"ott", ValueConvention::ott},
                                                     {"geomloss", ValueConvention::geomloss}};
};

/// [solution]
struct SolutionOptions {
  bool potentials = true;
  PlanRule plan = PlanRule::none;
  std::int64_t top_k = 1;                    // entries of a row
  double plan_threshold = 0.01;              // share of a row's mass that an entry must have
  bool projection = false;                   // barycentric projection of the source points
  bool divergence = false;                   // debiased Sinkhorn divergence
  std::vector<ValueConvention> regularized;  // values as others define them
  bool csv = false;                          // what has one number a problem, as a table too
  bool picture = true;                       // solution.png

  bool has_value(ValueConvention convention) const {
    return std::find(regularized.begin(), regularized.end(), convention) != regularized.end();
  }
  bool derives_values() const { return divergence || !regularized.empty(); }
};

void add_keys(KeyList& keys, SolutionOptions& solution);

}  // namespace otfleet
