#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "src/families/linear/plan_outputs.hpp"
#include "src/populations/population_view.hpp"
#include "src/runs/solution_columns.hpp"

namespace otfleet {

/// What rows of solutions of pairs of measures stand for: the spaces of their layouts, in this
/// order.
enum class PairRows : std::size_t { problem, source_point, target_point, plan_entry, plan_row };

/// The layout of solutions of a population, without columns.
SolutionLayout pair_layout(const PopulationView& population);
/// The same of problems between measures whose points are their own: how many the source and the
/// target of each problem have.
SolutionLayout pair_layout(std::span<const std::int32_t> sources,
                           std::span<const std::int32_t> targets,
                           std::span<const std::int64_t> source_points,
                           std::span<const std::int64_t> target_points);

/// Adds the columns of a job's plan outputs, which plan_of(source) has. `own_points`: every measure
/// has its own; `coordinates`: of a target point.
template <class Source, class Member>
void add_plan_columns(SolutionColumns<Source>& columns, SolutionLayout& layout, bool own_points,
                      std::int64_t coordinates, const SolutionOptions& wanted, Member plan_of) {
  using Type = ColumnType;
  const auto space = [](PairRows rows) { return static_cast<std::size_t>(rows); };
  if (wanted.projection)
    columns.add(
        layout,
        {"/solution/projection",
         space(PairRows::source_point),
         Type::float64,
         {coordinates},
         "",
         "mean target point of each source point"},
        [plan_of](Source & from) -> auto& { return plan_of(from).projection; });
  if (!wants_entries(wanted)) return;
  columns.add(
      layout,
      {"/plan/offsets", space(own_points ? PairRows::plan_row : PairRows::problem), Type::int64,
       own_points
           ? std::vector<std::int64_t>()
           : std::vector<std::int64_t>{layout.spaces[space(PairRows::source_point)].per_problem +
                                       1},
       "", "where the entries of each source point begin", space(PairRows::plan_entry)},
      [plan_of](Source & from) -> auto& { return plan_of(from).entries.offsets; });
  columns.add(
      layout,
      {"/plan/kept_mass",
       space(PairRows::problem),
       Type::float64,
       {},
       "share of the plan's mass",
       "of the entries that are kept"},
      [plan_of](Source & from) -> auto& { return plan_of(from).entries.kept_mass; });
  columns.add(
      layout, {"/plan/columns", space(PairRows::plan_entry), Type::int32, {}, "", "target point"},
      [plan_of](Source & from) -> auto& { return plan_of(from).entries.columns; });
  columns.add(
      layout,
      {"/plan/values", space(PairRows::plan_entry), Type::float64, {}, "mass", "of the entry"},
      [plan_of](Source & from) -> auto& { return plan_of(from).entries.values; });
}

/// Sets what describes the entries of plans, where the job wants any.
void set_plan_attributes(const SolutionOptions& wanted, SolutionLayout& layout);

}  // namespace otfleet
