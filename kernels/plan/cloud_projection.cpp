#include <cmath>
#include <limits>

#include "kernels/clouds/cloud_plan.hpp"
#include "kernels/plan/barycentric_projection.hpp"
#include "kernels/plan/unit_points.hpp"

namespace otfleet::kernels {
namespace {

/// offset = potential + log2 of coordinate c.
template <class ExecutionSpace>
void weigh_by_coordinate(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& given,
                         const Matrix<const double, ExecutionSpace>& unit, int c,
                         const Vector<double, ExecutionSpace>& offset) {
  const auto index = given.support.index;
  const auto potential = given.potential;
  Kokkos::parallel_for(
      "otfleet::plan::weigh_by_coordinate",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, given.points.count), KOKKOS_LAMBDA(int i) {
        const double share = unit(index(i), c);
        offset(i) = share > 0 ? potential(i) + ::log2(share)
                              : -Kokkos::Experimental::infinity<double>::value;
      });
}

/// Coordinate c of row k of the projection, on the support.
template <class ExecutionSpace>
void store_coordinate(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& wanted,
                      const Vector<double, ExecutionSpace>& part,
                      const UnitPoints<ExecutionSpace>& points, int c, int k,
                      const Matrix<double, ExecutionSpace>& projection) {
  const auto index = wanted.support.index;
  const auto sum = wanted.sum;
  const auto low = points.low, span = points.span;
  const int d = points.dimension();
  Kokkos::parallel_for(
      "otfleet::plan::store_coordinate",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, wanted.points.count), KOKKOS_LAMBDA(int i) {
        projection(k, index(i) * d + c) = low(c) + span(c) * (part(i) / sum(i));
      });
}

/// Row k of the projection from the potential of the given side.
template <CostForm form, class ExecutionSpace>
void project(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& given,
             const PlanSide<ExecutionSpace>& wanted, const UnitPoints<ExecutionSpace>& points,
             double scale, double power, int k, const Matrix<double, ExecutionSpace>& projection) {
  const auto offset = padded_array(space, given.points, -std::numeric_limits<double>::infinity());
  const auto part = padded_array(space, wanted.points, 0);
  run_pass<form, PassResult::largest>(space, wanted.points, given.points, given.potential,
                                      wanted.shift, wanted.shift, scale, power);
  run_pass<form, PassResult::exponential>(space, wanted.points, given.points, given.potential,
                                          wanted.shift, wanted.sum, scale, power);
  for (int c = 0; c < points.dimension(); ++c) {
    weigh_by_coordinate(space, given, points.unit, c, offset);
    run_pass<form, PassResult::exponential>(space, wanted.points, given.points, offset,
                                            wanted.shift, part, scale, power);
    store_coordinate(space, wanted, part, points, c, k, projection);
  }
}

}  // namespace

template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                            const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                            Projection direction,
                            const Matrix<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Matrix<double, ExecutionSpace>& projection) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the clouds have");
  if (problems.size() == 0) return;
  const bool forward = direction == Projection::to_target;
  const auto sides = forward ? exchange_sides(problems) : problems;
  const auto& from = forward ? cost.y() : cost.x();
  const auto& to = forward ? cost.x() : cost.y();
  const auto unit = check_projection(space, problems.size(), static_cast<int>(from.extent(0)),
                                     static_cast<int>(to.extent(0)), potential, points, projection);
  const double scale = 1 / (epsilon * std::log(2.0));
  const HostIndices indices = host_indices(sides);
  CloudCache<double, ExecutionSpace> givens(from, 1.0), wanteds(to, 1.0);
  Kokkos::deep_copy(space, projection, std::numeric_limits<double>::quiet_NaN());
  for (int k = 0; k < problems.size(); ++k) {
    const auto given =
        make_plan_side(space, givens, find_support(space, sides.source, indices.source(k), 1.0));
    const auto wanted =
        make_plan_side(space, wanteds, find_support(space, sides.target, indices.target(k), 1.0));
    load_side(space, potential, k, largest_potential(space, potential, k, given.support), scale,
              given);
    with_cost_form(cost.kind(), [&](auto constant) {
      project<decltype(constant)::form>(space, given, wanted, unit, scale, cost.power(), k,
                                        projection);
    });
  }
  space.fence();
}

template void barycentric_projection<Kokkos::DefaultExecutionSpace>(
    const Kokkos::DefaultExecutionSpace&, const PointCloudCost<Kokkos::DefaultExecutionSpace>&,
    const ProblemBatch<Kokkos::DefaultExecutionSpace>&, double, Projection,
    const Matrix<const double, Kokkos::DefaultExecutionSpace>&,
    const Matrix<const double, Kokkos::DefaultExecutionSpace>&,
    const Matrix<double, Kokkos::DefaultExecutionSpace>&);

}  // namespace otfleet::kernels
