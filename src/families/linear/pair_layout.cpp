#include "src/families/linear/pair_layout.hpp"

namespace otfleet {
namespace {

RowSpace& rows_of(SolutionLayout& layout, PairRows rows) {
  return layout.spaces[static_cast<std::size_t>(rows)];
}

SolutionLayout layout_between(std::span<const std::int32_t> sources,
                              std::span<const std::int32_t> targets) {
  SolutionLayout layout;
  layout.problems = static_cast<std::int64_t>(sources.size());
  layout.spaces.resize(5);
  rows_of(layout, PairRows::problem).name = "problem";
  rows_of(layout, PairRows::source_point).name = "source point";
  rows_of(layout, PairRows::target_point).name = "target point";
  rows_of(layout, PairRows::plan_entry).name = "plan entry";
  rows_of(layout, PairRows::plan_entry).counted = true;
  rows_of(layout, PairRows::plan_row).name = "plan row";
  layout.references = {{"/problems/source", {sources.begin(), sources.end()}},
                       {"/problems/target", {targets.begin(), targets.end()}}};
  return layout;
}

}  // namespace

SolutionLayout pair_layout(const PopulationView& population) {
  const auto sources = population.sources(), targets = population.targets();
  if (const auto* shared = population.shared_points()) {
    SolutionLayout layout = layout_between(sources, targets);
    rows_of(layout, PairRows::source_point).per_problem = shared->geometry.n;
    rows_of(layout, PairRows::target_point).per_problem = shared->geometry.m;
    return layout;
  }
  std::vector<std::int64_t> from, to;
  for (std::int64_t k = 0; k < population.problems(); ++k) {
    from.push_back(population.source_points(k));
    to.push_back(population.target_points(k));
  }
  return pair_layout(sources, targets, from, to);
}

SolutionLayout pair_layout(std::span<const std::int32_t> sources,
                           std::span<const std::int32_t> targets,
                           std::span<const std::int64_t> source_points,
                           std::span<const std::int64_t> target_points) {
  SolutionLayout layout = layout_between(sources, targets);
  auto& from = rows_of(layout, PairRows::source_point);
  auto& to = rows_of(layout, PairRows::target_point);
  from.offsets_dataset = "/solution/f_offsets";
  to.offsets_dataset = "/solution/g_offsets";
  from.offsets = to.offsets = {0};
  for (std::size_t k = 0; k < sources.size(); ++k) {
    from.offsets.push_back(from.offsets.back() + source_points[k]);
    to.offsets.push_back(to.offsets.back() + target_points[k]);
  }
  // One more than there are source points: where the last one's entries end.
  auto& rows = rows_of(layout, PairRows::plan_row);
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
