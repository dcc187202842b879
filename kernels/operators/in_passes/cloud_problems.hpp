#pragma once
#include <functional>
#include <type_traits>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/geometry/cost_form.hpp"
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/host_values.hpp"
#include "kernels/operators/in_passes/cloud_points.hpp"
#include "kernels/operators/problem_rows.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

// The one walk over the problems of a batch of clouds, whether all problems share their points or
// every measure has its own.

namespace otfleet::kernels {

/// One side of all problems of a batch.
template <class ExecutionSpace>
struct BatchSide {
  const double* weights = nullptr;              ///< of measure 0; shares of the mass
  Matrix<const double, ExecutionSpace> points;  ///< as kernels use them
  Matrix<const double, ExecutionSpace> means;   ///< of the measures; empty: nothing to move
  std::int64_t stride = 0;                ///< between the weights of measures on shared points
  const std::int64_t* offsets = nullptr;  ///< of measures with points of their own
  double all_points = 0;     ///< of the one measure, with those that others hold; 0: nobody does
  std::vector<double> mass;  ///< [M]
  std::vector<int> index;    ///< [B]

  bool shares_points() const { return offsets == nullptr; }
  int size(int measure) const {
    return static_cast<int>(offsets ? offsets[measure + 1] - offsets[measure]
                                    : static_cast<std::int64_t>(points.extent(0)));
  }
  /// Points of a measure, wherever they are.
  double whole_size(int measure) const { return all_points > 0 ? all_points : size(measure); }
  /// Row of points where those of a measure begin.
  std::int64_t first_point(int measure) const { return offsets ? offsets[measure] : 0; }
  Vector<const double, ExecutionSpace> weights_of(int measure) const {
    const double* const first = weights + (offsets ? offsets[measure] : measure * stride);
    return Vector<const double, ExecutionSpace>(first, static_cast<std::size_t>(size(measure)));
  }
};

/// Costs that are stored: one matrix, or one for every problem, over all points of its measures.
template <class ExecutionSpace>
struct CostMatrices {
  Vector<const double, ExecutionSpace> values;  ///< row-major
  std::vector<std::int64_t> begin;              ///< [1] or [B]: a matrix's first entry
  /// [1] or [B]: what is taken off every cost, so that the smallest is 0, and what no two
  /// potentials need to differ by more than.
  std::vector<double> low, range;

  bool any() const { return !begin.empty(); }
  std::size_t of(int k) const { return begin.size() == 1 ? 0 : static_cast<std::size_t>(k); }
};

/// A batch as the walk sees it. Must not outlive the batch it was made of.
template <class ExecutionSpace>
struct CloudProblems {
  GroundCost ground_cost;  ///< unless the costs are stored
  BatchSide<ExecutionSpace> source, target;
  /// [B], or one for all: no distance between points of a problem is larger.
  std::vector<double> reach;
  CloudCommunicator* communicator = nullptr;  ///< who hold the problems' other points
  bool whole_targets = false;             ///< they have all targets, and hold other sources alone
  CostMatrices<ExecutionSpace> matrices;  ///< where costs are stored
  /// [B] or empty: problems that the walk passes over, since they are solved many at a time
  /// (small_clouds.hpp).
  std::vector<bool> in_lanes;

