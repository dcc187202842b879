#pragma once
#include <cstdint>
#include <vector>

#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/problem_batch.hpp"
#include "kernels/solvers/barycenter/settings.hpp"

namespace otfleet::kernels {

/// B barycenter problems over measures on a common support: problem k has the measures
/// index[offsets[k]] … index[offsets[k + 1] − 1] with the weights of the same entries, not
/// negative, which are scaled to sum 1. Offsets lie on the host.
template <class ExecutionSpace>
struct BarycenterBatch {
  Measures<ExecutionSpace> measures;  ///< [M, m]
  std::vector<std::int64_t> offsets;  ///< [B + 1]
  Vector<const int, ExecutionSpace> index;
  Vector<const double, ExecutionSpace> weight;

  int size() const { return offsets.empty() ? 0 : static_cast<int>(offsets.size()) - 1; }
};

template <class ExecutionSpace>
struct BarycenterSolution {
  Matrix<double, ExecutionSpace> barycenter;  ///< [B, n], in the measures' units of mass
  /// [offsets[B], n] or empty: potentials on the barycenter's side of every measure, in units of
  /// the cost. Weighted, those of a problem add up to 0 at every point.
  Matrix<double, ExecutionSpace> f;
  /// [B, n] or empty: of debiased barycenters, the logarithm of the factor that takes the blur
  /// away.
  Matrix<double, ExecutionSpace> log_blur;
  /// [B]: the dual value, sum of w_s (<C, P_s> + epsilon <P_s, log P_s>) at the optimum, in units
  /// of cost × mass. NaN where tau < 1 or for debiased barycenters, which have none that is as
  /// simple.
  Vector<double, ExecutionSpace> dual_value;
  Vector<double, ExecutionSpace> mass;  ///< [B], of the barycenter
  /// [B], a share of the mass: how far one more update moves the plans' marginals on the
  /// barycenter's side, sum of w_s |P_s 1 − updated|_1 (tau = 1: updated is the barycenter), and
  /// for debiased ones the factor that takes the blur away. Zero at the optimum and only there.
  Vector<double, ExecutionSpace> residual;
  Vector<int, ExecutionSpace> iterations, status;  ///< [B]; status: Status

  BarycenterSolution() = default;
  /// `measures`: of all problems together, where potentials and log_blur are wanted; 0: they are
  /// not. Both are 0, with which from_solution begins as without it.
  BarycenterSolution(int batch, int n, std::int64_t measures);

  KOKKOS_FUNCTION int size() const { return static_cast<int>(status.extent(0)); }
};

/// Entropic Wasserstein barycenters with fixed support (the source side of the cost, n points) of
/// measures on its target side (m points): minimizes over p
///   sum_s w_s min_P <C, P> + epsilon <P, log P − 1>   with P 1 = p, P' 1 = b_s
/// by iterative Bregman projections (Benamou et al. 2015), which are block ascent on the dual; with
/// tau < 1 both constraints become penalties (Chizat et al. 2018); debiased by Janati, Cuturi &
/// Gramfort 2020, algorithm 1. With tau = 1 every measure is taken to have the mass of the
/// problem's first one.
///
/// Measures of a problem lie in lanes side by side, a team solves one problem after the other, in
/// double; safe at every epsilon. An instance stops when its residual is below the threshold;
/// Status as everywhere. Results do not depend on which instances are in the batch. Local. Work:
/// two applications of the kernel an iteration and measure; memory a team: five arrays [n] or [m] a
/// measure, of the problem that has most.
/// Throws std::invalid_argument: sizes that do not fit, settings out of range, weights that are
/// negative or all 0, a problem without measures, debiased with a cost that is not symmetric.
template <class ExecutionSpace>
void solve_barycenters(const ExecutionSpace& space, const SeparableCost& cost,
                       const BarycenterBatch<ExecutionSpace>& problems,
                       const BarycenterSettings& settings,
                       const BarycenterSolution<ExecutionSpace>& solution);

}  // namespace otfleet::kernels
