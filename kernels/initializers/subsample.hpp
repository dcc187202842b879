#pragma once
#include "kernels/initializers/settings.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

namespace otfleet::kernels {

/// Throws std::invalid_argument where one is out of range.
void check_settings(const SubsampleSettings& settings);

/// The start f that a smaller problem gives: a and b moved to fewer points, that problem solved by
/// sinkhorn() with momentum, in double, and its g extended to all points by
///   f_i = epsilon log a_i − epsilon log sum_J exp((g_J − C_iJ)/epsilon)
/// (soft_c_transform()). Stride 1 solves the problem itself.
///
/// SeparableCost: `stride` neighbors on an axis become one point, their weights are added and their
/// costs averaged: neighbors must lie close to one another, as on a grid. f [B, n] on exit, in
/// units of the cost, −inf where the weight is zero. Local. Work: on a grid of d axes an iteration
/// is stride^(d+1) times cheaper; memory (n + m) / stride^d numbers an instance.
/// Throws std::invalid_argument: sizes that do not fit, settings out of range.
/// Source: Thornton & Cuturi 2023, section 4.4 (subsamples), with pooling instead of sampling;
/// Schmitzer 2019 calls it coarse-to-fine.
template <class ExecutionSpace>
void subsample_initializer(const ExecutionSpace& space, const SeparableCost& cost,
                           const ProblemBatch<ExecutionSpace>& problems,
                           const SubsampleSettings& settings,
                           const Matrix<double, ExecutionSpace>& f);

/// The same for clouds x [n, d] and y [m, d] with a cost as PointCloudCost has it: every
/// `stride`-th point stays and takes the weights of the points that it is nearest to, by Euclidean
/// distance. Work: an iteration is stride² times cheaper; n²/stride + m²/stride distances once.
template <class ExecutionSpace>
void subsample_initializer(const ExecutionSpace& space,
                           const Matrix<const double, ExecutionSpace>& x,
                           const Matrix<const double, ExecutionSpace>& y, const GroundCost& cost,
                           const ProblemBatch<ExecutionSpace>& problems,
                           const SubsampleSettings& settings,
                           const Matrix<double, ExecutionSpace>& f);

/// The same where every measure has points of its own; f [source_offsets().back()], all points of a
/// measure on one rank. Work: an iteration is stride² times cheaper; n²/stride distances a measure.
template <class ExecutionSpace>
void subsample_initializer(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                           const SubsampleSettings& settings,
                           const Vector<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels
