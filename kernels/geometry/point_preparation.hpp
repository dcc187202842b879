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

/// Do costs depend on the difference of two points alone, so that both may be moved?
inline bool depends_on_differences(GroundCost kind) {
  return kind != GroundCost::cosine && kind != GroundCost::great_circle;
}

/// The first point that the cost cannot take; the number of points where there is none.
template <class ExecutionSpace>
std::int64_t first_fault(const ExecutionSpace& space,
                         const Matrix<const double, ExecutionSpace>& points, GroundCost kind) {
  // Squares beyond 1e300 would leave no room for sums.
  const double least = kind == GroundCost::cosine         ? 1e-300
                       : kind == GroundCost::great_circle ? 1 - 2e-5
                                                          : 0;
  const double most = kind == GroundCost::great_circle ? 1 + 2e-5 : 1e300;
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
inline const char* fault_text(GroundCost kind) {
  return kind == GroundCost::great_circle ? " is not a finite unit vector"
         : kind == GroundCost::cosine     ? " has a coordinate that is not finite, or no direction"
                                          : " has a coordinate that is not finite or too large";
}

inline void check_parameters(GroundCost kind, double power, double divisor) {
  if (kind == GroundCost::power && (!(power > 0) || !std::isfinite(power)))
    throw std::invalid_argument("the power of a distance must be > 0 and finite");
  if (kind == GroundCost::great_circle && (!(divisor >= 1) || !std::isfinite(divisor)))
    throw std::invalid_argument("the divisor of a great circle must be >= 1 and finite");
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

/// The largest cost between points at most `reach` apart.
inline double cost_bound(GroundCost kind, double power, double reach) {
  switch (kind) {
    case GroundCost::squared_euclidean:
      return reach * reach;
    case GroundCost::euclidean:
      return reach;
    case GroundCost::power:
      return std::pow(reach, power) * (1 + 1e-6);
    case GroundCost::cosine:
      return 2 + 1e-6;
    case GroundCost::great_circle:
      return 3.1416;
    case GroundCost::matrix:
      return reach;
  }
  return 0;
}

/// By how much a computed cost between points of `dimension` coordinates, at most `reach` apart,
/// may differ from the cost of the points as they were given: they are moved to a common center or
/// divided by their length, and sums over coordinates are rounded. `bound` is cost_bound().
inline double cost_rounding(GroundCost kind, double power, int dimension, double reach,
                            double bound) {
  const double distance = (dimension + 8) * one_rounding * reach;
  switch (kind) {
    case GroundCost::squared_euclidean:
      return 2 * distance * reach;
    case GroundCost::euclidean:
      return distance;
    case GroundCost::power: {
      // |s^p − t^p| is at most |s − t|^p for p < 1; the logarithm costs digits in addition.
      const double moved = power < 1 ? std::pow(distance, power) : power * distance / reach * bound;
      return (reach > 0 ? moved : 0.0) +
             4 * one_rounding * bound * (2 + std::abs(std::log2(std::max(bound, 1e-300))));
    }
    case GroundCost::cosine:
      return (3 * dimension + 20) * one_rounding;
    case GroundCost::great_circle:
      // The arccosine of a sum of products: where a divisor keeps it away from 1, its slope is
      // below 100; without one the distance is a quotient of lengths.
      return 100 * (dimension + 20) * one_rounding;
    case GroundCost::matrix:  // less its smallest entry
      return one_rounding * bound;
  }
  return 0;
}

/// The relative error of sums over a plan whose entries are computed anew in every pass, as
/// 2^(potentials − scale C): see outputs/bounds.hpp. The potentials of no pair add up to more than
/// `exponent`; where the entry matters, scale C is larger by 2^7 at most. `terms` as in
/// sum_rounding().
KOKKOS_INLINE_FUNCTION double plan_rounding(double terms, int dimension, double exponent) {
  return sum_rounding(terms) + (dimension + 16) * one_rounding * (exponent + 0x1p7);
}

/// Throws std::invalid_argument, beginning with `name`, where it is beyond the range of double.
inline void check_bound(const std::string& name, double bound) {
  if (!(bound < 1e300))
    throw std::invalid_argument(name + "costs between the clouds are too large");
}

}  // namespace otfleet::kernels
