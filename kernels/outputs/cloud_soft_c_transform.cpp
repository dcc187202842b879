#include <cmath>

#include "kernels/operators/in_lanes/small_clouds.hpp"
#include "kernels/operators/in_passes/cloud_plan.hpp"
#include "kernels/outputs/small_cloud_certificate.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class ExecutionSpace>
void transform(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
               double epsilon, const ProblemRows<const double>& f, const ProblemRows<double>& g) {
  const double scale = 1 / (epsilon * std::log(2.0));
  for_each_cloud_problem<double>(space, batch, 1.0, [&](const auto& problem) {
    const auto row = problem.source_row(f);
    const auto source = make_plan_side(space, *problem.arena, problem.source);
    const auto target = make_plan_side(space, *problem.arena, problem.target);
    const double largest = largest_potential(space, row, source);
    with_ground_cost(batch.ground_cost, [&](const auto& cost) {
      fit_target(space, cost, row, largest, source, target, scale);
    });
    store_target_potential(space, target, scale, largest, problem.mass, problem.target_row(g));
  });
}

}  // namespace

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g) {
  const auto batch = make_cloud_problems(cost, problems, epsilon);
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  check_rows("g", g, batch.size(), cost.m());
  transform(space, batch, epsilon, rows_of_matrix(f), rows_of_matrix(g));
}

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      double epsilon, const Vector<const double, ExecutionSpace>& f,
                      const Vector<double, ExecutionSpace>& g) {
  auto batch = make_cloud_problems(problems, epsilon);
  if (batch.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto rows = flat_rows("f", f, sources);
  const auto target_rows = flat_rows("g", g, targets);
  const auto small = take_small_problems(batch, sources, targets);
  transform(space, batch, epsilon, rows, target_rows);
  certify_small_clouds<ExecutionSpace>(space, small, batch.ground_cost, epsilon, f.data(), g.data(),
                                       {});
}

#define OTFLEET_INSTANTIATE(Space)                                                      \
  template void soft_c_transform<Space>(                                                \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double,   \
      const Matrix<const double, Space>&, const Matrix<double, Space>&);                \
  template void soft_c_transform<Space>(const Space&, const CloudBatch<Space>&, double, \
                                        const Vector<const double, Space>&,             \
                                        const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
