#pragma once
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "kernels/geometry/coarsening.hpp"
#include "kernels/operators/in_passes/cell_side.hpp"
#include "kernels/solvers/sinkhorn/pass_iteration.hpp"

namespace otfleet::kernels {

/// One side of a level of a multiscale problem, with what its iterations need. Potentials on the
/// host are in units of the cost, less epsilon times the logarithm of the weight: these depend on
/// the place alone, whatever epsilon and the level.
template <class ExecutionSpace, class Scalar>
struct LevelSide {
  CellSide<ExecutionSpace, Scalar> cells;
  IterationSide<ExecutionSpace, Scalar> side;
  std::vector<double> potential;  ///< [count]; empty: not known yet

  LevelSide(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena,
            CellSide<ExecutionSpace, Scalar> given)
      : cells(std::move(given)) {
    ProblemSide<ExecutionSpace, Scalar> plain;
    plain.support = cells.support;
    plain.points = cells.cloud;
    side = make_side(space, arena, plain);
  }

  /// The iteration's potentials (scale = log2(e)/epsilon) from the host's, and the sums that they
  /// stand for, from which the next ones are not far where `close`.
  void load(double scale, bool close) {
    std::vector<Scalar> values, sums;
    for (std::size_t i = 0; i < potential.size(); ++i) {
      values.push_back(static_cast<Scalar>(cells.log2_weights[i] + potential[i] * scale));
      sums.push_back(static_cast<Scalar>(-potential[i] * scale));
    }
    upload(values, side.potential);
    upload(sums, side.shift);
    side.shift_fits = side.shift_is_a_guess = close;
  }
  void store(double scale) {
    const auto values = exponents();
    potential.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      potential[i] = (values[i] - cells.log2_weights[i]) / scale;
  }
  /// The iteration's potentials.
  std::vector<double> exponents() const {
    const auto values = to_host(side.potential, cells.count());
    return {values.begin(), values.end()};
  }
  CellPotentials summary() const { return summarize(cells.tree, exponents(), cells.log2_weights); }

 private:
  static void upload(const std::vector<Scalar>& values, const Vector<Scalar, ExecutionSpace>& to) {
    Kokkos::deep_copy(
        Kokkos::subview(to, std::make_pair(std::size_t{0}, values.size())),
        Kokkos::View<const Scalar*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
            values.data(), values.size()));
  }
};

/// Both sides of a problem at one scale.
template <class ExecutionSpace, class Scalar>
struct Level {
  LevelSide<ExecutionSpace, Scalar> source, target;
  double crossing_cost = 0;  ///< of the points that became one; 0: these are the problem's own

  LevelSide<ExecutionSpace, Scalar>& of(Side which) {
    return which == Side::source ? source : target;
  }
};

/// Points of a side that are few enough to solve without a start.
inline constexpr int few_points = 512;

/// The next coarser level; nothing where neither side has more than few_points.
template <class Scalar, class ExecutionSpace>
std::optional<Level<ExecutionSpace, Scalar>> make_coarser(
    const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena, const GroundCost& cost,
    const Level<ExecutionSpace, Scalar>& fine) {
  const auto is_small = [](const auto& side) { return side.cells.count() <= few_points; };
  if (is_small(fine.source) && is_small(fine.target)) return std::nullopt;
  double crossing_cost = 0;
  const auto make = [&](const LevelSide<ExecutionSpace, Scalar>& side) {
    const auto& cells = side.cells;
    const int d = cells.tree.dimension();
    CoarseCloud coarse{cells.points, cells.weights, 0};
    if (!is_small(side)) coarse = coarsen(cells.points, cells.weights, d, cost);
    crossing_cost = std::max(crossing_cost, coarse.crossing_cost);
    std::vector<int> index(coarse.weights.size());
    for (std::size_t i = 0; i < index.size(); ++i) index[i] = static_cast<int>(i);
    return LevelSide<ExecutionSpace, Scalar>(
        space, arena,
        make_cell_side<Scalar>(space, arena, d, coarse.points, coarse.weights, index));
  };
  auto source = make(fine.source), target = make(fine.target);
  return Level<ExecutionSpace, Scalar>{std::move(source), std::move(target), crossing_cost};
}

/// to.potential: the soft minimum of `from`, the other side of a coarser level, at finer points.
/// Leaves out 2^−14 of every sum at most.
template <class ExecutionSpace, class Scalar>
void extend(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
            const LevelSide<ExecutionSpace, Scalar>& from, LevelSide<ExecutionSpace, Scalar>& to,
            double scale, CloudCommunicator* communicator) {
  constexpr double bits = 14;
  const CellPairs pairs(to.cells.tree, from.cells.tree, batch.ground_cost, scale, 0);
  auto rows = to.side.points;
  rows.kept =
      keep_cells<ExecutionSpace>(pairs.near_rows(Side::source, from.summary(), bits), communicator);
  auto& side = to.side;
  const CostForm cost = form_of_cost(batch);
  run_pass(space, PassResult::largest, cost, rows, from.side.points, from.side.potential,
           side.shift, side.shift, scale);
  run_pass(space, PassResult::exponential, cost, rows, from.side.points, from.side.potential,
           side.shift, side.sum, scale);
  space.fence();
  const auto shift = to_host(side.shift, to.cells.count()),
             sum = to_host(side.sum, to.cells.count());
  to.potential.resize(sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i)
    to.potential[i] =
        -(static_cast<double>(shift[i]) + std::log2(static_cast<double>(sum[i]))) / scale;
}

}  // namespace otfleet::kernels
