#pragma once
#include "kernels/problems/problem_batch.hpp"
#include "kernels/solvers/unbalanced/marginal_penalty.hpp"

// The part of block ascent on the dual that knows weights, penalties and soft minima, but no costs.
// Rows of all arrays are problems.

namespace otfleet::kernels {

/// One marginal of a plan and what is wanted of it, in units of mass.
struct MarginalSums {
  double mass = 0, wanted = 0, violation = 0;  ///< violation: the sum of |difference|

  KOKKOS_INLINE_FUNCTION MarginalSums& operator+=(const MarginalSums& other) {
    mass += other.mass;
    wanted += other.wanted;
    violation += other.violation;
    return *this;
  }
  /// Of the mass, or of what is wanted where that is more; 0 where both are nothing.
  KOKKOS_INLINE_FUNCTION double violation_share() const {
    const double whole = mass > wanted ? mass : wanted;
    return whole > 0 ? violation / whole : violation;
  }
};

/// What measure_side() sums over one side of a problem.
struct SideSums {
  MarginalSums marginal = {};
  double dual = 0, gap = 0;

  KOKKOS_INLINE_FUNCTION SideSums& operator+=(const SideSums& other) {
    marginal += other.marginal;
    dual += other.dual;
    gap += other.gap;
    return *this;
  }
};

}  // namespace otfleet::kernels

/// What sums begin with.
template <>
struct Kokkos::reduction_identity<otfleet::kernels::MarginalSums> {
  KOKKOS_FORCEINLINE_FUNCTION static otfleet::kernels::MarginalSums sum() { return {}; }
};
template <>
struct Kokkos::reduction_identity<otfleet::kernels::SideSums> {
  KOKKOS_FORCEINLINE_FUNCTION static otfleet::kernels::SideSums sum() { return {}; }
};

namespace otfleet::kernels {

/// One side of B problems.
template <class ExecutionSpace>
struct DualSide {
  Matrix<double, ExecutionSpace> potential;     ///< [B, points], f or g of the solution
  Matrix<double, ExecutionSpace> soft_minimum;  ///< [B, points], of the other side's potential
  Matrix<double, ExecutionSpace> weight;        ///< [B, points], in units of mass
  Matrix<double, ExecutionSpace> log_weight;    ///< [B, points]; −inf: no weight
  Vector<double, ExecutionSpace> mass;          ///< [B]
  MarginalPenalty penalty;

  KOKKOS_FUNCTION int points() const { return static_cast<int>(potential.extent(1)); }
  KOKKOS_FUNCTION bool has_weight(int k, int i) const {
    return log_weight(k, i) > -Kokkos::Experimental::infinity<double>::value;
  }
  /// The potential relative to the weights.
  KOKKOS_FUNCTION double relative(int k, int i) const {
    return potential(k, i) - penalty.epsilon * log_weight(k, i);
  }
  /// The plan's marginal.
  KOKKOS_FUNCTION double marginal(int k, int i, double mass_potential) const {
    return ::exp((potential(k, i) + mass_potential - soft_minimum(k, i)) / penalty.epsilon);
  }
  /// The marginal and what the potential asks for at one point with weight.
  KOKKOS_FUNCTION MarginalSums compare(int k, int i, double mass_potential) const {
    const double r = marginal(k, i, mass_potential);
    const double wanted = penalty.wanted(relative(k, i), weight(k, i), r);
    return {r, wanted, ::fabs(r - wanted)};
  }
};

/// The side of row index(k) of `measures`, with mass mass(k) where `mass` is not empty, with
/// potential 0 relative to the weights and zeros for soft minima.
template <class ExecutionSpace>
DualSide<ExecutionSpace> make_dual_side(const ExecutionSpace& space,
                                        const Measures<ExecutionSpace>& measures,
                                        const Vector<const int, ExecutionSpace>& index,
                                        const Vector<const double, ExecutionSpace>& mass,
                                        const MarginalPenalty& penalty,
                                        const Matrix<double, ExecutionSpace>& potential);

/// potential = epsilon log weight.
template <class ExecutionSpace>
void start_from_zeros(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side);

/// The optimal potential of `side` for its soft minimum, together with the mass potential for the
/// mass share_mass(k). For the problems `which`, whose weights are upper bounds.
template <class ExecutionSpace>
void update_bounded(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                    const DualSide<ExecutionSpace>& side,
                    const Vector<const double, ExecutionSpace>& share_mass,
                    const Vector<double, ExecutionSpace>& mass_potential);

/// potential = the mean of itself and of its update, for problems whose two sides are the same.
template <class ExecutionSpace>
void average_update(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                    const DualSide<ExecutionSpace>& side);

/// residual(k) = factor × the violation of the side's optimality, a share of the transported mass.
template <class ExecutionSpace>
void measure_residual(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                      const DualSide<ExecutionSpace>& side,
                      const Vector<double, ExecutionSpace>& mass_potential, double factor,
                      const Vector<double, ExecutionSpace>& residual);

/// Sums over one side of B problems; [B] each.
template <class ExecutionSpace>
struct SideFigures {
  Vector<double, ExecutionSpace> dual, gap;
  Vector<MarginalSums, ExecutionSpace> marginal;

  explicit SideFigures(int batch)
      : dual("otfleet::unbalanced::side_dual", batch),
        gap("otfleet::unbalanced::side_gap", batch),
        marginal("otfleet::unbalanced::side_marginal", batch) {}
};

/// dual: sum of weight · dual_term; gap: its part of primal − dual; marginal.
template <class ExecutionSpace>
void measure_side(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                  const Vector<double, ExecutionSpace>& mass_potential,
                  const SideFigures<ExecutionSpace>& figures);

/// result(k) = sum_i marginal_i · values(k, i).
template <class ExecutionSpace>
void marginal_means(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                    const Vector<double, ExecutionSpace>& mass_potential,
                    const Matrix<double, ExecutionSpace>& values,
                    const Vector<double, ExecutionSpace>& result);

/// gradient(k, i) = the dual's derivative with respect to weight i at fixed potentials relative to
/// the weights: dual_term + epsilon (mass of the other side − marginal/weight); 0 without weight.
template <class ExecutionSpace>
void differentiate_weights(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                           const Vector<double, ExecutionSpace>& other_mass,
                           const Vector<double, ExecutionSpace>& mass_potential,
                           const Matrix<double, ExecutionSpace>& gradient);

}  // namespace otfleet::kernels
