#pragma once
#include <span>
#include <vector>

#include "kernels/api/learned_start.hpp"
#include "src/models/potential_model.hpp"

namespace otfleet::testing {

/// f [B, n] that a predictor's starts stand for, for pairs of measures; `weights` [M, n] are the
/// sources'.
inline DeviceArray<double, 2> predicted_potentials(const PairPredictor& predictor,
                                                   const DeviceArray<const double, 2>& weights,
                                                   std::span<const std::int32_t> sources,
                                                   std::span<const std::int32_t> targets,
                                                   double epsilon) {
  const auto values = weights.flat().download();
  const std::vector<double> cost(weights.extent(1), 0.0), mass = {1.0};  // nobody looks at these
  const std::vector<std::int32_t> first(sources.size(), 0);
  const auto problems =
      kernels::Problems::with_table(
          kernels::SeparableCost::dense(static_cast<int>(weights.extent(1)), 1, cost), {values, {}},
          {mass, {}})
          .between(sources, first);
  const DeviceArray<double, 2> f("otfleet::test::f", sources.size(), weights.extent(1));
  kernels::learned_potential(problems, epsilon, predictor.predict(sources, targets), f.flat());
  return f;
}

}  // namespace otfleet::testing
