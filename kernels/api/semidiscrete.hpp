#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/api/low_rank.hpp"
#include "kernels/solvers/iteration_observer.hpp"
#include "kernels/solvers/semidiscrete/settings.hpp"

namespace otfleet::kernels {

/// What is known of a solution, for a mass of 1. Costs are squared distances. Bounds and intervals
/// are from samples that the solution does not know, and fail with a probability of at most
/// `failure` all together.
struct SemidiscreteResult {
  double transport_cost = 0;   ///< of the plan: a mean over samples
  double transport_error = 0;  ///< its standard error
  /// Of the potentials without regularization, a mean over samples: it is off by the square of what
  /// shares are, where transport_cost is off by as much as these.
  double dual_value = 0;
  double lower_bound = 0, upper_bound = 0;  ///< the optimum without regularization is between these
  /// The root of the chi-square distance of the points' shares from their weights, which their L1
  /// distance is at most: an estimate. And an interval for that L1 distance.
  double marginal_error = 0, marginal_lower = 0, marginal_upper = 0;
  double failure = 0;
  std::int64_t samples = 0;  ///< that all this is from
  /// How the ascent ended; precision_limit where it believed to have converged, but these samples
  /// say otherwise.
  int status = 0;
  /// [m], g of the points as they were given, of mean 0 by weights; −inf where there is no weight.
  std::vector<double> potential;
};

/// Transport of noise to weighted points (semidiscrete), by squared distances:
///
///   maximize  E min_j (|x − y_j|² − g_j) + sum_j b_j g_j  over g,
///
/// or with epsilon > 0 the soft minimum −epsilon log sum_j b_j exp((g_j − |x − y_j|²)/epsilon)
/// (Genevay, Cuturi, Peyré & Bach 2016; Mousavi-Hosseini, Zhang, Klein & Cuturi 2025). A sample
/// then goes to the point where the minimum is, or to point j with the probability of its term.
///
/// Averaged stochastic ascent: a step counts to which points a few thousand samples go, and moves
/// each g_j by the relative error of its count times the mean gap between the best and the second
/// best point, which is how far a potential has to move for a share to change by a factor. The
/// averages of potentials are the solution. Samples of normal noise are rotations of a batch, see
/// Winners. The start is a solution for an eighth of the points, where these are many.
///
/// A handle; copies share it. Local.
class SemidiscreteProblem {
 public:
  /// Samples depend on `seed` and `stream`. Throws std::invalid_argument: no weight, settings that
  /// are none, points too far apart for double, sizes that do not fit.
  SemidiscreteProblem(int dimension, const WeightedPoints& target,
                      const SemidiscreteSettings& settings, std::uint64_t seed,
                      std::uint64_t stream);

  /// Bytes that a problem of m points takes.
  static double bytes(std::int64_t m, int dimension);

  /// At most `limit` more steps, from where it stands. `number`: what the observer calls it.
  void run(int limit, IterationObserver* observer, int number) const;
  int iterations() const;
  /// How it ended: converged where the last check of the averages was below the threshold.
  int status() const;

  /// All that there is to save, always of the same length, and back. A run that goes on gives the
  /// same numbers as one that was not ended.
  std::vector<double> progress() const;
  void set_progress(std::span<const double> values) const;

  /// Draws samples anew.
  SemidiscreteResult result() const;

  /// Samples number first … of a stream of their own, which have nothing to do with those that
  /// the solution knows.
  struct Assignments {
    std::vector<std::int32_t> point;  ///< [count], as points were given
    std::vector<double> noise;        ///< [count, d] or empty
  };
  Assignments assign(std::int64_t first, std::int64_t count, bool with_noise) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace otfleet::kernels
