#pragma once
#include "kernels/minimize/conjugate.hpp"
#include "kernels/paths/path_energy.hpp"
#include "kernels/paths/settings.hpp"

namespace otfleet::kernels {

/// What is known about least-action paths, [B] each.
template <class ExecutionSpace>
struct LeastActions {
  Vector<double, ExecutionSpace> action;    ///< as it was minimized
  Vector<double, ExecutionSpace> fine;      ///< of the same path, summed over the fine points
  Vector<double, ExecutionSpace> straight;  ///< the same of the straight line
  Vector<double, ExecutionSpace> residual;  ///< |gradient| by the spline's coefficients, PathBasis
  /// start: which one led to it; 0 the straight line, odd ones bow to one side, even to the other,
  /// predicted_start: the prediction.
  Vector<int, ExecutionSpace> start, steps, evaluations, status;  ///< ConjugateStatus
  Matrix<double, ExecutionSpace> nodes;         ///< [B, nodes · D] places of the nodes, or nothing
  Matrix<double, ExecutionSpace> coefficients;  ///< [B, coefficients · D], PathBasis, or nothing
};

/// Finds paths of least action between pairs of points (arXiv 2406.00288, section 3.2), many at a
/// time, by L-BFGS. The result of a path does not depend on the others. There are local minima: an
/// obstacle can be passed on either side. So each path is minimized from several starts, and that
/// with the least fine action is kept; where that is above the straight line's, the straight line,
/// with status `stalled`: the sum over few points did not see what is in the way.
///
/// One thread at a time.
template <class ExecutionSpace>
class LeastActionPaths {
 public:
  /// Keeps a reference to the Lagrangian. Throws std::invalid_argument as PathEnergy and Lbfgs do,
  /// and for fewer than 1 start.
  LeastActionPaths(const Lagrangian& lagrangian, int dimension, const PathSettings& settings);

  LeastActionPaths(const LeastActionPaths&) = delete;
  LeastActionPaths& operator=(const LeastActionPaths&) = delete;

  /// x, y [B, D]: ends. `predicted` [B, coefficients · D]: of splines that paths begin at before
  /// the straight line, the last of the settings' starts left out; or nothing. Throws
  /// std::invalid_argument: sizes that do not fit.
  void solve(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& x,
             const Matrix<const double, ExecutionSpace>& y,
             const Matrix<const double, ExecutionSpace>& predicted,
             const LeastActions<ExecutionSpace>& result);

  /// From now on with the numbers that the Lagrangian has now on its grid.
  void take_grid() { energy_.take_grid(); }

  const PathBasis& basis() const { return basis_; }
  const PathTables<ExecutionSpace>& tables() const { return tables_; }

  /// A part of solve(); public since nvcc takes no lambda of a private function.
  void solve_some(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& x,
                  const Matrix<const double, ExecutionSpace>& y,
                  const Matrix<const double, ExecutionSpace>& predicted, int first, int count,
                  const LeastActions<ExecutionSpace>& result);

 private:
  PathSettings settings_;
  PathBasis basis_;
  PathTables<ExecutionSpace> tables_;
  int dimension_, paths_;  ///< at once
  PathEnergy<ExecutionSpace, double> energy_;
  Lbfgs<ExecutionSpace, double> lbfgs_;
  Matrix<double, ExecutionSpace> rows_, zeros_, straight_slope_;
  Vector<double, ExecutionSpace> fine_, straight_action_;
  Conjugates<ExecutionSpace, double> minima_;
};

}  // namespace otfleet::kernels
