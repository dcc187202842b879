#include "src/families/linear/plan_outputs.hpp"

#include <algorithm>

#include "kernels/outputs/barycentric_projection.hpp"
#include "kernels/outputs/sparse_plan.hpp"
#include "src/runs/append.hpp"

namespace otfleet {
namespace {

using kernels::EntrySelection;

EntrySelection selection_of(const SolutionOptions& wanted) {
  if (wanted.plan == PlanRule::top_k)
    return {EntrySelection::Rule::top_k, static_cast<int>(wanted.top_k), 0};
  return {EntrySelection::Rule::threshold, 0, wanted.plan_threshold};
}

}  // namespace

std::int64_t plan_output_bytes(const SolutionOptions& wanted, const Geometry& geometry) {
  double bytes = 0;
  if (wants_entries(wanted)) {
    const double most = wanted.plan == PlanRule::top_k ? static_cast<double>(wanted.top_k)
                                                       : 1 / wanted.plan_threshold;
    const double row = std::min(most, static_cast<double>(geometry.m));
    bytes += static_cast<double>(geometry.n) *
             (row * (sizeof(double) + sizeof(std::int32_t)) + sizeof(std::int64_t));
  }
  if (wanted.projection)
    bytes += static_cast<double>(geometry.n * geometry.coordinates()) * sizeof(double);
  return static_cast<std::int64_t>(bytes);
}

void append_plan_outputs(PlanOutputs& all, const Cost& cost,
                         const kernels::ProblemBatch<ExecutionSpace>& problems, double epsilon,
                         const Matrix<const double, ExecutionSpace>& f,
                         const Matrix<const double, ExecutionSpace>& g,
                         const Matrix<const double, ExecutionSpace>& target_points,
                         const SolutionOptions& wanted) {
  const ExecutionSpace space;
  if (wants_entries(wanted)) {
    const auto plan = std::visit(
        [&](const auto& c) {
          return kernels::sparse_plan<ExecutionSpace>(space, c, problems, epsilon, f, g,
                                                      selection_of(wanted));
        },
        cost);
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
    const Matrix<double, ExecutionSpace> projection(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::solver::projection"), f.extent(0),
        f.extent(1) * target_points.extent(1));
    std::visit(
        [&](const auto& c) {
          kernels::barycentric_projection<ExecutionSpace>(space, c, problems, epsilon,
                                                          kernels::Projection::to_target, g,
                                                          target_points, projection);
        },
        cost);
    append(all.projection, projection);
  }
}

}  // namespace otfleet
