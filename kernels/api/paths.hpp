#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kernels/device_array.hpp"
#include "kernels/paths/lagrangian.hpp"
#include "kernels/paths/settings.hpp"

// Paths of least action between pairs of points. The mathematics, settings and errors stand in
// paths/path_basis.hpp, paths/path_energy.hpp, paths/least_action.hpp and paths/grid_slope.hpp.

namespace otfleet::kernels {

/// A least-action cost, for conjugates (api/conjugates.hpp).
struct LeastActionCost {
  Lagrangian lagrangian;
  PathSettings path;
  int tries = 0;          ///< ends that a minimization may begin at besides its prediction
  bool predicts = false;  ///< the first start of a path is a prediction
};

/// As LeastActions; all [B], in the host's memory.
struct PathResult {
  std::vector<double> action, fine, straight, residual;
  std::vector<int> start, steps, evaluations, status;  ///< status: ConjugateStatus
  std::vector<double> nodes;                           ///< [B, settings.nodes, D], or empty
  std::vector<double> coefficients;                    ///< [B, coefficients, D], or empty
};

/// What is asked for besides numbers: where paths go, and the coefficients of their splines.
struct PathParts {
  bool nodes = false, coefficients = false;
};

/// LeastActionPaths for pairs of points in the host's memory.
class PathSolver {
 public:
  PathSolver(const Lagrangian& lagrangian, int dimension, const PathSettings& settings);
  PathSolver(PathSolver&&) noexcept;
  ~PathSolver();

  /// Of a path's spline, PathBasis; each has D coordinates.
  int coefficients() const;

  /// x, y [B, D], row-major. `predicted` [B, coefficients, D]: splines that paths begin at before
  /// the straight line, the last start left out; or nothing.
  PathResult solve(std::span<const double> x, std::span<const double> y, PathParts parts = {},
                   std::span<const double> predicted = {});

  /// The derivative of weight · Σ actions by the numbers on the Lagrangian's grid, in their order;
  /// of the paths from x to y with these coefficients [B, coefficients, D].
  std::vector<double> grid_slope(std::span<const double> x, std::span<const double> y,
                                 std::span<const double> coefficients, double weight);

  /// From now on with these parameters and numbers. The Lagrangian is of the same type.
  void change(const Lagrangian& lagrangian);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// PathEnergy of up to so many paths of a step of training. Does not wait.
class PathActions {
 public:
  PathActions(const Lagrangian& lagrangian, int dimension, const PathSettings& settings, int paths);
  PathActions(PathActions&&) noexcept;
  ~PathActions();

  /// As PathSolver's.
  int coefficients() const;

  /// action [B] of the paths from x to y [B, D] with these coefficients [B, coefficients · D], and
  /// slope, of their shape, its derivative by them.
  void evaluate(const DeviceArray<const float, 2>& x, const DeviceArray<const float, 2>& y,
                const DeviceArray<const float, 2>& coefficients, const DeviceArray<float>& action,
                const DeviceArray<float, 2>& slope);

  /// As PathSolver's.
  void change(const Lagrangian& lagrangian);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otfleet::kernels
