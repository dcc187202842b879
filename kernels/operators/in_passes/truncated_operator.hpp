#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/geometry/coarsening.hpp"
#include "kernels/operators/in_passes/cell_side.hpp"
#include "kernels/operators/in_passes/pass_operator.hpp"
#include "kernels/operators/in_passes/run_pass.hpp"

namespace otfleet::kernels {

/// Clouds whose operators leave out pairs of cells that hold at most `most_left_out` of the mass
/// together, wherever the points of both sides lie on this rank. Ranks of `communicator`, if any,
/// have the same problems and share the work.
template <class ExecutionSpace>
struct TruncatedClouds {
  CloudProblems<ExecutionSpace> problems;
  double most_left_out = 0;
  CloudCommunicator* communicator = nullptr;

  int size() const { return problems.size(); }
};

/// The operator (kernels/README.md) for one problem, block-sparse: sums go over the pairs of cells
/// that fit() keeps, which are the same for both sides and stay. With K the kept pairs, the plan is
/// P_ij = exp((f_i + g_j − C_ij)/epsilon) on K, its columns exact. What was left out is bounded:
/// left_out() of the mass; hard_min() is a lower bound of the minimum over all pairs, apply_cost()
/// an upper bound of the sum.
template <class ExecutionSpace_>
class TruncatedOperator : public PassOperator<ExecutionSpace_> {
 public:
  using ExecutionSpace = ExecutionSpace_;
  using Base = PassOperator<ExecutionSpace>;
  using Sides = CellSide<ExecutionSpace, double>;
  using typename Base::Points;
  using Field = typename Points::Field;

  /// `problem` is that of both sides, in their order.
  TruncatedOperator(const ExecutionSpace& space, const TruncatedClouds<ExecutionSpace>& batch,
                    const typename Points::Problem& problem, const Sides& source,
                    const Sides& target, double epsilon,
                    const Matrix<double, ExecutionSpace>& totals)
      : Base(space, batch.problems, problem, epsilon, totals),
        clouds_(batch),
        source_(source),
        target_(target),
        pairs_(source.tree, target.tree, batch.problems.ground_cost, this->scale_,
               problem.rounding) {}

  /// The half-step of one side, over pairs that are chosen by the other side's potentials and a
  /// first look at its own; by its own where those leave out too much.
  void fit(Side side) {
    constexpr int most_rounds = 3;
    constexpr double room = 0.9;
    look(side);
    for (int round = 0; round < most_rounds; ++round) {
      pairs_.choose_by_share(summary(Side::source), summary(Side::target),
                             room * clouds_.most_left_out);
      const CellLists lists = pairs_.kept();
      keep(Side::source, lists);
      keep(Side::target, transpose(lists, target_.tree.cells()));
      Base::fit(side);
      left_out_ = pairs_.left_out(summary(Side::source), summary(Side::target));
      if (left_out_ <= clouds_.most_left_out) return;
    }
  }

  /// An upper bound in exact arithmetic of Σ exp((f_i + g_j − C_ij)/epsilon) over what fit() left
  /// out.
  double left_out() const { return left_out_; }

  void hard_min(Side side, const Field& x, const Field& result) {
    Base::hard_min(side, x, result);
    const Sides& other_side = cells(other(side));
    const auto of_cells =
        pairs_.least_left_out(side, smallest_in_nodes(other_side.tree, values(x, other_side)));
    lower(side, copy_to_device<ExecutionSpace>("otfleet::operators::of_cells", of_cells), result);
  }
  /// x >= 0.
  void apply_cost(const Field& x, const Field& result) {
    Base::apply_cost(x, result);
    const auto of_cells =
        pairs_.most_cost_left_out(sums_in_nodes(target_.tree, values(x, target_)));
    add(Side::source, copy_to_device<ExecutionSpace>("otfleet::operators::of_cells", of_cells),
        result);
  }

  // What is known of every cell, to its points.

  void add(Side side, const Vector<double, ExecutionSpace>& of_cells, const Field& result) const {
    this->for_points(
        "otfleet::operators::add_cells", side,
        KOKKOS_LAMBDA(int i) { result.store(i, result.load(i) + of_cells(i / cell_points)); });
  }
  void lower(Side side, const Vector<double, ExecutionSpace>& of_cells, const Field& result) const {
    this->for_points(
        "otfleet::operators::lower_cells", side, KOKKOS_LAMBDA(int i) {
          const double least = of_cells(i / cell_points);
          if (least < result.load(i)) result.store(i, least);
        });
  }

