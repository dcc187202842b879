#pragma once
#include "kernels/kokkos_compat.hpp"

// How firmly the marginals of a plan hold: what the kernel of Sinkhorn's iteration is compiled for.

namespace otfleet::kernels {

/// Both marginals are the weights.
struct ExactMarginals {
  static constexpr bool exact = true;
  template <class L>
  struct LaneSums {};
};

/// A marginal r pays rho KL(r | weights) with tau = rho/(rho + epsilon); tau = 1: it is exact. The
/// update is u = a (Kv)^−tau relative to the weights (Chizat et al. 2018). Only the source's
/// marginal is looked at, so that a target may be exact, but the source only together with it.
template <class ExecutionSpace>
struct PenalizedMarginals {
  static constexpr bool exact = false;
  double tau_source = 1, tau_target = 1;
  double cost_minimum = 0;                ///< what tables of the cost are without
  bool equal_masses = false;              ///< the target is taken to have the source's mass
  Matrix<double, ExecutionSpace> g = {};  ///< [B, m], the target's potentials

  /// epsilon/rho of the source.
  KOKKOS_INLINE_FUNCTION double inverse_slope() const { return (1 - tau_source) / tau_source; }

  /// The side that is updated last is exact for the other one: a constraint rather than a penalty.
  KOKKOS_INLINE_FUNCTION bool exchanges_sides() const { return tau_source == 1 && tau_target < 1; }

  /// In units of epsilon, what is missing from the logarithms of u and v.
  struct Constants {
    double source, target;
  };
  /// Such that the target's potential is optimal for the source's, and both ask for the same mass
  /// (Séjourné, Vialard & Peyré 2022). Given are logarithms of the masses, of the sums of what
  /// either side asks for, as the updates left them, and of the factor (`unit`) that the target's
  /// product was multiplied by; `low` is cost_minimum/epsilon.
  KOKKOS_INLINE_FUNCTION Constants constants(double log_source, double log_target, double low,
                                             double source_sum, double target_sum,
                                             double unit) const {
    const double tau = tau_target, slopes = (1 - tau) + inverse_slope();
    const double shift = slopes > 0 ? (source_sum - target_sum + (1 - tau) * unit - log_target +
                                       tau * (log_source - low) + low) /
                                          slopes
                                    : 0.0;
    const double source = log_source + shift;
    return {source, log_target + tau * (unit - (source - low))};
  }

  template <class L>
  struct LaneSums {
    typename L::Scalar unit[L::width];        ///< see Domain::unit(), of the last product
    typename L::Scalar wanted_sum[L::width];  ///< what the source asks for, in units of its own
    typename L::Scalar target_sum[L::width];  ///< what the target asks for, in units of its own
    typename L::Scalar idle[L::width];        ///< 1 where there is no problem, whose sums are 0
    double log_wanted[L::width];              ///< log of the unit of a start's wanted_sum
  };
};

}  // namespace otfleet::kernels
