#pragma once
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The start f of Thornton & Cuturi (2023, 'Rethinking initialization of the Sinkhorn algorithm',
/// section 4.2): the potential of the optimal map between the Gaussians with the means and
/// covariances of a and b, for the cost |x − y|² (not halved),
///   f(x) = |x|² − (x − m_a)' A (x − m_a) − 2 m_b' x,
///   A = S_a^(-1/2) (S_a^(1/2) S_b S_a^(1/2))^(1/2) S_a^(-1/2).
/// Directions in which a does not spread get the pseudo-inverse.
///
/// source_points [n, d], target_points [m, d], d <= most_gaussian_dimension; f [B, n] on exit, in
/// units of the cost, at every point, also those without weight. Local. Work: n d² an instance and
/// n d² + m d² a measure; beyond three dimensions two decompositions of d × d matrices, on the
/// host. Throws std::invalid_argument when sizes do not fit or d is larger.
template <class ExecutionSpace>
void gaussian_initializer(const ExecutionSpace& space,
                          const Matrix<const double, ExecutionSpace>& source_points,
                          const Matrix<const double, ExecutionSpace>& target_points,
                          const ProblemBatch<ExecutionSpace>& problems,
                          const Matrix<double, ExecutionSpace>& f);

/// f [source_offsets().back()]; all points of a measure on one rank.
template <class ExecutionSpace>
void gaussian_initializer(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                          const Vector<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels
