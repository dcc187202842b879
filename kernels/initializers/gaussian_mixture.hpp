#pragma once
#include "kernels/initializers/settings.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The start f of mixtures of Gaussians fitted to both measures, for the cost |x − y|² (not
/// halved).
///
/// Each measure is split along principal axes into `components` clusters, which weighted k-means
/// then improves; a cluster's mean and covariance make its Gaussian. Components k of a and l of b
/// cost what entropic transport between their Gaussians costs (Janati, Muzellec, Peyré & Cuturi
/// 2020; for epsilon → 0 the Bures cost), and are coupled by entropic transport with those costs,
/// as in the distance of mixtures of Delon & Desolneux 2020. With psi the dual potential of that
/// coupling and q_kl the quadratic potential of the pair, of mean 0 over component k,
///   f(x) = −epsilon log sum_l beta_l exp(−(q_kl(x) + cost_kl − psi_l)/epsilon),
/// for x in the cluster k with the nearest mean. One component gives gaussian_initializer()'s f for
/// epsilon → 0, up to a constant, and its entropic counterpart else. (Thornton & Cuturi 2023 name
/// mixtures as an initializer; the potential is ours.)
///
/// source_points [n, d], target_points [m, d], d <= 3; f [B, n] on exit, in units of the cost,
/// finite at every point, without the term epsilon log a (see log_weights.hpp). Measures that a
/// batch names more than once are fitted once. Local. Work: (n + m) components (iterations + d²) an
/// instance at most; components² square roots of matrices; n components exponentials.
/// Throws std::invalid_argument: sizes that do not fit, d > 3, settings out of range.
template <class ExecutionSpace>
void gaussian_mixture_initializer(const ExecutionSpace& space,
                                  const Matrix<const double, ExecutionSpace>& source_points,
                                  const Matrix<const double, ExecutionSpace>& target_points,
                                  const ProblemBatch<ExecutionSpace>& problems,
                                  const GaussianMixtureSettings& settings,
                                  const Matrix<double, ExecutionSpace>& f);

/// f [source_offsets().back()]; all points of a measure on one rank.
template <class ExecutionSpace>
void gaussian_mixture_initializer(const ExecutionSpace& space,
                                  const CloudBatch<ExecutionSpace>& problems,
                                  const GaussianMixtureSettings& settings,
                                  const Vector<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels
