#pragma once
#include <stdexcept>
#include <string>

#include "kernels/minimize/conjugate.hpp"

// What the solvers of conjugates share: which points are still under way, and simple checks. Not
// for use outside this folder.
namespace otfleet::kernels::detail {

inline constexpr int under_way = -1;  ///< status of a point that is not done

/// Keeps those of `active` [count] whose status is under_way, in order; `next` is for scratch.
/// Returns how many they are.
template <class ExecutionSpace>
int keep_active(const ExecutionSpace& space, Vector<int, ExecutionSpace>& active,
                Vector<int, ExecutionSpace>& next, int count,
                const Vector<int, ExecutionSpace>& status) {
  int kept = 0;
  const auto from = active, to = next;
  Kokkos::parallel_scan(
      "otfleet::conjugate::keep_active", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int k, int& place, bool last) {
        const bool stays = status(from(k)) == under_way;
        if (last && stays) to(place) = from(k);
        if (stays) ++place;
      },
      kept);
  std::swap(active, next);
  return kept;
}

/// active = 0, 1, …, and nothing is known of any point.
template <class ExecutionSpace, class Scalar>
void begin_all(const ExecutionSpace& space, const Vector<int, ExecutionSpace>& active, int count,
               const Conjugates<ExecutionSpace, Scalar>& result) {
  Kokkos::parallel_for(
      "otfleet::conjugate::begin", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int k) {
        active(k) = k;
        result.steps(k) = 0;
        result.evaluations(k) = 0;
        result.status(k) = under_way;
      });
}

template <class ExecutionSpace, class Scalar>
void check_sizes(int points, int dimension, const Matrix<const Scalar, ExecutionSpace>& y,
                 const Matrix<Scalar, ExecutionSpace>& x,
                 const Conjugates<ExecutionSpace, Scalar>& result, int oracle_dimension) {
  const auto count = y.extent(0);
  const auto wide = static_cast<std::size_t>(dimension);
  if (count > static_cast<std::size_t>(points))
    throw std::invalid_argument(std::to_string(count) + " points are more than the " +
                                std::to_string(points) + " that there is room for");
  if (oracle_dimension != dimension)
    throw std::invalid_argument("the function is of dimension " + std::to_string(oracle_dimension) +
                                ", the solver of dimension " + std::to_string(dimension));
  if (x.extent(0) != count || (count > 0 && (y.extent(1) != wide || x.extent(1) != wide)))
    throw std::invalid_argument("x and y must both be [" + std::to_string(count) + ", " +
                                std::to_string(dimension) + "]");
  for (const std::size_t length :
       {result.value.extent(0), result.residual.extent(0), result.steps.extent(0),
        result.evaluations.extent(0), result.status.extent(0)})
    if (length != count)
      throw std::invalid_argument("results must have one entry for each of the " +
                                  std::to_string(count) + " points");
}

/// Throws unless `good`.
inline void check_setting(bool good, const char* complaint) {
  if (!good) throw std::invalid_argument(complaint);
}

/// What every solver is told.
template <class Settings>
void check_limits(const Settings& settings, int points, int dimension) {
  check_setting(settings.max_steps >= 0, "max_steps must not be negative");
  check_setting(settings.gradient_tolerance >= 0, "gradient_tolerance must not be negative");
  check_setting(settings.most_distance > 0, "most_distance must be above zero");
  check_setting(points >= 0 && dimension >= 1, "there must be room for points of dimension 1 on");
}

}  // namespace otfleet::kernels::detail
