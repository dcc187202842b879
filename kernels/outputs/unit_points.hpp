#pragma once
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/problems/checks.hpp"
#include "kernels/problems/cloud_communicator.hpp"

namespace otfleet::kernels {

/// Points with every coordinate moved and scaled to [0, 1]: factors of potentials must not be
/// negative, and a mean then has the digits that the points' spread has, wherever they lie.
template <class ExecutionSpace>
struct UnitPoints {
  Matrix<const double, ExecutionSpace> unit;  ///< [count, d]
  Vector<const double, ExecutionSpace> low;   ///< [d]
  Vector<const double, ExecutionSpace> span;  ///< [d]: a coordinate is low + span · unit

  int dimension() const { return static_cast<int>(unit.extent(1)); }
};

/// The first point with a coordinate that is not finite; the number of points where there is none.
template <class ExecutionSpace>
std::int64_t first_not_finite(const ExecutionSpace& space,
                              const Matrix<const double, ExecutionSpace>& points) {
  const auto count = static_cast<std::int64_t>(points.extent(0));
  const int d = static_cast<int>(points.extent(1));
  const double most = Kokkos::Experimental::finite_max<double>::value;
  std::int64_t first = count;
  Kokkos::parallel_reduce(
      "otfleet::plan::check_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(std::int64_t i, std::int64_t & found) {
        bool finite = true;
        for (int c = 0; c < d; ++c)
          finite = finite && points(i, c) <= most && points(i, c) >= -most;
        if (!finite && i < found) found = i;
      },
      Kokkos::Min<std::int64_t>(first));
  return first < count ? first : count;
}

/// The least and the largest of every coordinate, infinite where there are no points.
template <class ExecutionSpace>
void find_range(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& points,
                const Vector<double, ExecutionSpace>& low,
                const Vector<double, ExecutionSpace>& high) {
  const auto count = static_cast<std::int64_t>(points.extent(0));
  Kokkos::parallel_for(
      "otfleet::plan::find_range",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(points.extent(1))),
      KOKKOS_LAMBDA(int c) {
        double least = Kokkos::Experimental::infinity<double>::value, most = -least;
        for (std::int64_t i = 0; i < count; ++i) {
          least = points(i, c) < least ? points(i, c) : least;
          most = points(i, c) > most ? points(i, c) : most;
        }
        low(c) = least;
        high(c) = most;
      });
}

/// Throws std::invalid_argument unless the points are [count, d] with d >= 1, finite, and no
/// further apart than a double can say. Where `communicator` hold more of the points, collective;
/// they are then scaled as one.
template <class ExecutionSpace>
UnitPoints<ExecutionSpace> make_unit_points(const ExecutionSpace& space,
                                            const Matrix<const double, ExecutionSpace>& points,
                                            std::int64_t count,
                                            CloudCommunicator* communicator = nullptr) {
  const int d = static_cast<int>(points.extent(1));
  if (d < 1) throw std::invalid_argument("points without coordinates have no mean");
  check_rows("points", points, count, d);
  const auto fault = first_not_finite(space, points);
  if (all_max(communicator, fault < count ? 1 : 0) > 0) {
    const std::string which =
        fault < count ? "point " + std::to_string(fault) : "a point held elsewhere";
    throw std::invalid_argument(which + " has a coordinate that is not finite");
  }
  const Vector<double, ExecutionSpace> low("otfleet::plan::low", d), span("otfleet::plan::span", d);
  find_range<ExecutionSpace>(space, points, low, span);
  const auto host_low = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), low);
  const auto host_span = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), span);
  for (int c = 0; c < d; ++c) {
    host_low(c) = -all_max(communicator, -host_low(c));
    host_span(c) = all_max(communicator, host_span(c)) - host_low(c);
    if (!std::isfinite(host_span(c)))
      throw std::invalid_argument("coordinate " + std::to_string(c) +
                                  " of the points spreads beyond the range of double");
  }
  Kokkos::deep_copy(low, host_low);
  Kokkos::deep_copy(span, host_span);
  const Matrix<double, ExecutionSpace> unit(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::plan::unit_points"), count, d);
  Kokkos::parallel_for(
      "otfleet::plan::scale_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(std::int64_t i) {
        // A share that small is no digit of a mean, and its products would not be normal numbers.
        for (int c = 0; c < d; ++c) {
          const double share = span(c) > 0 ? (points(i, c) - low(c)) / span(c) : 0.0;
          unit(i, c) = share > 1e-30 ? share : 0.0;
        }
      });
  return {unit, low, span};
}

/// What a projection is given, checked: `given` and `wanted` are the numbers of points of the side
/// that the potential belongs to and of the other one. Throws std::invalid_argument.
template <class ExecutionSpace>
UnitPoints<ExecutionSpace> check_projection(const ExecutionSpace& space, int batch, int given,
                                            int wanted,
                                            const Matrix<const double, ExecutionSpace>& potential,
                                            const Matrix<const double, ExecutionSpace>& points,
                                            const Matrix<double, ExecutionSpace>& projection) {
  check_rows("potential", potential, batch, given);
  const auto unit = make_unit_points(space, points, given);
  check_rows("projection", projection, batch, wanted * unit.dimension());
  return unit;
}

}  // namespace otfleet::kernels
