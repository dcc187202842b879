#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/solvers/iteration_observer.hpp"
#include "kernels/solvers/low_rank/settings.hpp"

namespace otfleet::kernels {

/// A measure of points of its own: weights [n], any unit, and points [n, d], row-major.
struct WeightedPoints {
  std::span<const double> weights, points;
};

/// What a result is to have beside the plan.
struct LowRankOutputs {
  bool bounds = true;       ///< the lower bound, which takes c-transforms
  bool projection = false;  ///< where the plan moves each point
};

/// What a plan of low rank between two measures is and costs, for masses of 1. Of fewer clusters
/// than were asked for, the last ones have masses and slopes of 0, centers of NaN and offsets of
/// −inf.
struct LowRankResult {
  double cost = 0;             ///< of the plan, which is feasible
  double upper_bound = 0;      ///< the optimum of any rank is not above, rounding included
  double lower_bound = 0;      ///< and not below, with the confidence that follows
  double bound_failure = 0;    ///< the probability that lower_bound is too large; 0: it cannot be
  double marginal_error = 0;   ///< L1 of Q'1 − R'1, before the plan was made feasible
  int rank = 0;                ///< clusters that have mass
  std::vector<double> masses;  ///< [r], R'1
  std::vector<double> source_centers, target_centers;  ///< [r, d], of Q diag(1/g) and R diag(1/g)
  /// Q_ik is proportional over k to exp(offset_k + <slope_k, x_i>), and R likewise; [r, d], [r].
  /// Where the cost sees directions alone, x_i is that of the point.
  std::vector<double> source_slopes, source_offsets, target_slopes, target_offsets;
  /// Where shapes are matched, Q_ik is proportional to exp(offset_k + <slope_k, x_i> + square_k
  /// |x_i|²); [r], else empty.
  std::vector<double> source_squares, target_squares;
  std::vector<double> projection;  ///< [n, d] or empty; NaN where there is no weight
};

/// Transport between two clouds by a plan Q diag(1/g) R' of low rank (Scetbon, Cuturi & Peyré
/// 2021),
///
///   minimize sum_ij P_ij c(x_i, y_j) over P = Q diag(1/g) R', Q1 = a, R1 = b, Q'1 = R'1 = g,
///
/// for costs that are squared distances of points or of their directions, or the distortion of
/// Gromov–Wasserstein problems (see LowRankObjectiveForm) in its place. Mirror descent on the
/// factors, whose steps grow as long as projections are easy; their logarithms are linear in the
/// points (see SoftClusters), so that time is linear and memory that of the points. It begins with
/// k-means of pairs that a plan between representatives finds. A handle; copies share it. Local.
class LowRankProblem {
 public:
  /// The random choices depend on `seed` and `stream`. Throws std::invalid_argument: another cost,
  /// a measure without weight, points that the cost does not take, sizes that do not fit.
  LowRankProblem(const GroundCost& cost, int dimension, const WeightedPoints& source,
                 const WeightedPoints& target, const LowRankSettings& settings, std::uint64_t seed,
                 std::uint64_t stream);

  /// Costs that have plans of low rank here.
  static bool takes(const GroundCost& cost, LowRankObjective objective);
  /// Bytes that a problem between n and m points takes.
  static double bytes(std::int64_t n, std::int64_t m, int dimension, int rank);

  /// At most `limit` more iterations, from where it stands. `number`: what the observer calls it.
  void run(int limit, IterationObserver* observer, int number) const;
  int iterations() const;
  /// Converged where the residual is at most the threshold; precision_limit where no step that is
  /// long enough can be projected any more.
  int status() const;
  /// The symmetric KL divergence of the last step over its length, which is by how much it lowered
  /// the cost, or more: a share of twice the product of both clouds' standard deviations, of
  /// distortions of 16 times that of their variances. Steps that had to be short count as if they
  /// were not. 0 at a stationary plan.
  double residual() const;

  /// All that there is to save, always of the same length, and back.
  std::vector<double> progress() const;
  void set_progress(std::span<const double> values) const;

  /// Passes over all points, and the c-transforms of the bound.
  LowRankResult result(const LowRankOutputs& wanted = {}) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace otfleet::kernels
