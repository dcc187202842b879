#include "src/families/linear/pair_layout.hpp"

namespace otfleet {
namespace {

std::vector<RowSpace> row_spaces() {
  std::vector<RowSpace> spaces(5);
  const auto at = [&](PairRows rows) -> RowSpace& {
    return spaces[static_cast<std::size_t>(rows)];
  };
  at(PairRows::problem).name = "problem";
  at(PairRows::source_point).name = "source point";
  at(PairRows::target_point).name = "target point";
  at(PairRows::plan_entry).name = "plan entry";
  at(PairRows::plan_entry).counted = true;
  at(PairRows::plan_row).name = "plan row";
  return spaces;
}

}  // namespace

SolutionLayout pair_layout(const PopulationView& population) {
  SolutionLayout layout;
  layout.problems = population.problems();
  layout.spaces = row_spaces();
  const auto at = [&](PairRows rows) -> RowSpace& {
    return layout.spaces[static_cast<std::size_t>(rows)];
  };
  const auto sources = population.sources(), targets = population.targets();
  layout.references = {{"/problems/source", {sources.begin(), sources.end()}},
                       {"/problems/target", {targets.begin(), targets.end()}}};
  auto &from = at(PairRows::source_point), &to = at(PairRows::target_point);
  if (const auto* shared = population.shared_points()) {
    from.per_problem = shared->geometry.n;
    to.per_problem = shared->geometry.m;
    return layout;
  }
  from.offsets_dataset = "/solution/f_offsets";
  to.offsets_dataset = "/solution/g_offsets";
  from.offsets = to.offsets = {0};
  for (std::int64_t k = 0; k < layout.problems; ++k) {
    from.offsets.push_back(from.offsets.back() + population.source_points(k));
    to.offsets.push_back(to.offsets.back() + population.target_points(k));
  }
  // One more than there are source points: where the last one's entries end.
  auto& rows = at(PairRows::plan_row);
  rows.offsets_dataset = "/plan/row_offsets";
  for (std::size_t k = 0; k < from.offsets.size(); ++k)
    rows.offsets.push_back(from.offsets[k] + static_cast<std::int64_t>(k));
  return layout;
}

void set_plan_attributes(const SolutionOptions& wanted, SolutionLayout& layout) {
  if (!wants_entries(wanted)) return;
  layout.attributes.push_back({"/plan", "rule", word_of(wanted.plan)});
  if (wanted.plan == PlanRule::top_k)
    layout.attributes.push_back({"/plan", "top_k", wanted.top_k});
  else
    layout.attributes.push_back({"/plan", "threshold", wanted.plan_threshold});
}

}  // namespace otfleet
