#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/kokkos_compat.hpp"
#include "kernels/problems/cloud_communicator.hpp"

namespace otfleet::kernels {

/// Measures that are clouds of points, each with as many points as it likes and where it likes:
/// measure s has the weights weights[offsets[s] … offsets[s + 1] − 1], on the points of the same
/// rows.
template <class ExecutionSpace>
class CloudMeasures {
 public:
  /// No measures.
  CloudMeasures() = default;
  /// weights [total], non-negative, in any units; points [total, d], d >= 1; offsets [M + 1] from 0
  /// to total, a point at least for every measure. Copies the weights; keeps the points where the
  /// cost is a function of differences, copies them elsewhere. Work: a few looks at every point.
  /// Throws std::invalid_argument, naming measure and point, for offsets that are not like this,
  /// for points as PointCloudCost does, for weights as Measures does.
  CloudMeasures(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& weights,
                const Matrix<const double, ExecutionSpace>& points,
                std::vector<std::int64_t> offsets, const GroundCost& cost);
  /// Without points, for problems whose costs are matrices (CloudBatch::costs): weights [total] and
  /// offsets [M + 1] as above.
  CloudMeasures(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& weights,
                std::vector<std::int64_t> offsets);
  /// One measure whose points are spread over `communicator`, of which the caller is one: weights
  /// [n] and points [n, d], n >= 0, are those of this rank, of all points the `first` one and those
  /// after it. Collective, and so is everything that is then done with it, each rank passing and
  /// getting the rows of its own points; figures of problems are the same on all. Memory is O(n d)
  /// here, and twice the largest rank's columns for passing them around. `communicator` must
  /// outlive it. Throws as above, on all ranks alike, naming points by their number among all.
  CloudMeasures(const ExecutionSpace& space, CloudCommunicator& communicator,
                const Vector<const double, ExecutionSpace>& weights,
                const Matrix<const double, ExecutionSpace>& points, std::int64_t first,
                const GroundCost& cost);

  int count() const { return static_cast<int>(mass_.size()); }
  /// Points of a measure that are here.
  int size(int measure) const {
    return static_cast<int>(offsets_[measure + 1] - offsets_[measure]);
  }
  int dimension() const { return static_cast<int>(points_.extent(1)); }
  const GroundCost& ground_cost() const { return ground_cost_; }
  const std::vector<std::int64_t>& offsets() const { return offsets_; }
  /// As shares of the measure's mass.
  const Vector<const double, ExecutionSpace>& weights() const { return weights_; }
  const std::vector<double>& masses() const { return mass_; }        ///< [M]
  CloudCommunicator* communicator() const { return communicator_; }  ///< null: all points are here
  /// Points of the one measure that is spread over ranks, theirs too; 0 where none is.
  double all_points() const { return all_points_; }
  /// The number, among all points of that measure, of the first one here.
  std::int64_t first_point() const { return first_point_; }

  /// The points as kernels use them: unit vectors where costs see directions alone, the user's own
  /// elsewhere.
  const Matrix<const double, ExecutionSpace>& points() const { return points_; }
  /// [M, d]: the mean of each measure's points, all of the same weight, where costs are functions
  /// of differences; empty elsewhere. Every pair of measures is moved to its own center: a common
  /// one would leave measures that lie far apart with few digits, and moving a measure once would
  /// move it away from its partners.
  const Matrix<const double, ExecutionSpace>& means() const { return means_; }
  /// No distance between a point of `source_measure` and one of target's `target_measure`, as
  /// kernels use them, is larger.
  double reach(int source_measure, const CloudMeasures& target, int target_measure) const;

 private:
  void describe(const ExecutionSpace& space, std::int64_t first);

  GroundCost ground_cost_;
  std::vector<std::int64_t> offsets_ = {0};
  Vector<const double, ExecutionSpace> weights_;
  Matrix<const double, ExecutionSpace> points_, means_;
  std::vector<double> mass_, radius_;  ///< [M]; radius: around the mean, or the origin
  std::vector<double> host_means_;     ///< [M, d] or empty
  CloudCommunicator* communicator_ = nullptr;
  double all_points_ = 0;
  std::int64_t first_point_ = 0;
};

/// B problems: problem k transports measure source_index[k] of `source` to measure target_index[k]
/// of `target`, taken to have the source's mass. Both sides have the same cost and dimension.
/// Indices lie on the host, where problems are sorted and large ones taken one after the other.
///
/// Arrays with one entry for every source point of every problem are flat: those of problem k are
/// the entries source_offsets()[k] … source_offsets()[k + 1] − 1; likewise for targets.
///
/// Solvers and outputs take such batches with the conventions that they have for other geometries.
/// A problem looks only at the points where its weights are positive. Problems are taken one after
/// the other, every pass over the pairs runs on all threads; small problems (small_clouds.hpp) are
/// solved, certified and transformed many at a time, whoever they share the batch with. No array
/// has n·m entries: memory is O((n + m) d), at most 1 GiB for the small ones. Where measures are
/// distributed over ranks (CloudCommunicator), functions are collective: each rank passes and gets
/// the rows of its own points, and all of the figures.
template <class ExecutionSpace>
struct CloudBatch {
  CloudMeasures<ExecutionSpace> source, target;
  std::vector<int> source_index, target_index;
  /// Empty, or the cost of every problem in the place of costs between points: matrices [n, m],
  /// row-major, finite, one problem's after the other's, over the points of its measures.
  Vector<const double, ExecutionSpace> costs = {};

  int size() const { return static_cast<int>(source_index.size()); }
  /// [B + 1]. Throw std::invalid_argument for an index that names no measure.
  std::vector<std::int64_t> source_offsets() const { return offsets(source, source_index); }
  std::vector<std::int64_t> target_offsets() const { return offsets(target, target_index); }

 private:
  static std::vector<std::int64_t> offsets(const CloudMeasures<ExecutionSpace>& measures,
                                           const std::vector<int>& index) {
    std::vector<std::int64_t> result = {0};
    result.reserve(index.size() + 1);
    for (const int measure : index) {
      if (measure < 0 || measure >= measures.count())
        throw std::invalid_argument("problem " + std::to_string(result.size() - 1) +
                                    " names a measure that does not exist");
      result.push_back(result.back() + measures.size(measure));
    }
    return result;
  }
};

}  // namespace otfleet::kernels
