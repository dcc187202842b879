#include "kernels/outputs/barycentric_projection.hpp"

#include <limits>

#include "kernels/operators/for_each_operator.hpp"
#include "kernels/outputs/cloud_projection.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr OperatorUse projection_use{2, false, true};
/// Of points without weight.
constexpr double no_projection = std::numeric_limits<double>::quiet_NaN();

/// The means of every coordinate, for the points of side `to`.
template <class Operator, class ExecutionSpace>
void project_group(Operator& plan, Side to, const ProblemRows<const double>& potential,
                   const UnitPoints<ExecutionSpace>& points,
                   const ProblemRows<double>& projection) {
  using Place = typename Operator::Place;
  using Pack = typename Operator::Pack;
  const auto coordinate = plan.field(other(to)), mean = plan.field(to);
  const auto low = points.low, span = points.span;
  plan.load(other(to), potential);
  for (int c = 0; c < points.dimension(); ++c) {
    plan.load_points(other(to), points.unit, c, coordinate);
    plan.means(to, coordinate, mean);
    plan.for_points(
        "otfleet::plan::move_means", to, KOKKOS_LAMBDA(const Place& at) {
          mean.store(at, Pack(low(c)) + Pack(span(c)) * mean.load(at));
        });
    plan.store_field(to, mean, projection, c);
  }
}

template <class Batch, class ExecutionSpace>
void project(const ExecutionSpace& space, const Batch& batch, double epsilon, Projection direction,
             const ProblemRows<const double>& potential, const UnitPoints<ExecutionSpace>& points,
             ProblemRows<double> projection) {
  const Side to = direction == Projection::to_target ? Side::source : Side::target;
  projection.per_point = points.dimension();
  for_each_operator(space, batch, epsilon, projection_use, Matrix<double, ExecutionSpace>(),
                    [&](auto& plan) { project_group(plan, to, potential, points, projection); });
}

}  // namespace

template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const SeparableCost& cost,
                            const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                            Projection direction,
                            const Matrix<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Matrix<double, ExecutionSpace>& projection) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  const bool forward = direction == Projection::to_target;
  const auto unit = check_projection(space, problems.size(), forward ? cost.m() : cost.n(),
                                     forward ? cost.n() : cost.m(), potential, points, projection);
  Kokkos::deep_copy(space, projection, no_projection);
  with_operators(space, cost, problems, epsilon, [&](const auto& batch) {
    Kokkos::deep_copy(space, projection, no_projection);
    project(space, batch, epsilon, direction, rows_of_matrix(potential), unit,
            rows_of_matrix(projection));
  });
}

template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                            const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                            Projection direction,
                            const Matrix<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Matrix<double, ExecutionSpace>& projection) {
  const CloudForms<ExecutionSpace> batch{make_cloud_problems(cost, problems, epsilon), {}};
  if (batch.size() == 0) return;
  const bool forward = direction == Projection::to_target;
  const auto unit = check_projection(space, batch.size(), forward ? cost.m() : cost.n(),
                                     forward ? cost.n() : cost.m(), potential, points, projection);
  Kokkos::deep_copy(space, projection, no_projection);
  project(space, batch, epsilon, direction, rows_of_matrix(potential), unit,
          rows_of_matrix(projection));
}

template <class ExecutionSpace>
void project_clouds(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                    double epsilon, Projection direction,
                    const Vector<const double, ExecutionSpace>& potential,
                    const UnitPoints<ExecutionSpace>& points,
                    const Vector<double, ExecutionSpace>& projection) {
  auto made = make_cloud_problems(problems, epsilon);
  if (made.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto batch = choose_forms(std::move(made), sources, targets);
  const bool forward = direction == Projection::to_target;
  Kokkos::deep_copy(space, projection, no_projection);
  project(space, batch, epsilon, direction,
          flat_rows("potential", potential, forward ? targets : sources), points,
          flat_rows("projection", projection, forward ? sources : targets, points.dimension()));
}

template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                            double epsilon, Projection direction,
                            const Vector<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Vector<double, ExecutionSpace>& projection) {
  if (problems.size() == 0) return;
  const auto& given = direction == Projection::to_target ? problems.target : problems.source;
  const auto unit =
      make_unit_points(space, points, static_cast<std::int64_t>(given.offsets().back()),
                       problems.source.communicator());
  project_clouds(space, problems, epsilon, direction, potential, unit, projection);
}

#define OTFLEET_INSTANTIATE(Space)                                                                \
  template void barycentric_projection<Space>(                                                    \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double, Projection,         \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,                     \
      const Matrix<double, Space>&);                                                              \
  template void barycentric_projection<Space>(                                                    \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double, Projection, \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,                     \
      const Matrix<double, Space>&);                                                              \
  template void barycentric_projection<Space>(const Space&, const CloudBatch<Space>&, double,     \
                                              Projection, const Vector<const double, Space>&,     \
                                              const Matrix<const double, Space>&,                 \
                                              const Vector<double, Space>&);                      \
  template void project_clouds<Space>(const Space&, const CloudBatch<Space>&, double, Projection, \
                                      const Vector<const double, Space>&,                         \
                                      const UnitPoints<Space>&, const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
