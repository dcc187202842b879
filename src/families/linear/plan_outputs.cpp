#include "src/families/linear/plan_outputs.hpp"

#include <algorithm>

#include "kernels/api/outputs.hpp"
#include "src/families/linear/append_array.hpp"

namespace otfleet {
namespace {

using kernels::EntrySelection;

EntrySelection selection_of(const SolutionOptions& wanted) {
  if (wanted.plan == PlanRule::top_k)
    return {EntrySelection::Rule::top_k, static_cast<int>(wanted.top_k), 0};
  return {EntrySelection::Rule::threshold, 0, wanted.plan_threshold};
}

}  // namespace

std::int64_t plan_output_bytes(const SolutionOptions& wanted, std::int64_t n, std::int64_t m,
                               std::int64_t coordinates) {
  double bytes = 0;
  if (wants_entries(wanted)) {
    const double most = wanted.plan == PlanRule::top_k ? static_cast<double>(wanted.top_k)
                                                       : 1 / wanted.plan_threshold;
    const double row = std::min(most, static_cast<double>(m));
    bytes += static_cast<double>(n) *
             (row * (sizeof(double) + sizeof(std::int32_t)) + sizeof(std::int64_t));
  }
  if (wanted.projection) bytes += static_cast<double>(n * coordinates) * sizeof(double);
  return static_cast<std::int64_t>(bytes);
}

void append_plan_outputs(PlanOutputs& all, const kernels::Problems& problems, double epsilon,
                         const DeviceArray<const double>& f, const DeviceArray<const double>& g,
                         const SolutionOptions& wanted) {
  if (wants_entries(wanted)) {
    const auto plan = kernels::sparse_plan(problems, epsilon, f, g, selection_of(wanted));
    PlanEntries& entries = all.entries;
    const auto before = static_cast<std::int64_t>(entries.columns.size());
    const auto first = static_cast<std::ptrdiff_t>(entries.offsets.size());
    append(entries.offsets, plan.offsets);
    std::for_each(entries.offsets.begin() + first, entries.offsets.end(),
                  [&](std::int64_t& offset) { offset += before; });
    append(entries.columns, plan.columns);
    append(entries.values, plan.values);
    append(entries.kept_mass, plan.kept_mass);
  }
  if (wanted.projection) {
    constexpr auto direction = kernels::Projection::to_target;
    const auto d = static_cast<std::size_t>(kernels::coordinates(problems, direction));
    const DeviceArray<double> projection(uninitialized, "otfleet::solver::projection",
                                         f.size() * d);
    kernels::barycentric_projection(problems, epsilon, direction, g, projection);
    append(all.projection, projection);
  }
}

}  // namespace otfleet
