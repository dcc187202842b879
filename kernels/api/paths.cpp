#include "kernels/api/paths.hpp"

#include <stdexcept>
#include <string>

#include "kernels/device_views.hpp"
#include "kernels/paths/least_action.hpp"

namespace otfleet::kernels {

struct PathSolver::State {
  Lagrangian lagrangian;
  std::size_t dimension;
  LeastActionPaths<DeviceSpace> paths;

  State(const Lagrangian& given, int wide, const PathSettings& settings)
      : lagrangian(given),
        dimension(static_cast<std::size_t>(wide)),
        paths(lagrangian, wide, settings) {}
};

PathSolver::PathSolver(const Lagrangian& lagrangian, int dimension, const PathSettings& settings)
    : state_(new State(lagrangian, dimension, settings)) {}
PathSolver::PathSolver(PathSolver&&) noexcept = default;
PathSolver::~PathSolver() = default;

PathResult PathSolver::solve(std::span<const double> x, std::span<const double> y,
                             bool with_nodes) {
  const std::size_t wide = state_->dimension, count = x.size() / wide;
  if (x.size() % wide != 0 || y.size() != x.size())
    throw std::invalid_argument("x and y must both be [B, " + std::to_string(wide) + "]");
  const auto ends = [&](std::span<const double> values) {
    const DeviceArray<double, 2> rows(uninitialized, "otfleet::paths::ends", count, wide);
    rows.upload(values);
    return rows;
  };
  const auto numbers = [&] {
    return DeviceArray<double>(uninitialized, "otfleet::paths::numbers", count);
  };
  const auto counts = [&] {
    return DeviceArray<int>(uninitialized, "otfleet::paths::counts", count);
  };
  const auto action = numbers(), fine = numbers(), straight = numbers(), residual = numbers();
  const auto start = counts(), steps = counts(), evaluations = counts(), status = counts();
  DeviceArray<double, 2> nodes;
  if (with_nodes)
    nodes = DeviceArray<double, 2>(uninitialized, "otfleet::paths::nodes", count,
                                   static_cast<std::size_t>(state_->paths.basis().nodes) * wide);
  LeastActions<DeviceSpace> views;
  views.action = view_of(action);
  views.fine = view_of(fine);
  views.straight = view_of(straight);
  views.residual = view_of(residual);
  views.start = view_of(start);
  views.steps = view_of(steps);
  views.evaluations = view_of(evaluations);
  views.status = view_of(status);
  views.nodes = view_of(nodes);
  const auto from = ends(x), to = ends(y);
  state_->paths.solve(DeviceSpace(), view_of(from), view_of(to), views);
  return {action.download(),      fine.download(),   straight.download(),
          residual.download(),    start.download(),  steps.download(),
          evaluations.download(), status.download(), nodes.download()};
}

}  // namespace otfleet::kernels
