#pragma once
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

/// Adds the columns of a job's plan outputs, which plan_of(source) has.
template <class Source, class Member>
void add_plan_columns(SolutionColumns<Source>& columns, SolutionLayout& layout,
                      const PopulationView& population, const SolutionOptions& wanted,
                      Member plan_of) {
  using Type = ColumnType;
  const auto space = [](PairRows rows) { return static_cast<std::size_t>(rows); };
  const bool own_points = population.clouds() != nullptr;
  if (wanted.projection)
    columns.add(
        layout,
        {"/solution/projection",
         space(PairRows::source_point),
         Type::float64,
         {population.geometry().coordinates},
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