  int size() const { return static_cast<int>(source.index.size()); }
  double reach_of(int k) const {
    return matrices.any() ? matrices.range[matrices.of(k)] : reach[reach.size() == 1 ? 0 : k];
  }
  /// Of every cost of a problem, so that the smallest is 0.
  double taken_off(int k) const { return matrices.any() ? matrices.low[matrices.of(k)] : 0.0; }
  int dimension() const { return static_cast<int>(source.points.extent(1)); }
  double bound_of(int k) const;
  double rounding_of(int k) const;
};

/// Calls function(the cost of the problems as its own type, or StoredCost) and returns what it
/// returns.
template <class ExecutionSpace, class Function>
decltype(auto) with_cost(const CloudProblems<ExecutionSpace>& problems, const Function& function) {
  if (problems.matrices.any()) return function(StoredCost());
  return with_ground_cost(problems.ground_cost, function);
}

/// The same cost for code that is compiled once for all.
template <class ExecutionSpace>
CostForm form_of_cost(const CloudProblems<ExecutionSpace>& problems) {
  return with_cost(problems, [](const auto& cost) { return CostForm(cost); });
}

/// One side of problems whose points all problems share.
template <class ExecutionSpace>
BatchSide<ExecutionSpace> shared_side(const Measures<ExecutionSpace>& measures,
                                      const Matrix<const double, ExecutionSpace>& points,
                                      const Vector<const int, ExecutionSpace>& index);

/// Throws std::invalid_argument when measures, indices and cost do not fit together.
template <class ExecutionSpace>
CloudProblems<ExecutionSpace> make_cloud_problems(const PointCloudCost<ExecutionSpace>& cost,
                                                  const ProblemBatch<ExecutionSpace>& problems,
                                                  double epsilon);
/// The same for a stored matrix of costs. `cost` has one axis. Points of a line give their costs
/// faster than a matrix is read.
template <class ExecutionSpace>
CloudProblems<ExecutionSpace> make_cloud_problems(const SeparableCost& cost,
                                                  const ProblemBatch<ExecutionSpace>& problems);
template <class ExecutionSpace>
CloudProblems<ExecutionSpace> make_cloud_problems(const CloudBatch<ExecutionSpace>& problems,
                                                  double epsilon);

/// A problem that is spread over several ranks goes on with all of its targets on every one of
/// them: `whole`, as gather_measures() has them, which must outlive the batch.
template <class ExecutionSpace>
void hold_all_targets(const CloudMeasures<ExecutionSpace>& whole,
                      CloudProblems<ExecutionSpace>& batch);

/// One side of one problem.
template <class ExecutionSpace, class Scalar>
struct ProblemSide {
  int size = 0;  ///< points, those without weight too
  PlacedPoints<ExecutionSpace> place;
  Support<ExecutionSpace> support;
  CloudPoints<ExecutionSpace, Scalar> points;  ///< of the support, times the walk's factor
};

/// One problem, as for_each_cloud_problem() hands it on; gone when the next one comes.
template <class ExecutionSpace, class Scalar>
struct CloudProblem {
  int k = 0;            ///< in the batch
  double mass = 0;      ///< what figures are multiplied by: weights are shares of it
  double bound = 0;     ///< no cost is larger
  double rounding = 0;  ///< no computed cost is further off, see GroundCostType
  double points = 0;    ///< of both sides, wherever they are
  ProblemSide<ExecutionSpace, Scalar> source, target;
  CloudArena<ExecutionSpace>* arena = nullptr;  ///< for what else is needed of it

  /// The problem's rows of arrays over the points of a side.
  template <class Value>
  Vector<Value, ExecutionSpace> source_row(const ProblemRows<Value>& rows) const {
    const auto length = static_cast<std::size_t>(source.size) * rows.per_point;
    return Vector<Value, ExecutionSpace>(rows.row(k), length);
  }
  template <class Value>
  Vector<Value, ExecutionSpace> target_row(const ProblemRows<Value>& rows) const {
    const auto length = static_cast<std::size_t>(target.size) * rows.per_point;
    return Vector<Value, ExecutionSpace>(rows.row(k), length);
  }
};

template <class ExecutionSpace, class Scalar>
using CloudProblemBody = std::function<void(const CloudProblem<ExecutionSpace, Scalar>&)>;

/// Calls body(CloudProblem<ExecutionSpace, Scalar>) for one problem after the other; gathered
/// points are multiplied by `factor`. Of a problem that is spread over several ranks, body sees
/// the points that are here. Points that all problems share are laid out once for all
/// problems with weight on every one of them.
template <class Scalar, class ExecutionSpace>
void for_each_cloud_problem(
    const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch, double factor,
    const std::type_identity_t<CloudProblemBody<ExecutionSpace, Scalar>>& body);

}  // namespace otfleet::kernels
