#include "kernels/paths/least_action.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/paths/path_starts.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// A path that costs more than the straight line by this share is as good: both sums are of points,
/// and differ by more from the integrals.
constexpr double fine_rounding = 1e-6;

int checked_starts(int starts) {
  if (starts < 1) throw std::invalid_argument("a path needs at least 1 start");
  return starts;
}

}  // namespace

template <class ExecutionSpace>
LeastActionPaths<ExecutionSpace>::LeastActionPaths(const Lagrangian& lagrangian, int dimension,
                                                   const PathSettings& settings)
    : settings_(settings),
      basis_(settings.nodes, settings.points),
      tables_(basis_),
      dimension_(dimension),
      paths_(std::max(1, Backend<ExecutionSpace>::path_rows / checked_starts(settings.starts))),
      energy_(lagrangian, tables_, dimension),
      lbfgs_(settings.lbfgs, paths_ * settings.starts, energy_.dimension()),
      minima_(static_cast<std::size_t>(paths_) * static_cast<std::size_t>(settings.starts)) {
  const auto count = static_cast<std::size_t>(paths_) * static_cast<std::size_t>(settings.starts),
             length = static_cast<std::size_t>(energy_.dimension());
  rows_ = Matrix<double, ExecutionSpace>("otfleet::paths::rows", count, length);
  zeros_ = Matrix<double, ExecutionSpace>("otfleet::paths::zeros", count, length);
  fine_ = Vector<double, ExecutionSpace>("otfleet::paths::fine", count);
  straight_slope_ = Matrix<double, ExecutionSpace>("otfleet::paths::straight_slope",
                                                   static_cast<std::size_t>(paths_), length);
  straight_action_ = Vector<double, ExecutionSpace>("otfleet::paths::straight_action",
                                                    static_cast<std::size_t>(paths_));
}

template <class ExecutionSpace>
void LeastActionPaths<ExecutionSpace>::solve(const ExecutionSpace& space,
                                             const Matrix<const double, ExecutionSpace>& x,
                                             const Matrix<const double, ExecutionSpace>& y,
                                             const Matrix<const double, ExecutionSpace>& predicted,
                                             const LeastActions<ExecutionSpace>& result) {
  const std::size_t count = x.extent(0), wide = static_cast<std::size_t>(dimension_);
  if (y.extent(0) != count || (count > 0 && (x.extent(1) != wide || y.extent(1) != wide)))
    throw std::invalid_argument("x and y must both be [" + std::to_string(count) + ", " +
                                std::to_string(dimension_) + "]");
  for (const std::size_t length :
       {result.action.extent(0), result.fine.extent(0), result.straight.extent(0),
        result.residual.extent(0), result.start.extent(0), result.steps.extent(0),
        result.evaluations.extent(0), result.status.extent(0)})
    if (length != count)
      throw std::invalid_argument("results must have one entry for each of the " +
                                  std::to_string(count) + " paths");
  const auto require = [&](const auto& rows, int of_one, const char* name) {
    if (rows.extent(0) > 0 &&
        (rows.extent(0) != count || rows.extent(1) != static_cast<std::size_t>(of_one) * wide))
      throw std::invalid_argument(std::string(name) + " must be [" + std::to_string(count) + ", " +
                                  std::to_string(of_one * dimension_) + "]");
  };
  require(result.nodes, basis_.nodes, "nodes");
  require(result.coefficients, basis_.coefficients, "coefficients");
  require(predicted, basis_.coefficients, "predicted");
  const int all = static_cast<int>(count);
  for (int first = 0; first < all; first += paths_)
    solve_some(space, x, y, predicted, first, std::min(paths_, all - first), result);
  space.fence();
}

