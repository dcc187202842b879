#include "kernels/clouds/point_cloud_cost.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace otfleet::kernels {
namespace {

// Functions of their own, since device lambdas may not stand in a constructor.

template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION double squared_norm(const Matrix<const double, ExecutionSpace>& points,
                                           int i) {
  double sum = 0;
  for (int k = 0; k < static_cast<int>(points.extent(1)); ++k) sum += points(i, k) * points(i, k);
  return sum;
}

/// The first point that has a coordinate that is not finite or a squared norm outside [least,
/// most]; the number of points where there is none.
template <class ExecutionSpace>
int first_fault(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& points,
                double least, double most) {
  const int count = static_cast<int>(points.extent(0));
  int first = count;
  Kokkos::parallel_reduce(
      "otfleet::clouds::check_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i, int& found) {
        const double norm = squared_norm<ExecutionSpace>(points, i);
        if (!(norm >= least && norm <= most) && i < found) found = i;
      },
      Kokkos::Min<int>(first));
  return std::min(first, count);
}

template <class ExecutionSpace>
double sum_of_coordinate(const ExecutionSpace& space,
                         const Matrix<const double, ExecutionSpace>& points, int k, double scale) {
  double sum = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::sum_coordinates",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(points.extent(0))),
      KOKKOS_LAMBDA(int i, double& part) { part += points(i, k) * scale; }, sum);
  return sum;
}

/// (points − center) × factor, or unit vectors × factor.
template <class ExecutionSpace>
Matrix<const double, ExecutionSpace> prepare(const ExecutionSpace& space,
                                             const Matrix<const double, ExecutionSpace>& points,
                                             const Vector<const double, ExecutionSpace>& center,
                                             bool normalize, double factor) {
  const int count = static_cast<int>(points.extent(0)), d = static_cast<int>(points.extent(1));
  const Matrix<double, ExecutionSpace> result(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::points"), count, d);
  Kokkos::parallel_for(
      "otfleet::clouds::prepare", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) {
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
          result(i, k) = normalize ? points(i, k) / largest / root * factor
                                   : (points(i, k) - center(k)) * factor;
      });
  return result;
}

template <class ExecutionSpace>
Vector<const double, ExecutionSpace> find_norms(
    const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& points) {
  const int count = static_cast<int>(points.extent(0));
  const Vector<double, ExecutionSpace> norms("otfleet::clouds::norms", count);
  Kokkos::parallel_for(
      "otfleet::clouds::find_norms", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) { norms(i) = ::sqrt(squared_norm<ExecutionSpace>(points, i)); });
  return norms;
}

template <class ExecutionSpace>
double largest_norm(const ExecutionSpace& space,
                    const Matrix<const double, ExecutionSpace>& points) {
  double largest = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::largest_norm",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(points.extent(0))),
      KOKKOS_LAMBDA(int i, double& most) {
        const double norm = squared_norm<ExecutionSpace>(points, i);
        if (norm > most) most = norm;
      },
      Kokkos::Max<double>(largest));
  return std::sqrt(largest);
}

}  // namespace

template <class ExecutionSpace>
PointCloudCost<ExecutionSpace>::PointCloudCost(const ExecutionSpace& space,
                                               const Matrix<const double, ExecutionSpace>& x,
                                               const Matrix<const double, ExecutionSpace>& y,
                                               GroundCost kind, double power)
    : kind_(kind), power_(power) {
  if (x.extent(0) == 0 || y.extent(0) == 0 || x.extent(1) == 0)
    throw std::invalid_argument("a cloud needs at least one point and one coordinate");
  if (x.extent(1) != y.extent(1))
    throw std::invalid_argument("source points have " + std::to_string(x.extent(1)) +
                                " coordinates, target points " + std::to_string(y.extent(1)));
  if (kind == GroundCost::power && (!(power > 0) || !std::isfinite(power)))
    throw std::invalid_argument("the power of a distance must be > 0 and finite");
  const bool cosine = kind == GroundCost::cosine, circle = kind == GroundCost::great_circle;
  // Squares beyond 1e300 would leave no room for sums.
  const double least = cosine ? 1e-300 : circle ? 1 - 2e-5 : 0;
  const double most = circle ? 1 + 2e-5 : 1e300;
  const auto check = [&](const Matrix<const double, ExecutionSpace>& points, const char* side) {
    const int fault = first_fault(space, points, least, most);
    if (fault < static_cast<int>(points.extent(0)))
      throw std::invalid_argument(std::string(side) + " point " + std::to_string(fault) +
                                  (circle ? " is not a finite unit vector"
                                   : cosine
                                       ? " has a coordinate that is not finite, or no direction"
                                       : " has a coordinate that is not finite or too large"));
  };
  check(x, "source");
  check(y, "target");

  const bool centered = !cosine && !circle;
  const int d = static_cast<int>(x.extent(1));
  const Vector<double, ExecutionSpace> center("otfleet::clouds::center", d);
  const auto host = Kokkos::create_mirror_view(center);
  const double share = 1 / (static_cast<double>(x.extent(0)) + static_cast<double>(y.extent(0)));
  for (int k = 0; k < d; ++k)
    host(k) = centered
                  ? sum_of_coordinate(space, x, k, share) + sum_of_coordinate(space, y, k, share)
                  : 0.0;
  Kokkos::deep_copy(center, host);
  const double factor = circle ? 1 / std::sqrt(great_circle_divisor) : 1.0;
  x_ = prepare<ExecutionSpace>(space, x, center, cosine, factor);
  y_ = prepare<ExecutionSpace>(space, y, center, cosine, factor);
  if (cosine) {
    x_norm_ = find_norms<ExecutionSpace>(space, x);
    y_norm_ = find_norms<ExecutionSpace>(space, y);
  }

  // A little more than the sum of radii, for the rounding of costs.
  reach_ = (largest_norm(space, x_) + largest_norm(space, y_)) * (1 + 1e-6);
  bound_ = cosine                                  ? 2 + 1e-6
           : circle                                ? 3.1416
           : kind == GroundCost::squared_euclidean ? reach_ * reach_
           : kind == GroundCost::euclidean         ? reach_
                                                   : std::pow(reach_, power) * (1 + 1e-6);
  if (!(bound_ < 1e300)) throw std::invalid_argument("costs between the clouds are too large");
}

template class PointCloudCost<Kokkos::DefaultExecutionSpace>;

}  // namespace otfleet::kernels
