#include "kernels/outputs/soft_c_transform.hpp"

#include "kernels/operators/for_each_operator.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class Batch, class ExecutionSpace>
void transform(const ExecutionSpace& space, const Batch& batch, double epsilon,
               const ProblemRows<const double>& f, const ProblemRows<double>& g) {
  for_each_operator(space, batch, epsilon, {}, Matrix<double, ExecutionSpace>(), [&](auto& plan) {
    plan.load(Side::source, f);
    plan.fit(Side::target);
    plan.store(Side::target, g);
  });
}

}  // namespace

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const SeparableCost& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  check_rows("g", g, problems.size(), cost.m());
  with_operators(space, cost, problems, epsilon, [&](const auto& batch) {
    transform(space, batch, epsilon, rows_of_matrix(f), rows_of_matrix(g));
  });
}

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g) {
  const CloudForms<ExecutionSpace> batch{make_cloud_problems(cost, problems, epsilon), {}};
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  check_rows("g", g, batch.size(), cost.m());
  transform(space, batch, epsilon, rows_of_matrix(f), rows_of_matrix(g));
}

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      double epsilon, const Vector<const double, ExecutionSpace>& f,
                      const Vector<double, ExecutionSpace>& g) {
  auto made = make_cloud_problems(problems, epsilon);
  if (made.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto batch = choose_forms(std::move(made), sources, targets);
  transform(space, batch, epsilon, flat_rows("f", f, sources), flat_rows("g", g, targets));
}

#define OTFLEET_INSTANTIATE(Space)                                                      \
  template void soft_c_transform<Space>(                                                \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double,           \
      const Matrix<const double, Space>&, const Matrix<double, Space>&);                \
  template void soft_c_transform<Space>(                                                \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double,   \
      const Matrix<const double, Space>&, const Matrix<double, Space>&);                \
  template void soft_c_transform<Space>(const Space&, const CloudBatch<Space>&, double, \
                                        const Vector<const double, Space>&,             \
                                        const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
