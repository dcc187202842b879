#include "kernels/outputs/soft_c_transform.hpp"

#include "kernels/operators/for_each_operator.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class Batch, class ExecutionSpace>
void transform(const ExecutionSpace& space, const Batch& batch, double epsilon,
               const ProblemRows<const double>& from, const ProblemRows<double>& result, Side to) {
  for_each_operator(space, batch, epsilon, {}, Matrix<double, ExecutionSpace>(), [&](auto& plan) {
    plan.load(other(to), from);
    plan.fit(to);
    plan.store(to, result);
  });
}

const char* name_of(Side side) {
  return side == Side::source ? "f" : "g";
}

template <class From, class Result>
void check_sizes(int problems, int n, int m, const From& from, const Result& result, Side to) {
  const bool to_target = to == Side::target;
  check_rows(name_of(other(to)), from, problems, to_target ? n : m);
  check_rows(name_of(to), result, problems, to_target ? m : n);
}

}  // namespace

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const SeparableCost& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& from,
                      const Matrix<double, ExecutionSpace>& result, Side to) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  check_sizes(problems.size(), cost.n(), cost.m(), from, result, to);
  with_operators(space, cost, problems, epsilon, [&](const auto& batch) {
    transform(space, batch, epsilon, rows_of_matrix(from), rows_of_matrix(result), to);
  });
}

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& from,
                      const Matrix<double, ExecutionSpace>& result, Side to) {
  const CloudForms<ExecutionSpace> batch{make_cloud_problems(cost, problems, epsilon), {}};
  if (batch.size() == 0) return;
  check_sizes(batch.size(), cost.n(), cost.m(), from, result, to);
  transform(space, batch, epsilon, rows_of_matrix(from), rows_of_matrix(result), to);
}

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      double epsilon, const Vector<const double, ExecutionSpace>& from,
                      const Vector<double, ExecutionSpace>& result, Side to) {
  auto made = make_cloud_problems(problems, epsilon);
  if (made.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto batch = choose_forms(std::move(made), sources, targets);
  const bool to_target = to == Side::target;
  transform(space, batch, epsilon,
            flat_rows(name_of(other(to)), from, to_target ? sources : targets),
            flat_rows(name_of(to), result, to_target ? targets : sources), to);
}

#define OTFLEET_INSTANTIATE(Space)                                                      \
  template void soft_c_transform<Space>(                                                \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double,           \
      const Matrix<const double, Space>&, const Matrix<double, Space>&, Side);          \
  template void soft_c_transform<Space>(                                                \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double,   \
      const Matrix<const double, Space>&, const Matrix<double, Space>&, Side);          \
  template void soft_c_transform<Space>(const Space&, const CloudBatch<Space>&, double, \
                                        const Vector<const double, Space>&,             \
                                        const Vector<double, Space>&, Side);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
