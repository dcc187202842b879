#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// What an optimal transport problem asks of one marginal r of the plan, given the weights w:
///   tau = 1          r = w (balanced)
///   0 < tau < 1      pays rho KL(r | w), with tau = rho/(rho + epsilon) as in OTT-JAX
///   upper bound      r <= w (partial transport; tau is 1)
/// KL(r | w) = sum r log(r/w) − r + w. In the dual every one of them is a concave function of the
/// potential, sum_i dual_term(f_i, w_i), with f relative to the weights: the plan is
/// w_i w'_j exp((f_i + f'_j + lambda − C_ij)/epsilon). Source: Séjourné, Feydy, Vialard, Trouvé &
/// Peyré 2019 (entropy functions and their approximate proximal operators); Benamou et al. 2015.
struct MarginalPenalty {
  double tau = 1, epsilon = 1;
  bool upper_bound = false;

  /// 1/rho; 0 where the marginal is exact.
  KOKKOS_INLINE_FUNCTION double inverse_rho() const { return (1 - tau) / (tau * epsilon); }

  /// The potential that is optimal when the soft minimum of the other one is `softmin`.
  KOKKOS_INLINE_FUNCTION double fit(double softmin) const {
    return upper_bound ? (softmin < 0 ? softmin : 0.0) : tau * softmin;
  }
  /// What potential f asks for of marginal r, r* = weight · exp(−f/rho); for an upper bound
  /// r* = min(weight, r exp(−f/epsilon)), what it would become if f alone were optimal: r* = r
  /// means that r = weight, or that r < weight and f = 0.
  KOKKOS_INLINE_FUNCTION double wanted(double f, double weight, double r) const {
    constexpr double most = 600;  // far beyond any weight, far from overflow
    const double rise = -f / epsilon;
    const double risen = upper_bound ? r * ::exp(rise < most ? rise : most) : 0.0;
    return !upper_bound ? weight * ::exp(-f * inverse_rho()) : risen < weight ? risen : weight;
  }
  /// What potential f adds to the dual per unit of weight; also the derivative of the optimal value
  /// with respect to the weight, but for the part of the plan's reference measure.
  KOKKOS_INLINE_FUNCTION double dual_term(double f) const {
    return tau < 1 ? -::expm1(-f * inverse_rho()) / inverse_rho() : f;
  }
  /// What marginal r with potential f adds to primal − dual (Fenchel and Young): for tau < 1
  /// rho KL(r | r*), never negative; else f (r − weight).
  KOKKOS_INLINE_FUNCTION double gap_term(double f, double log_weight, double r) const {
    if (!(tau < 1)) return f * (r - ::exp(log_weight));
    const double log_wanted = log_weight - f * inverse_rho(), w = ::exp(log_wanted);
    const double excess = r - w;
    // The series where the logarithm would leave nothing but its rounding, times a large rho.
    if (excess < 1e-4 * w && -excess < 1e-4 * w)
      return excess * (excess / w) * (0.5 - excess / w / 6) / inverse_rho();
    return ((r > 0 ? r * (::log(r) - log_wanted) : 0.0) - excess) / inverse_rho();
  }
};

}  // namespace otfleet::kernels
