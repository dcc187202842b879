#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/free_support/settings.hpp"
#include "kernels/problems/cloud_batch.hpp"

namespace otfleet::kernels {

/// B barycenter problems over measures that are clouds of points: problem k has the measures
/// index[offsets[k]] … index[offsets[k + 1] − 1] with the weights of the same entries, not
/// negative, which are scaled to sum 1. All but the measures lies on the host.
template <class ExecutionSpace>
struct FreeSupportBatch {
  CloudMeasures<ExecutionSpace> measures;  ///< with squared Euclidean costs
  std::vector<std::int64_t> offsets;       ///< [B + 1]
  std::vector<int> index;
  std::vector<double> weight;

  int size() const { return offsets.empty() ? 0 : static_cast<int>(offsets.size()) - 1; }
  /// [B + 1]: where the potentials of a problem begin: those of its measures' points, one measure
  /// after the other.
  std::vector<std::int64_t> potential_offsets() const;
};

/// The barycenters, and all that solving goes on from.
template <class ExecutionSpace>
struct FreeSupports {
  Matrix<double, ExecutionSpace> points;   ///< [B n, d]: n points of every problem
  Matrix<double, ExecutionSpace> weights;  ///< [B, n], of the points, not negative, in any unit
  /// [potential_offsets().back()], units of the cost: of the transport from every measure to the
  /// barycenter on the measure's side. Zeros are the usual start.
  Vector<double, ExecutionSpace> f;
  Matrix<double, ExecutionSpace> last;  ///< [B n, d]: where the last move went without momentum
};

/// Entropic Wasserstein barycenters with free support: the points x of a measure with given weights
/// that minimize
///   sum_s w_s min_P <C, P> + epsilon <P, log P − 1>,   C the squared Euclidean distances
/// between x and the points of measure s, up to stationary points, by alternating between the plans
/// and the points (Cuturi & Doucet 2014, algorithm 2): every point moves to the weighted mean of
/// its barycentric projections, which minimizes over the points where the plans stay, and with
/// momentum (Nesterov's, begun anew where a move goes against the last one; ours) beyond. Weights
/// do not change; a point without weight stays where it is.
///
/// Solves the problems `which`, each at most once, from where `supports` and `progress` are, and
/// updates both. All transports of all problems are one batch, each from the potentials that it
/// has. Plans are as exact as a move needs, a tenth of the last residual (ours); what is reported
/// comes from plans within the threshold. A problem stops when its residual is not above
/// point_threshold; Status as everywhere, of its moves and of the transports at its last points.
/// What has stopped leaves the batch. Results do not depend on which problems are in it. Local.
/// Work: a move solves all transports and makes d + 2 passes over their pairs; memory beside the
/// problems' own: n d numbers a transport.
/// Throws std::invalid_argument: sizes that do not fit, settings out of range, another cost,
/// weights that are negative or all 0, a problem without measures.
template <class ExecutionSpace>
void solve_free_supports(const ExecutionSpace& space,
                         const FreeSupportBatch<ExecutionSpace>& problems,
                         const FreeSupportSettings& settings, std::span<const int> which,
                         const FreeSupports<ExecutionSpace>& supports,
                         FreeSupportProgress& progress);

/// Certifies barycenters from nothing but their points, weights and potentials: see certify().
/// Bounds are those of the weighted sum of the transports' costs at these points. Fills
/// `potentials` [offsets.back(), n], if it is not empty, with those on the barycenters' side, units
/// of the cost; −inf where a point has no weight. Local. Throws std::invalid_argument as above.
template <class ExecutionSpace>
FreeSupportFigures certify_free_supports(const ExecutionSpace& space,
                                         const FreeSupportBatch<ExecutionSpace>& problems,
                                         double epsilon,
                                         const FreeSupports<ExecutionSpace>& supports,
                                         const Matrix<double, ExecutionSpace>& potentials);

}  // namespace otfleet::kernels
