#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/lanes/pack_numbers.hpp"
#include "kernels/operators/problem_scales.hpp"
#include "kernels/solvers/unbalanced/checks.hpp"
#include "kernels/solvers/unbalanced/marginal_penalty.hpp"

// What block ascent and the certificate of unbalanced problems know of a problem besides its
// potentials. Potentials are logarithms, exponent = f/epsilon, as operators hold them.

namespace otfleet::kernels {

/// Columns of an operator's totals. Logarithms are natural.
namespace unbalanced {
enum Number {
  log_source_mass,
  log_target_mass,
  low,     ///< the least cost, over epsilon
  asked,   ///< log of the mass to transport; 0: no share
  lambda,  ///< mass_potential/epsilon
  active,  ///< 1; 0 once the problem has stopped
  numbers
};
}  // namespace unbalanced

/// The number of one side of a problem.
constexpr int log_mass_of(Side side) {
  return side == Side::source ? unbalanced::log_source_mass : unbalanced::log_target_mass;
}

/// [B, columns]: the numbers above, what comes behind them 0.
template <class ExecutionSpace, class Batch>
Matrix<double, ExecutionSpace> problem_numbers(const Batch& batch,
                                               const UnbalancedSettings& settings,
                                               const Vector<double, ExecutionSpace>& mass_potential,
                                               int columns) {
  const Matrix<double, ExecutionSpace> all("otfleet::unbalanced::numbers", batch.size(), columns);
  const auto host = Kokkos::create_mirror_view(all);
  Kokkos::deep_copy(host, 0.0);
  const auto potential = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), mass_potential);
  const auto scales = scales_of(batch);
  for (int k = 0; k < batch.size(); ++k) {
    const double source = scales[k].source_mass;
    const double target = is_balanced(settings) ? source : scales[k].target_mass;
    host(k, unbalanced::log_source_mass) = std::log(source);
    host(k, unbalanced::log_target_mass) = std::log(target);
    host(k, unbalanced::low) = scales[k].minimum / settings.epsilon;
    if (settings.transported_share)
      host(k, unbalanced::asked) =
          std::log(*settings.transported_share) + std::log(std::min(source, target));
    host(k, unbalanced::lambda) = potential(k) / settings.epsilon;
    host(k, unbalanced::active) = 1;
  }
  Kokkos::deep_copy(all, host);
  return all;
}

/// log of the weights, as shares, of points that have one; far below every number elsewhere.
constexpr double no_exponent = -1e300;
template <class Points, class Field>
void load_log_weights(Points& points, Side side, const typename Points::WeightField& weight,
                      const Field& to) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.for_points(
      "otfleet::unbalanced::log_weights", side, KOKKOS_LAMBDA(const Place& at) {
        const Pack none(0.0), w = weight.load(at);
        to.store(at,
                 if_greater(w, none, log(if_greater(w, none, w, Pack(1.0))), Pack(no_exponent)));
      });
}

/// Potentials over epsilon, less the largest, from what they lie below it in units of the cost.
template <class Points, class Field>
void take_exponents(Points& points, Side side, double epsilon, const Field& gaps) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  const Pack scale(-1 / epsilon);
  points.for_points(
      "otfleet::unbalanced::take_exponents", side,
      KOKKOS_LAMBDA(const Place& at) { gaps.store(at, gaps.load(at) * scale); });
}

}  // namespace otfleet::kernels
