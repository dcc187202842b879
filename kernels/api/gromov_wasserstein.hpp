#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/solvers/gromov_wasserstein/settings.hpp"

namespace otfleet::kernels {

/// Measures that each have points of their own, of which those of weight 0 count for nothing.
struct MetricMeasures {
  std::span<const double> weights;        ///< [total], any unit
  std::span<const double> points;         ///< [total, coordinates]; of matrices the features alone
  std::span<const std::int64_t> offsets;  ///< [M + 1]
  /// Matrices of the costs between the points of each measure, one after the other, or empty: they
  /// are computed from the points.
  std::span<const double> costs = {};
};

/// Figures of Gromov–Wasserstein problems, [P], of the best start of each; for masses of 1.
struct GromovWassersteinResults {
  std::vector<double> cost;         ///< of a feasible plan, 0 or more
  std::vector<double> upper_bound;  ///< the minimum without epsilon is between these
  std::vector<double> lower_bound;
  std::vector<double> regularized_value;  ///< cost + epsilon KL
  std::vector<double> marginal_error;     ///< L1 of the plan as it was found
  std::vector<double> residual;           ///< L1 by which the last outer iteration changed the plan
  std::vector<std::int32_t> start;        ///< which start it is
  std::vector<std::int32_t> inner_iterations;  ///< Sinkhorn's, of all starts
  std::vector<std::int32_t> status;            ///< kernels::Status
};

/// Some entropic Gromov–Wasserstein problems on the device, from several starts each, and where
/// they stand; see solvers/gromov_wasserstein/gromov_wasserstein.hpp. A handle; copies share it.
class GromovWassersteinProblems {
 public:
  /// What all problems have in common.
  struct Kind {
    /// Between points of one measure; none: measures have matrices of costs.
    std::optional<GroundCost> cost = SquaredEuclideanCost{};
    int coordinates = 0;  ///< of a point
    int features = 0;     ///< the last ones, that are none of its place; with matrices all
    int starts = 1;
    std::uint64_t seed = 0;
  };

  /// Problem k is between measures source[k] and target[k]; its random choices depend on
  /// streams[k], whatever problems are beside it. Throws std::invalid_argument, naming the problem
  /// as streams[k]: a measure without weight, costs beyond what epsilon allows, sizes that do not
  /// fit.
  GromovWassersteinProblems(const Kind& kind, const GromovWassersteinSettings& settings,
                            const MetricMeasures& sources, const MetricMeasures& targets,
                            std::span<const std::int32_t> source,
                            std::span<const std::int32_t> target,
                            std::span<const std::int64_t> streams);

  /// Throws as the constructor does. Does nothing else; the device is not asked.
  static void check(const Kind& kind, const GromovWassersteinSettings& settings,
                    const MetricMeasures& sources, const MetricMeasures& targets,
                    std::span<const std::int32_t> source, std::span<const std::int32_t> target,
                    std::span<const std::int64_t> streams);

  /// Iterates some problems from where they stand, each start until it has made `limit` iterations
  /// more than any start of its problem had before.
  void run(std::span<const std::int32_t> which, int limit, IterationObserver* observer) const;
  /// Outer iterations of the last run, of the start that has made most; and how it ended:
  /// Status::ended where any start did.
  int iterations(std::int32_t problem) const;
  int status(std::int32_t problem) const;

  /// All that there is to save of a problem, and back.
  std::vector<double> progress(std::int32_t problem) const;
  void set_progress(std::int32_t problem, std::span<const double> values) const;

  GromovWassersteinResults results() const;
  /// The plan of a start, [n, m], over all points of both measures; a feasible one.
  std::vector<double> plan(std::int32_t problem, int start) const;

  /// Bytes of the device that a problem between n and m points takes while it is solved.
  static double bytes(std::int64_t n, std::int64_t m, int starts);

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace otfleet::kernels
