#include "kernels/geometry/point_cloud_cost.hpp"

#include "kernels/geometry/point_preparation.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

// Functions of their own, since device lambdas may not stand in a constructor.

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
                                               const GroundCost& cost)
    : ground_cost_(cost) {
  if (x.extent(0) == 0 || y.extent(0) == 0 || x.extent(1) == 0)
    throw std::invalid_argument("a cloud needs at least one point and one coordinate");
  if (x.extent(1) != y.extent(1))
    throw std::invalid_argument("source points have " + std::to_string(x.extent(1)) +
                                " coordinates, target points " + std::to_string(y.extent(1)));
  check_parameters(cost);
  const auto check = [&](const Matrix<const double, ExecutionSpace>& points, const char* side) {
    const auto fault = first_fault(space, points, cost);
    if (fault < static_cast<std::int64_t>(points.extent(0)))
      throw std::invalid_argument(std::string(side) + " point " + std::to_string(fault) +
                                  fault_text(cost));
  };
  check(x, "source");
  check(y, "target");

  const bool centered = !takes_directions(cost);
  const int d = static_cast<int>(x.extent(1));
  const Vector<double, ExecutionSpace> center("otfleet::clouds::center", d);
  const auto host = Kokkos::create_mirror_view(center);
  const double share = 1 / (static_cast<double>(x.extent(0)) + static_cast<double>(y.extent(0)));
  for (int k = 0; k < d; ++k)
    host(k) = centered
                  ? sum_of_coordinate(space, x, k, share) + sum_of_coordinate(space, y, k, share)
                  : 0.0;
  Kokkos::deep_copy(center, host);
  x_ = prepare_points<ExecutionSpace>(space, x, center, !centered);
  y_ = prepare_points<ExecutionSpace>(space, y, center, !centered);
  if (!centered) {
    x_norm_ = find_norms<ExecutionSpace>(space, x);
    y_norm_ = find_norms<ExecutionSpace>(space, y);
  }

  // A little more than the sum of radii, for the rounding of costs.
  reach_ = (largest_norm(space, x_) + largest_norm(space, y_)) * (1 + 1e-6);
  bound_ = with_ground_cost(cost, [&](const auto& typed) { return typed.bound(reach_, d); });
  check_bound("", bound_);
}

#define OTFLEET_INSTANTIATE(Space) template class PointCloudCost<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
