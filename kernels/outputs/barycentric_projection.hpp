#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/outputs/projection_direction.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The barycentric projection of the plan of given potentials: where the mass of a point goes, on
/// average. With P_ij = exp((f_i + g_j − C_ij)/epsilon),
///   to_target   T(x_i) = sum_j P_ij y_j / sum_j P_ij,   given g alone
///   to_source   T(y_j) = sum_i P_ij x_i / sum_i P_ij,   given f alone
/// since the potential of the point itself cancels. For a squared Euclidean cost this is the
/// entropic estimate of the optimal map (Pooladian & Niles-Weed 2021, eq. 4).
///
/// potential [B, m] (to_source: [B, n]) in units of the cost, −inf where the weight is zero; points
/// [m, d] ([n, d]) of the side that it belongs to, any d >= 1 and any units; projection [B, n d]
/// ([B, m d]), an instance's [n, d] row-major, in the units of the points. NaN for points without
/// weight, and where a potential is no number. Every coordinate lies within the range of `points`,
/// but for rounding.
/// Local. Work: d + 1 applications of the kernel an instance, in double. No array has n·m entries.
/// Throws std::invalid_argument: sizes that do not fit, a coordinate that is not finite (it names
/// the point).
template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const SeparableCost& cost,
                            const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                            Projection direction,
                            const Matrix<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Matrix<double, ExecutionSpace>& projection);

/// The same between clouds; `points` need not be those of the cost. Work: d + 2 passes over the
/// pairs an instance.
template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                            const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                            Projection direction,
                            const Matrix<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Matrix<double, ExecutionSpace>& projection);

/// The same where every measure has its own points: potential and projection flat, with d entries
/// a point of the latter; points [offsets().back(), d] in the rows of the measures of the side that
/// the potential belongs to.
template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                            double epsilon, Projection direction,
                            const Vector<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Vector<double, ExecutionSpace>& projection);

}  // namespace otfleet::kernels
