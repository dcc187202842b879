#pragma once
#include "kernels/geometry/ground_cost.hpp"
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// For every point x, whose plan to the points y_j of the other side has the potential g,
///   slope = sum_j p_j grad h(x − y_j),   p_j = exp((g_j − h(x − y_j))/epsilon) / s,
///   value = −epsilon log s,   s = sum_j exp((g_j − h(x − y_j))/epsilon),
/// the potential's extension to x and its gradient (Pooladian & Niles-Weed 2021; for h other than
/// the square: Cuturi, Klein & Ablin 2023, proposition 3).
///
/// points [N, d], others [m, d], potential [m] in units of the cost, −inf where there is no weight;
/// slope [N, d], value [N]. NaN where no p_j is a number. Costs that see directions alone throw
/// std::invalid_argument, as sizes that do not fit. Local. Work: two passes over the pairs, in
/// double; no array has N m entries.
template <class ExecutionSpace>
void extend_potential(const ExecutionSpace& space, const GroundCost& cost, double epsilon,
                      const Matrix<const double, ExecutionSpace>& points,
                      const Matrix<const double, ExecutionSpace>& others,
                      const Vector<const double, ExecutionSpace>& potential,
                      const Matrix<double, ExecutionSpace>& slope,
                      const Vector<double, ExecutionSpace>& value);

}  // namespace otfleet::kernels
