#pragma once
#include "kernels/operators/in_passes/pass_points.hpp"

namespace otfleet::kernels {

enum class PassResult;

/// The operator (kernels/README.md) for one problem on points or on a stored matrix, in passes over
/// all pairs.
template <class ExecutionSpace_>
class PassOperator : public PassPoints<ExecutionSpace_> {
 public:
  using ExecutionSpace = ExecutionSpace_;
  using Points = PassPoints<ExecutionSpace>;
  using typename Points::Field;

  PassOperator(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
               const typename Points::Problem& problem, double epsilon,
               const Matrix<double, ExecutionSpace>& totals)
      : Points(space, batch, problem, epsilon, totals) {}

  void fit(Side side);
  void log_sums(Side side, const Field& to, const typename Points::ProblemValue&);
  void rows(Side side, const Field& sums, const Field& costs = {});
  void means(Side side, const Field& values, const Field& result);
  void apply_cost(const Field& x, const Field& result);
  void hard_min(Side side, const Field& x, const Field& result);

 private:
  /// One pass over all pairs, see run_pass().
  void run(PassResult wanted, Side side, const Vector<double, ExecutionSpace>& offset,
           const Vector<double, ExecutionSpace>& shift,
           const Vector<double, ExecutionSpace>& result,
           const Vector<double, ExecutionSpace>& row_costs = {}) const;
};

}  // namespace otfleet::kernels
