#pragma once
#include <cstdint>

#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/outputs/entry_selection.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The kept entries of B plans in compressed rows. Problem k with n source points has n + 1 of the
/// offsets: [B, n + 1] where all problems share their points, else one problem's after the other's.
/// Row i of problem k has the entries from its offset i up to before offset i + 1, columns
/// ascending. Entries of the problems follow each other: a problem's last offset is the next one's
/// first.
template <class ExecutionSpace>
struct SparsePlan {
  Vector<std::int64_t, ExecutionSpace> offsets;  ///< into the two below
  Vector<int, ExecutionSpace> columns;           ///< [entries], target points
  Vector<double, ExecutionSpace> values;         ///< [entries], mass
  Vector<double, ExecutionSpace> kept_mass;      ///< [B], share of the plan's mass; NaN: no number
};

/// Entries of the plans P_ij = exp((f_i + g_j − C_ij)/epsilon) of given potentials, chosen by
/// `selection`. f [B, n] and g [B, m] in units of the cost; −inf where a weight is zero. Rows whose
/// weight is zero, or whose potential is no number, are empty. The result is the same however a
/// batch is split.
/// Local. Work: three sweeps over the pairs of points with weight: one for the rows' masses, one
/// that counts, one that fills (n' m' log top_k at most). Memory besides the result: 8 n + 4 n + 4
/// m bytes an instance; no array has n·m entries. Throws std::invalid_argument: sizes that do not
/// fit, a selection out of range.
template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space, const SeparableCost& cost,
                                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                                       const Matrix<const double, ExecutionSpace>& f,
                                       const Matrix<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection);

/// The same between clouds; costs are computed in every sweep.
template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space,
                                       const PointCloudCost<ExecutionSpace>& cost,
                                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                                       const Matrix<const double, ExecutionSpace>& f,
                                       const Matrix<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection);

/// The same where every measure has its own points: f [source_offsets().back()], g
/// [target_offsets().back()]. Throws std::invalid_argument, too, where points are distributed over
/// ranks: a row's entries are chosen where all of its columns are.
template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space,
                                       const CloudBatch<ExecutionSpace>& problems, double epsilon,
                                       const Vector<const double, ExecutionSpace>& f,
                                       const Vector<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection);

}  // namespace otfleet::kernels
