#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/kokkos_compat.hpp"
#include "kernels/rounding.hpp"

// What is checked of points and done to them before kernels see them, whoever holds them.

namespace otfleet::kernels {

template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION double squared_norm(const Matrix<const double, ExecutionSpace>& points,
                                           std::size_t i) {
  double sum = 0;
  for (int k = 0; k < static_cast<int>(points.extent(1)); ++k) sum += points(i, k) * points(i, k);
  return sum;
}

/// The first point that the cost cannot take; the number of points where there is none.
template <class ExecutionSpace>
std::int64_t first_fault(const ExecutionSpace& space,
                         const Matrix<const double, ExecutionSpace>& points,
                         const GroundCost& cost) {
  double least = 0, most = 0;
  with_ground_cost(cost, [&](const auto& typed) {
    least = typed.least_square;
    most = typed.most_square;
  });
  const auto count = static_cast<std::int64_t>(points.extent(0));
  std::int64_t first = count;
  Kokkos::parallel_reduce(
      "otfleet::clouds::check_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(std::int64_t i, std::int64_t & found) {
        const double norm = squared_norm<ExecutionSpace>(points, i);
        if (!(norm >= least && norm <= most) && i < found) found = i;
      },
      Kokkos::Min<std::int64_t>(first));
  return std::min(first, count);
}

/// What is wrong with it.
inline const char* fault_text(const GroundCost& cost) {
  return with_ground_cost(cost, [](const auto& typed) { return typed.fault; });
}

/// Does the cost see directions alone, so that points become unit vectors? Else both may be moved.
inline bool takes_directions(const GroundCost& cost) {
  return with_ground_cost(cost, [](const auto& typed) { return typed.takes_directions; });
}

/// points − center, or unit vectors.
template <class ExecutionSpace>
Matrix<const double, ExecutionSpace> prepare_points(
    const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& points,
    const Vector<const double, ExecutionSpace>& center, bool normalize) {
  const auto count = static_cast<std::int64_t>(points.extent(0));
  const int d = static_cast<int>(points.extent(1));
  const Matrix<double, ExecutionSpace> result(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::points"), count, d);
  Kokkos::parallel_for(
      "otfleet::clouds::prepare_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(std::int64_t i) {
        double largest = 0;
        for (int k = 0; k < d; ++k) {
          const double size = points(i, k) < 0 ? -points(i, k) : points(i, k);
          largest = size > largest ? size : largest;
        }
        // In units of the largest coordinate no square overflows.
        double norm = 0;
        for (int k = 0; k < d; ++k) {
          const double part = normalize ? points(i, k) / largest : 0.0;
          norm += part * part;
        }
        const double root = ::sqrt(norm);
        for (int k = 0; k < d; ++k)
          result(i, k) = normalize ? points(i, k) / largest / root : points(i, k) - center(k);
      });
  return result;
}

/// Throws std::invalid_argument, beginning with `name`, where it is beyond the range of double.
inline void check_bound(const std::string& name, double bound) {
  if (!(bound < 1e300))
    throw std::invalid_argument(name + "costs between the clouds are too large");
}

}  // namespace otfleet::kernels
