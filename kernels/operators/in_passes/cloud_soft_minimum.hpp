#pragma once
#include "kernels/operators/in_passes/cloud_problems.hpp"

namespace otfleet::kernels {

/// The functions of GridSoftMinimum for one problem on clouds of points (every array has one row):
/// passes over all pairs, nothing of size n·m.
template <class ExecutionSpace>
class CloudSoftMinimum {
 public:
  using Potentials = Matrix<double, ExecutionSpace>;
  using Instances = Vector<const int, ExecutionSpace>;

  /// A problem with points gathered by factor 1, which it must not outlive.
  CloudSoftMinimum(const ExecutionSpace& space, const GroundCost& cost,
                   const CloudProblem<ExecutionSpace, double>& problem, double epsilon);

  Instances order() const { return Vector<int, ExecutionSpace>("otfleet::unbalanced::order", 1); }
  void to_source(const ExecutionSpace& space, const Instances&, const Potentials& g,
                 const Potentials& result);
  void to_target(const ExecutionSpace& space, const Instances&, const Potentials& f,
                 const Potentials& result);
  void mean_costs(const ExecutionSpace& space, const Instances&, const Potentials& g,
                  const Potentials& result);

 private:
  /// Arrays [points.padded()], in units of epsilon to base 2.
  struct Side {
    Support<ExecutionSpace> support;
    CloudPoints<ExecutionSpace, double> points;
    Vector<double, ExecutionSpace> potential;  ///< the last one passed in
    Vector<double, ExecutionSpace> shift, sum;
    bool has_shift = false;  ///< shift is log2 of an earlier sum
  };
  static Side make_side(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena,
                        const ProblemSide<ExecutionSpace, double>& side);
  void sum_exponentials(const ExecutionSpace& space, const Potentials& potentials, Side& from,
                        Side& to) const;
  void soft_minimum(const ExecutionSpace& space, const Potentials& potentials, Side& from, Side& to,
                    const Potentials& result) const;

  GroundCost ground_cost_;
  double scale_;  ///< log2(e)/epsilon
  Side source_, target_;
  Vector<double, ExecutionSpace> products_;  ///< of the source
};

}  // namespace otfleet::kernels