  /// Potentials of a side to choose pairs by: the half-step from an eighth of the other side's
  /// points, each the center of several, where these are close for this epsilon; else over the
  /// pairs that matter by the other side's potentials alone.
  void look(Side side) {
    constexpr double most_crossing = 2, bits = 6;
    constexpr double least = -1000;  // what no double holds is not nothing
    const Sides &to = cells(side), &from = cells(other(side));
    const int d = from.tree.dimension();
    auto weights = to_host(this->of(other(side)).potential, from.count());
    const double largest = weights.empty() ? 0 : *std::max_element(weights.begin(), weights.end());
    for (double& weight : weights) weight = std::exp2(std::max(weight - largest, least));
    const GroundCost& cost = clouds_.problems.ground_cost;
    const CoarseCloud coarse = coarsen(from.points, weights, d, cost);
    if (!(coarse.crossing_cost * this->scale_ * std::log(2.0) <= most_crossing)) {
      keep(side, pairs_.near_rows(side, summary(other(side)), bits));
      return Base::fit(side);
    }
    std::vector<int> index(coarse.weights.size());
    std::iota(index.begin(), index.end(), 0);
    auto& arena = *this->problem_.arena;
    const auto columns =
        make_cell_side<double>(this->space_, arena, d, coarse.points, coarse.weights, index);
    const CellPairs pairs(to.tree, columns.tree, cost, this->scale_, 0);
    const auto summary_of_columns =
        summarize(columns.tree, columns.log2_weights, columns.log2_weights);
    keep(side, pairs.near_rows(Side::source, summary_of_columns, bits));
    const auto offset =
        arena.take_filled(this->space_, static_cast<std::size_t>(columns.cloud.padded()),
                          -std::numeric_limits<double>::infinity());
    const auto exponents = columns.support.log_weight;
    Kokkos::parallel_for(
        "otfleet::operators::coarse_potential",
        Kokkos::RangePolicy<ExecutionSpace>(this->space_, 0, columns.count()),
        KOKKOS_LAMBDA(int i) { offset(i) = exponents(i) + largest; });
    const auto sum = this->take(side, 0);
    auto& own = this->of(side);
    for (const PassResult wanted : {PassResult::largest, PassResult::exponential})
      run_pass(this->space_, wanted, form_of_cost(clouds_.problems), own.points, columns.cloud,
               offset, own.shift, wanted == PassResult::largest ? own.shift : sum, this->scale_);
    this->take_half_step(side, sum);
  }

 private:
  const Sides& cells(Side side) const { return side == Side::source ? source_ : target_; }
  static std::vector<double> values(const Field& field, const Sides& side) {
    return to_host(field.values, side.count());
  }
  CellPotentials summary(Side side) const {
    return summarize(cells(side).tree, to_host(this->of(side).potential, cells(side).count()),
                     cells(side).log2_weights);
  }
  void keep(Side side, const CellLists& lists) {
    this->of(side).points.kept = keep_cells<ExecutionSpace>(lists, clouds_.communicator);
  }

  const TruncatedClouds<ExecutionSpace>& clouds_;
  const Sides &source_, &target_;
  CellPairs pairs_;
  double left_out_ = 0;
};

/// Calls body(operator) for one problem after the other, see for_each_operator.hpp.
template <class ExecutionSpace, class Body>
void for_each_operator(const ExecutionSpace& space, const TruncatedClouds<ExecutionSpace>& batch,
                       double epsilon, const OperatorUse& /*use*/,
                       const Matrix<double, ExecutionSpace>& totals, const Body& body) {
  for_each_cloud_problem<double>(space, batch.problems, 1.0, [&](const auto& given) {
    const auto source = make_cell_side<double>(space, *given.arena, given.source);
    const auto target = make_cell_side<double>(space, *given.arena, given.target);
    auto problem = given;
    problem.source.support = source.support;
    problem.source.points = source.cloud;
    problem.target.support = target.support;
    problem.target.points = target.cloud;
    TruncatedOperator<ExecutionSpace> one(space, batch, problem, source, target, epsilon, totals);
    body(one);
  });
}

}  // namespace otfleet::kernels
