#pragma once
#include "kernels/kokkos_compat.hpp"

// How firmly the marginals of a plan hold: what the kernel of Sinkhorn's iteration is compiled for.

namespace otfleet::kernels {

/// Both marginals are the weights.
struct ExactMarginals {
  static constexpr bool exact = true, bounded = false;
  template <class L>
  struct LaneSums {};
};

/// A marginal r pays rho KL(r | weights) with tau = rho/(rho + epsilon); tau = 1: it is exact. The
/// update is u = a (Kv)^−tau relative to the weights (Chizat et al. 2018). Only the source's
/// marginal is looked at, so that a target may be exact, but the source only together with it.
template <class ExecutionSpace>
struct PenalizedMarginals {
  static constexpr bool exact = false, bounded = false;
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

/// The weights are upper bounds, and a share of the smaller mass is transported (Benamou et al.
/// 2015): with M the factor exp(mass potential/epsilon), u = a min(1, 1/(M Kv)).
template <class ExecutionSpace>
struct BoundedMarginals {
  static constexpr bool exact = false, bounded = true;
  double share = 1;
  double cost_minimum = 0;                             ///< what tables of the cost are without
  Matrix<double, ExecutionSpace> g = {};               ///< [B, m], the target's potentials
  Vector<double, ExecutionSpace> mass_potential = {};  ///< [B]

  template <class L>
  struct LaneSums {
    using Scalar = typename L::Scalar;
    enum Side { source, target };
    enum Sum { bound_weight, open_weight, open_mass, bound_count, sums };
    Scalar unit[L::width];                          ///< see Domain::unit(), of the last product
    Scalar mantissa[L::width], exponent[L::width];  ///< of the factor that is tried, in that unit
    Scalar found[sums * L::width];                  ///< with that factor
    Scalar size[L::width];                          ///< of the largest product that is not bound
    double log_factor[2][L::width];                 ///< log2 M of a side; NaN: not known
    double asked[2][L::width];                      ///< mass, a share of a side's
    double log_masses[L::width];                    ///< log2 of the target's mass over the source's
    double log_tried[L::width], bound_before[L::width];
    int searches[L::width], lost[L::width];  ///< for M; open mass too small to be seen
    int searching, losing;
  };
};

}  // namespace otfleet::kernels