template <class ExecutionSpace>
void LeastActionPaths<ExecutionSpace>::solve_some(
    const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& x,
    const Matrix<const double, ExecutionSpace>& y,
    const Matrix<const double, ExecutionSpace>& predicted, int first, int count,
    const LeastActions<ExecutionSpace>& result) {
  using Rows = Matrix<double, ExecutionSpace>;
  using Constant = Matrix<const double, ExecutionSpace>;
  const int starts = settings_.starts, d = dimension_, coefficients = basis_.coefficients;
  const auto paths = static_cast<std::size_t>(count),
             all = paths * static_cast<std::size_t>(starts);
  const Rows rows = detail::leading_rows<ExecutionSpace>(rows_, all);
  const int ahead = predicted.extent(0) > 0 ? 1 : 0;  // of the straight line
  const auto begin = [&](const Rows& of, int starts_of_a_path, int first_start) {
    const auto bow = tables_.bow;
    Kokkos::parallel_for(
        "otfleet::paths::starts",
        Kokkos::RangePolicy<ExecutionSpace>(space, 0, count * starts_of_a_path),
        KOKKOS_LAMBDA(int row) {
          const int path = first + row / starts_of_a_path,
                    start = first_start + row % starts_of_a_path;
          const double height = start < 0 ? 0.0 : detail::height_of_bow(start);
          detail::begin_path(of, row, height, x, path, y, path, bow);
          if (start == predicted_start)
            for (int i = 0; i < coefficients * d; ++i) of(row, i) = predicted(path, i);
        });
  };
  // The straight lines first, alone.
  const auto straight = result.straight, straight_action = straight_action_;
  const Rows lines = detail::leading_rows<ExecutionSpace>(rows_, paths);
  const Rows straight_slope = detail::leading_rows<ExecutionSpace>(straight_slope_, paths);
  begin(lines, 1, 0);
  energy_.evaluate(space, lines, straight_action, straight_slope);
  energy_.evaluate_finely(
      space, lines, Kokkos::subview(straight, std::pair<int, int>(first, first + count)), true);
  begin(rows, starts, -ahead);
  const auto minima = minima_.first(all);
  lbfgs_.minimize(space, energy_, Constant(detail::leading_rows<ExecutionSpace>(zeros_, all)), rows,
                  minima);
  const auto fine = fine_;
  energy_.evaluate_finely(space, rows, fine);
  const auto at_nodes = tables_.at_nodes;
  const auto results = result;
  const int nodes = basis_.nodes;
  Kokkos::parallel_for(
      "otfleet::paths::best", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int k) {
        const int path = first + k;
        int best = 0;
        for (int s = 1; s < starts; ++s)  // where none is finite, the straight line
          if (fine(k * starts + s) < fine(k * starts + best) ||
              !(fine(k * starts + best) - fine(k * starts + best) == 0))
            best = fine(k * starts + s) - fine(k * starts + s) == 0 ? s : best;
        const int row = k * starts + best;
        // The sum over few points can mislead: a path may step over a wall.
        const double slack = fine_rounding * ::fabs(straight(path));
        const bool bends =
            fine(row) <= straight(path) + slack || !(straight(path) - straight(path) == 0);
        int steps = 0, evaluations = 0;
        for (int s = 0; s < starts; ++s) {
          steps += minima.steps(k * starts + s);
          evaluations += minima.evaluations(k * starts + s);
        }
        results.action(path) = bends ? minima.value(row) : straight_action(k);
        results.fine(path) = bends ? fine(row) : straight(path);
        double square = 0;
        for (int i = 0; i < coefficients * d; ++i)
          square += straight_slope(k, i) * straight_slope(k, i);
        results.residual(path) = bends ? minima.residual(row) : ::sqrt(square);
        results.start(path) = bends ? best - ahead : 0;
        results.steps(path) = steps;
        results.evaluations(path) = evaluations;
        results.status(path) =
            bends ? minima.status(row) : static_cast<int>(ConjugateStatus::stalled);
        if (results.coefficients.extent(0) > 0)
          for (int i = 0; i < coefficients * d; ++i)
            results.coefficients(path, i) = bends ? rows(row, i) : 0.0;
        if (results.nodes.extent(0) == 0) return;
        for (int node = 0; node < nodes; ++node)
          for (int i = 0; i < d; ++i) {
            const double time = static_cast<double>(node) / (nodes - 1);
            double place = (1 - time) * x(path, i) + time * y(path, i);
            for (int j = 0; j < coefficients; ++j)
              place += bends ? at_nodes(node, j) * rows(row, j * d + i) : 0.0;
            results.nodes(path, node * d + i) = place;
          }
      });
}

#define OTFLEET_INSTANTIATE(Space) template class LeastActionPaths<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
