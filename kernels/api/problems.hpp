#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/device_array.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"

namespace otfleet::kernels {

class CloudCommunicator;

/// The measures of one side, on points that all of them share; on the host, row-major.
struct SharedPointsSide {
  std::span<const double> weights;  ///< [M, n]; a target without any: the source's measures
  std::span<const double> points;   ///< [n, d]; may be empty where the cost is a table
};

/// Measures that each have points of their own: measure s has the rows offsets[s] … offsets[s + 1]
/// − 1 of weights [total] and points [total, d].
struct OwnPointsSide {
  std::span<const double> weights, points;  ///< a target without offsets: the source's measures
  std::span<const std::int64_t> offsets;    ///< [M + 1]
};

/// This rank's points of one measure whose points lie on several ranks.
struct DistributedSide {
  std::span<const double> weights, points;  ///< [n], [n, d]; n >= 0
  std::int64_t first = 0;                   ///< of all points the number of the first one here
};

/// A batch of optimal transport problems on any geometry, on the device: which measures go to
/// which, the measures, and what transport between their points costs. A handle: copies share all
/// but the pairs. The conventions of measures, masses and batches are those of ProblemBatch and
/// CloudBatch, of costs those of SeparableCost and PointCloudCost.
///
/// Arrays with an entry for every source point of every problem are flat: those of problem k are
/// the entries source_offsets()[k] … source_offsets()[k + 1] − 1; likewise for targets.
class Problems {
 public:
  /// No measures, no problems.
  Problems();

  // Measures, so far without problems. All throw std::invalid_argument for weights that Measures
  // or CloudMeasures refuse, for sizes that do not fit, and for points that the cost cannot take.

  /// Between points whose costs are a table: a grid or a dense matrix. Local.
  static Problems with_table(const SeparableCost& cost, const SharedPointsSide& source,
                             const SharedPointsSide& target);
  /// Between points that all problems share, [n, d] and [m, d], costs computed where they are used.
  /// Local.
  static Problems between_points(const GroundCost& cost, std::int64_t dimension,
                                 const SharedPointsSide& source, const SharedPointsSide& target);
  /// Between measures that each have points of their own. Where the device is the host, the points
  /// are used where they lie, and have to stay there. Local.
  static Problems between_clouds(const GroundCost& cost, std::int64_t dimension,
                                 const OwnPointsSide& source, const OwnPointsSide& target);
  /// One problem, between two clouds whose points lie on the ranks of `communicator`; all that is
  /// done with it is collective (see CloudMeasures). Points and communicator have to stay. Throws
  /// on all ranks alike; the message begins with "source " or "target ".
  static Problems distributed(CloudCommunicator& communicator, const GroundCost& cost,
                              std::int64_t dimension, const DistributedSide& source,
                              const DistributedSide& target);

  /// The problems from measure sources[k] to measure targets[k], on the same measures. Throws
  /// std::invalid_argument unless there are as many of both and all name measures that there are.
  Problems between(std::span<const std::int32_t> sources,
                   std::span<const std::int32_t> targets) const;
  /// The same cost with other measures, sources [B, n] and targets [B, m] on the device: problem k
  /// goes from row k to row k. Points that all problems share. Rows are shares of the mass, which
  /// is 1, no positive one below `smallest_weight`: nobody looks. The arrays have to stay; what
  /// they hold may change from one call of a solver to the next.
  Problems with_shares(const DeviceArray<const double, 2>& sources,
                       const DeviceArray<const double, 2>& targets, double smallest_weight) const;
  /// Some of these problems, by their numbers.
  Problems select(std::span<const std::int32_t> which) const;

  int size() const;
  /// [size() + 1], from 0.
  std::vector<std::int64_t> source_offsets() const;
  std::vector<std::int64_t> target_offsets() const;

  /// Does every measure have points of its own?
  bool has_clouds() const;
  /// The cost, where it is a table; else null.
  const SeparableCost* table() const;
  /// The source's, or the target's weights as shares of their masses, [M, n] or [M, m], where all
  /// measures share their points; else empty.
  DeviceArray<const double, 2> source_weights() const;
  DeviceArray<const double, 2> target_weights() const;

  struct State;  ///< detail/problems_state.hpp
  const State& state() const { return *state_; }

 private:
  explicit Problems(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

/// some = all's entries of the problems `which`, one after the other, and back. `offsets` are those
/// of `all`: see Problems.
void gather_problems(const std::vector<std::int64_t>& offsets, std::span<const std::int32_t> which,
                     const DeviceArray<const double>& all, const DeviceArray<double>& some);
void scatter_problems(const std::vector<std::int64_t>& offsets, std::span<const std::int32_t> which,
                      const DeviceArray<const double>& some, const DeviceArray<double>& all);

}  // namespace otfleet::kernels
