#include "kernels/initializers/half_step.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/operators/in_lanes/small_clouds.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/pass_iteration.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Of some problem, exponents to base 2.
template <class ExecutionSpace>
double largest_exponent(const CloudProblems<ExecutionSpace>& batch, double scale) {
  double bound = 0;
  for (int k = 0; k < batch.size(); ++k) bound = std::max(bound, batch.bound_of(k));
  return scale * bound;
}

/// One problem after the other, as Sinkhorn's iteration in passes does it.
template <class Scalar, class ExecutionSpace>
void transform(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
               double scale, const ProblemRows<const double>& from,
               const ProblemRows<double>& result, Side to) {
  check_range<Scalar>(batch, scale);
  const auto [factor, norm_scale, left_out] =
      with_cost(batch, [&](const auto& cost) { return cost.iteration_units(scale); });
  const CostForm form =
      with_cost(batch, [](const auto& cost) { return CostForm(iteration_form(cost)); });
  for_each_cloud_problem<Scalar>(
      space, batch, factor, [&, norm_scale = norm_scale, left_out = left_out](const auto& problem) {
        const bool to_target = to == Side::target;
        const auto& given = to_target ? problem.source : problem.target;
        const auto& wanted = to_target ? problem.target : problem.source;
        auto side = make_side(space, *problem.arena, given);
        auto result_side = make_side(space, *problem.arena, wanted);
        const auto units = [&](const auto& of) {
          return PotentialUnits<ExecutionSpace>{of.place, scale, norm_scale, left_out};
        };
        load_potential(space, units(given),
                       to_target ? problem.source_row(from) : problem.target_row(from), false,
                       side);
        guess_shift(space, units(wanted), problem.points, result_side);
        sum_exponentials(space, form, result_side, side, scale);
        fit_potential(space, result_side);
        store_potential(space, units(wanted), result_side,
                        to_target ? problem.target_row(result) : problem.source_row(result));
      });
}

template <class ExecutionSpace>
void transform(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
               double epsilon, double tolerance, const ProblemRows<const double>& from,
               const ProblemRows<double>& result, Side to) {
  const double scale = 1 / (epsilon * std::log(2.0));
  const bool in_float = rounding_error<float>(largest_exponent(batch, scale)) <= tolerance;
  if (in_float)
    transform<float>(space, batch, scale, from, result, to);
  else
    transform<double>(space, batch, scale, from, result, to);
  space.fence();
}

}  // namespace

template <class ExecutionSpace>
void half_step(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon, double tolerance,
               const Matrix<const double, ExecutionSpace>& from,
               const Matrix<double, ExecutionSpace>& result, Side to) {
  const auto batch = make_cloud_problems(cost, problems, epsilon);
  if (batch.size() == 0) return;
  const bool to_target = to == Side::target;
  check_rows("the given potential", from, batch.size(), to_target ? cost.n() : cost.m());
  check_rows("the result", result, batch.size(), to_target ? cost.m() : cost.n());
  transform(space, batch, epsilon, tolerance, rows_of_matrix(from), rows_of_matrix(result), to);
}

template <class ExecutionSpace>
void half_step(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
               double epsilon, double tolerance, const Vector<const double, ExecutionSpace>& from,
               const Vector<double, ExecutionSpace>& result, Side to) {
  const auto batch = make_cloud_problems(problems, epsilon);
  if (batch.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  for (std::size_t k = 0; k + 1 < sources.size(); ++k) {
    const auto points = std::max(sources[k + 1] - sources[k], targets[k + 1] - targets[k]);
    if (is_small_cloud<ExecutionSpace>(static_cast<int>(points), batch.dimension()))
      return soft_c_transform<ExecutionSpace>(space, problems, epsilon, from, result, to);
  }
  const bool to_target = to == Side::target;
  transform(space, batch, epsilon, tolerance,
            flat_rows("the given potential", from, to_target ? sources : targets),
            flat_rows("the result", result, to_target ? targets : sources), to);
}

#define OTFLEET_INSTANTIATE(Space)                                                                 \
  template void half_step<Space>(                                                                  \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double, double,      \
      const Matrix<const double, Space>&, const Matrix<double, Space>&, Side);                     \
  template void half_step<Space>(const Space&, const CloudBatch<Space>&, double, double,           \
                                 const Vector<const double, Space>&, const Vector<double, Space>&, \
                                 Side);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
