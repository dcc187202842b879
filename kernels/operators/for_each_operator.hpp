#pragma once
#include <algorithm>

#include "kernels/operators/form_choice.hpp"
#include "kernels/operators/in_lanes/grid_operator.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/operators/in_lanes/small_cloud_operator.hpp"
#include "kernels/operators/in_passes/pass_operator.hpp"

// One way through the problems of a batch, whatever their geometry: the form that suits them
// (tiles or passes) is chosen here, and nowhere else.

namespace otfleet::kernels {

/// A batch on points or stored matrices: small problems in lanes, the others in passes.
template <class ExecutionSpace>
struct CloudForms {
  CloudProblems<ExecutionSpace> problems;  ///< all, with what passes take marked
  SmallClouds<ExecutionSpace> in_lanes;

  int size() const { return problems.size(); }
};

/// Offsets are the batch's, of measures with points of their own.
template <class ExecutionSpace>
CloudForms<ExecutionSpace> choose_forms(CloudProblems<ExecutionSpace> problems,
                                        const std::vector<std::int64_t>& source_offsets,
                                        const std::vector<std::int64_t>& target_offsets) {
  CloudForms<ExecutionSpace> forms{std::move(problems), {}};
  if (forms.size() > 0)
    forms.in_lanes = take_small_problems(forms.problems, source_offsets, target_offsets);
  return forms;
}

/// Tiles that a group takes.
template <class ExecutionSpace>
int group_tiles(const ExecutionSpace& space, int tiles, long numbers_a_tile) {
  const int together = static_cast<int>(
      std::min<long>(tiles, Backend<ExecutionSpace>::group_numbers / numbers_a_tile));
  return std::max(together, std::min(tiles, concurrent_teams(space)));
}

namespace detail {

template <class ExecutionSpace, class Body>
void for_each_group(TileOperator<ExecutionSpace>& group, int problems, const Body& body,
                    const Matrix<double, ExecutionSpace>& totals) {
  for (int first = 0; first < problems; first += group.problems()) {
    group.take_problems(first, totals);
    body(group);
  }
}

template <class Domain, class ExecutionSpace, class Body>
void for_each_grid_group(const ExecutionSpace& space, const GridProblems<ExecutionSpace>& batch,
                         const OperatorUse& use, const Matrix<double, ExecutionSpace>& totals,
                         const Body& body) {
  using Operator = GridOperator<Domain, ExecutionSpace>;
  constexpr int width = Operator::L::width;
  const int tiles = (batch.size() + width - 1) / width;
  const long numbers = Operator::numbers_a_tile(batch.cost, use);
  Operator group(space, batch, group_tiles(space, tiles, numbers), use);
  for_each_group<ExecutionSpace>(group, batch.size(), body, totals);
}

}  // namespace detail

/// Calls body(TileOperator or PassOperator) for groups of problems until every problem was in one.
/// totals [B, …]: where sums go. What the bodies launched may still run.
template <class ExecutionSpace, class Body>
void for_each_operator(const ExecutionSpace& space, const GridProblems<ExecutionSpace>& batch,
                       double /*epsilon*/, const OperatorUse& use,
                       const Matrix<double, ExecutionSpace>& totals, const Body& body) {
  using L = Lanes<ExecutionSpace, double>;
  if (batch.safe)
    detail::for_each_grid_group<ScalingDomain<L>>(space, batch, use, totals, body);
  else
    detail::for_each_grid_group<ExtendedDomain<L>>(space, batch, use, totals, body);
}
template <class ExecutionSpace, class Body>
void for_each_operator(const ExecutionSpace& space, const CloudForms<ExecutionSpace>& batch,
                       double epsilon, const OperatorUse& use,
                       const Matrix<double, ExecutionSpace>& totals, const Body& body) {
  const CloudProblems<ExecutionSpace>& problems = batch.problems;
  for_each_cloud_problem<double>(space, problems, 1.0, [&](const auto& problem) {
    PassOperator<ExecutionSpace> one(space, problems, problem, epsilon, totals);
    body(one);
  });
  const SmallClouds<ExecutionSpace>& small = batch.in_lanes;
  if (small.size() == 0) return;
  using Operator = SmallCloudOperator<ExecutionSpace>;
  constexpr int width = Operator::L::width;
  const int tiles = (small.size() + width - 1) / width;
  const long numbers = Operator::numbers_a_tile(small, use.fields);
  Operator group(space, problems, small, epsilon, group_tiles(space, tiles, numbers), use.fields);
  detail::for_each_group<ExecutionSpace>(group, small.size(), body, totals);
}

/// Calls body(batch) with the form of operator that suits a separable cost. Arguments are checked
/// by check_batch(). `more`: what the caller adds to exponents, see scaling_is_safe().
template <class ExecutionSpace, class Body>
void with_operators(const ExecutionSpace& space, const SeparableCost& cost,
                    const ProblemBatch<ExecutionSpace>& problems, double epsilon, const Body& body,
                    double more = 0) {
  const bool safe = scaling_is_safe<double>(cost, epsilon, problems.smallest_weight(), more);
  if (prefers_passes<ExecutionSpace>(cost, problems.size(), safe))
    body(CloudForms<ExecutionSpace>{make_cloud_problems<ExecutionSpace>(cost, problems), {}});
  else
    body(GridProblems<ExecutionSpace>{cost, problems, epsilon, safe,
                                      find_supports(space, cost, problems)});
}

}  // namespace otfleet::kernels
