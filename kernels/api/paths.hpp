#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kernels/paths/lagrangian.hpp"
#include "kernels/paths/settings.hpp"

// Paths of least action between pairs of points. The mathematics, settings and errors stand in
// paths/path_basis.hpp, paths/path_energy.hpp and paths/least_action.hpp.

namespace otfleet::kernels {

/// A least-action cost, for conjugates (api/conjugates.hpp).
struct LeastActionCost {
  Lagrangian lagrangian;
  PathSettings path;
  int tries = 0;  ///< ends that a minimization may begin at besides its prediction
};

/// As LeastActions; all [B], in the host's memory.
struct PathResult {
  std::vector<double> action, fine, straight, residual;
  std::vector<int> start, steps, evaluations, status;  ///< status: ConjugateStatus
  std::vector<double> nodes;                           ///< [B, settings.nodes, D], or empty
};

/// LeastActionPaths for pairs of points in the host's memory.
class PathSolver {
 public:
  PathSolver(const Lagrangian& lagrangian, int dimension, const PathSettings& settings);
  PathSolver(PathSolver&&) noexcept;
  ~PathSolver();

  /// x, y [B, D], row-major. `with_nodes`: also where the paths go.
  PathResult solve(std::span<const double> x, std::span<const double> y, bool with_nodes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otfleet::kernels
