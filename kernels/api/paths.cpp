#include "kernels/api/paths.hpp"

#include <stdexcept>
#include <string>

#include "kernels/device_views.hpp"
#include "kernels/host_values.hpp"
#include "kernels/paths/grid_slope.hpp"
#include "kernels/paths/least_action.hpp"
#include "kernels/paths/path_starts.hpp"

namespace otfleet::kernels {

struct PathSolver::State {
  Lagrangian lagrangian;
  std::size_t dimension;
  LeastActionPaths<DeviceSpace> paths;

  State(const Lagrangian& given, int wide, const PathSettings& settings)
      : lagrangian(given),
        dimension(static_cast<std::size_t>(wide)),
        paths(lagrangian, wide, settings) {}

  /// Rows of x and y. Throws std::invalid_argument.
  std::size_t count_of(std::span<const double> x, std::span<const double> y) const {
    if (x.size() % dimension != 0 || y.size() != x.size())
      throw std::invalid_argument("x and y must both be [B, " + std::to_string(dimension) + "]");
    return x.size() / dimension;
  }
  /// The numbers of the Lagrangian's grid, or nothing.
  Vector<double, DeviceSpace> grid() const {
    Vector<double, DeviceSpace> numbers;
    std::visit(
        [&](const auto& typed) {
          if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>)
            if (typed.values)
              numbers = copy_to_device<DeviceSpace>("otfleet::paths::grid", *typed.values);
        },
        lagrangian);
    return numbers;
  }
};

namespace {

DeviceArray<double, 2> rows_on_device(std::span<const double> values, std::size_t count,
                                      std::size_t wide) {
  return upload<double>("otfleet::paths::rows", values, count, wide);
}

}  // namespace

PathSolver::PathSolver(const Lagrangian& lagrangian, int dimension, const PathSettings& settings)
    : state_(new State(lagrangian, dimension, settings)) {}
PathSolver::PathSolver(PathSolver&&) noexcept = default;
PathSolver::~PathSolver() = default;

int PathSolver::coefficients() const {
  return state_->paths.basis().coefficients;
}

PathResult PathSolver::solve(std::span<const double> x, std::span<const double> y, PathParts parts,
                             std::span<const double> predicted) {
  const std::size_t wide = state_->dimension, count = state_->count_of(x, y),
                    length = wide * static_cast<std::size_t>(coefficients());
  const auto numbers = [&] {
    return DeviceArray<double>(uninitialized, "otfleet::paths::numbers", count);
  };
  const auto counts = [&] {
    return DeviceArray<int>(uninitialized, "otfleet::paths::counts", count);
  };
  const auto action = numbers(), fine = numbers(), straight = numbers(), residual = numbers();
  const auto start = counts(), steps = counts(), evaluations = counts(), status = counts();
  DeviceArray<double, 2> nodes, splines, begun;
  if (parts.coefficients)
    splines = DeviceArray<double, 2>(uninitialized, "otfleet::paths::coefficients", count, length);
  if (!predicted.empty()) begun = rows_on_device(predicted, count, length);
  if (parts.nodes)
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
  views.coefficients = view_of(splines);
  const auto from = rows_on_device(x, count, wide), to = rows_on_device(y, count, wide);
  state_->paths.solve(DeviceSpace(), view_of(from), view_of(to), view_of(begun), views);
  return {action.download(), fine.download(),   straight.download(),    residual.download(),
          start.download(),  steps.download(),  evaluations.download(), status.download(),
          nodes.download(),  splines.download()};
}

std::vector<double> PathSolver::grid_slope(std::span<const double> x, std::span<const double> y,
                                           std::span<const double> coefficients, double weight) {
  const std::size_t wide = state_->dimension, count = state_->count_of(x, y),
                    length = wide * static_cast<std::size_t>(this->coefficients());
  const auto grid = state_->grid();
  const DeviceArray<double> slope("otfleet::paths::grid_slope", grid.extent(0));
  const auto from = rows_on_device(x, count, wide), to = rows_on_device(y, count, wide),
             splines = rows_on_device(coefficients, count, length);
  add_grid_slope<DeviceSpace>(DeviceSpace(), state_->lagrangian, grid, state_->paths.tables(),
                              view_of(from), view_of(to), view_of(splines), weight, view_of(slope));
  return slope.download();
}

void PathSolver::change(const Lagrangian& lagrangian) {
  state_->lagrangian = lagrangian;
  state_->paths.take_grid();
}

struct PathActions::State {
  Lagrangian lagrangian;
  PathTables<DeviceSpace> tables;
  PathEnergy<DeviceSpace, float> energy;
  Matrix<float, DeviceSpace> rows, slopes;

  State(const Lagrangian& given, int dimension, const PathSettings& settings, int paths)
      : lagrangian(given),
        tables(PathBasis(settings.nodes, settings.points)),
        energy(lagrangian, tables, dimension) {
    const auto count = static_cast<std::size_t>(paths),
               length = static_cast<std::size_t>(energy.dimension());
    rows = Matrix<float, DeviceSpace>("otfleet::paths::rows", count, length);
    slopes = Matrix<float, DeviceSpace>("otfleet::paths::slopes", count, length);
  }
};

PathActions::PathActions(const Lagrangian& lagrangian, int dimension, const PathSettings& settings,
                         int paths)
    : state_(new State(lagrangian, dimension, settings, paths)) {}
PathActions::PathActions(PathActions&&) noexcept = default;
PathActions::~PathActions() = default;

int PathActions::coefficients() const {
  return static_cast<int>(state_->tables.at_points.extent(1));
}

void PathActions::evaluate(const DeviceArray<const float, 2>& x,
                           const DeviceArray<const float, 2>& y,
                           const DeviceArray<const float, 2>& coefficients,
                           const DeviceArray<float>& action, const DeviceArray<float, 2>& slope) {
  const std::size_t count = x.extent(0);
  const int wide = static_cast<int>(x.extent(1)), length = static_cast<int>(coefficients.extent(1));
  const auto rows = detail::leading_rows<DeviceSpace>(state_->rows, count),
             slopes = detail::leading_rows<DeviceSpace>(state_->slopes, count);
  const auto from = view_of(x), to = view_of(y), splines = view_of(coefficients);
  const DeviceSpace space;
  Kokkos::parallel_for(
      "otfleet::paths::rows_of_paths",
      Kokkos::RangePolicy<DeviceSpace>(space, 0, static_cast<int>(count)), KOKKOS_LAMBDA(int k) {
        for (int i = 0; i < length; ++i) rows(k, i) = splines(k, i);
        for (int i = 0; i < wide; ++i) {
          rows(k, length + i) = from(k, i);
          rows(k, length + wide + i) = to(k, i);
        }
      });
  state_->energy.evaluate(space, rows, view_of(action), slopes);
  const auto by = view_of(slope);
  Kokkos::parallel_for(
      "otfleet::paths::slopes_of_paths",
      Kokkos::RangePolicy<DeviceSpace>(space, 0, static_cast<int>(count)), KOKKOS_LAMBDA(int k) {
        for (int i = 0; i < length; ++i) by(k, i) = slopes(k, i);
      });
}

void PathActions::change(const Lagrangian& lagrangian) {
  state_->lagrangian = lagrangian;
  state_->energy.take_grid();
}

}  // namespace otfleet::kernels
