#include <cmath>
#include <limits>

#include "kernels/operators/in_passes/cloud_plan.hpp"
#include "kernels/outputs/barycentric_projection.hpp"
#include "kernels/outputs/unit_points.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// offset = potential + log2 of coordinate c; `first`: row of the measure's first point.
template <class ExecutionSpace>
void weigh_by_coordinate(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& given,
                         const Matrix<const double, ExecutionSpace>& unit, std::int64_t first,
                         int c, const Vector<double, ExecutionSpace>& offset) {
  const auto index = given.support.index;
  const auto potential = given.potential;
  Kokkos::parallel_for(
      "otfleet::plan::weigh_by_coordinate",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, given.points.count), KOKKOS_LAMBDA(int i) {
        const double share = unit(first + index(i), c);
        offset(i) = share > 0 ? potential(i) + ::log2(share)
                              : -Kokkos::Experimental::infinity<double>::value;
      });
}

/// Coordinate c of a row of the projection, on the support.
template <class ExecutionSpace>
void store_coordinate(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& wanted,
                      const Vector<double, ExecutionSpace>& part,
                      const UnitPoints<ExecutionSpace>& points, int c,
                      const Vector<double, ExecutionSpace>& projection) {
  const auto index = wanted.support.index;
  const auto sum = wanted.sum;
  const auto low = points.low, span = points.span;
  const int d = points.dimension();
  Kokkos::parallel_for(
      "otfleet::plan::store_coordinate",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, wanted.points.count), KOKKOS_LAMBDA(int i) {
        projection(static_cast<std::size_t>(index(i)) * d + c) =
            low(c) + span(c) * (part(i) / sum(i));
      });
}

/// A row of the projection from the potential of the given side.
template <class Cost, class ExecutionSpace>
void project(const ExecutionSpace& space, const Cost& cost, CloudArena<ExecutionSpace>& arena,
             const PlanSide<ExecutionSpace>& given, const PlanSide<ExecutionSpace>& wanted,
             const UnitPoints<ExecutionSpace>& points, std::int64_t first, double scale,
             const Vector<double, ExecutionSpace>& projection) {
  const auto offset =
      padded_array(space, arena, given.points, -std::numeric_limits<double>::infinity());
  const auto part = padded_array(space, arena, wanted.points, 0);
  run_pass<PassResult::largest>(space, cost, wanted.points, given.points, given.potential,
                                wanted.shift, wanted.shift, scale);
  run_pass<PassResult::exponential>(space, cost, wanted.points, given.points, given.potential,
                                    wanted.shift, wanted.sum, scale);
  for (int c = 0; c < points.dimension(); ++c) {
    weigh_by_coordinate(space, given, points.unit, first, c, offset);
    run_pass<PassResult::exponential>(space, cost, wanted.points, given.points, offset,
                                      wanted.shift, part, scale);
    store_coordinate(space, wanted, part, points, c, projection);
  }
}

/// From the side that batch calls the source to the other one.
template <class ExecutionSpace>
void project_all(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
                 double epsilon, const ProblemRows<const double>& potential,
                 const UnitPoints<ExecutionSpace>& points, const ProblemRows<double>& projection) {
  const double scale = 1 / (epsilon * std::log(2.0));
  for_each_cloud_problem<double>(space, batch, 1.0, [&](const auto& problem) {
    const auto row = problem.source_row(potential);
    const auto given = make_plan_side(space, *problem.arena, problem.source);
    const auto wanted = make_plan_side(space, *problem.arena, problem.target);
    load_side(space, row, largest_potential(space, row, given), scale, given);
    with_ground_cost(batch.ground_cost, [&](const auto& cost) {
      project(space, cost, *problem.arena, given, wanted, points, problem.source.place.first, scale,
              problem.target_row(projection));
    });
  });
}

}  // namespace

template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                            const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                            Projection direction,
                            const Matrix<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Matrix<double, ExecutionSpace>& projection) {
  auto batch = make_cloud_problems(cost, problems, epsilon);
  if (batch.size() == 0) return;
  const bool forward = direction == Projection::to_target;
  if (forward) batch = exchange_sides(std::move(batch));
  const auto unit = check_projection(space, batch.size(), forward ? cost.m() : cost.n(),
                                     forward ? cost.n() : cost.m(), potential, points, projection);
  Kokkos::deep_copy(space, projection, std::numeric_limits<double>::quiet_NaN());
  auto rows = rows_of_matrix(projection);
  rows.per_point = unit.dimension();
  project_all(space, batch, epsilon, rows_of_matrix(potential), unit, rows);
}

template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                            double epsilon, Projection direction,
                            const Vector<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Vector<double, ExecutionSpace>& projection) {
  auto batch = make_cloud_problems(problems, epsilon);
  if (batch.size() == 0) return;
  auto given = problems.source_offsets(), wanted = problems.target_offsets();
  const bool forward = direction == Projection::to_target;
  if (forward) {
    batch = exchange_sides(std::move(batch));
    std::swap(given, wanted);
  }
  const auto unit = make_unit_points(
      space, points,
      static_cast<std::int64_t>((forward ? problems.target : problems.source).offsets().back()),
      problems.source.communicator());
  const auto potentials = flat_rows("potential", potential, given);
  const auto rows = flat_rows("projection", projection, wanted, unit.dimension());
  Kokkos::deep_copy(space, projection, std::numeric_limits<double>::quiet_NaN());
  project_all(space, batch, epsilon, potentials, unit, rows);
}

#define OTFLEET_INSTANTIATE(Space)                                                                \
  template void barycentric_projection<Space>(                                                    \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double, Projection, \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,                     \
      const Matrix<double, Space>&);                                                              \
  template void barycentric_projection<Space>(const Space&, const CloudBatch<Space>&, double,     \
                                              Projection, const Vector<const double, Space>&,     \
                                              const Matrix<const double, Space>&,                 \
                                              const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
