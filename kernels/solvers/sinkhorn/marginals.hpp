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
