#include "src/populations/cost.hpp"

#include <algorithm>
#include <limits>

#include "distributed/error.hpp"
#include "kernels/problems/checks.hpp"

namespace otfleet {
namespace {

using Space = Kokkos::DefaultExecutionSpace;

kernels::Matrix<const double, Space> upload(const std::vector<double>& values, std::int64_t rows,
                                            std::int64_t columns) {
  const Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace,
                     Kokkos::MemoryTraits<Kokkos::Unmanaged>>
      host(values.data(), rows, columns);
  const kernels::Matrix<double, Space> device(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::problems::points"), rows, columns);
  Kokkos::deep_copy(device, host);
  return device;
}

/// Potentials differ by no more than a detour over all points costs, so that an entry beyond that
/// carries nothing; where the entries are not that far apart, all are left as they are.
std::vector<double> forbid_beyond_exponents(std::vector<double> cost, double epsilon) {
  const double low = *std::min_element(cost.begin(), cost.end());
  const double limit = low + kernels::largest_exponent * epsilon;
  double high = low, least_beyond = std::numeric_limits<double>::infinity();
  for (const double entry : cost) {
    if (entry <= limit)
      high = std::max(high, entry);
    else
      least_beyond = std::min(least_beyond, entry);
  }
  constexpr double detour = 1e3;
  if (least_beyond - low > detour * (high - low))
    for (double& entry : cost)
      if (entry > limit) entry = std::numeric_limits<double>::infinity();
  return cost;
}

}  // namespace

Cost make_cost(const Geometry& geometry, double epsilon) {
  switch (geometry.kind) {
    case Geometry::Kind::grid:
      return kernels::SeparableCost::squared_euclidean_grid(geometry.axes);
    case Geometry::Kind::dense:
      return kernels::SeparableCost::dense(static_cast<int>(geometry.n),
                                           static_cast<int>(geometry.m),
                                           forbid_beyond_exponents(geometry.cost, epsilon));
    case Geometry::Kind::points:
      break;
  }
  try {
    return kernels::PointCloudCost<Space>(
        Space(), upload(geometry.source_points, geometry.n, geometry.dimension),
        upload(geometry.target_points, geometry.m, geometry.dimension),
        geometry.ground_cost.value());
  } catch (const std::invalid_argument& error) {
    throw UserError(std::string("/geometry: ") + error.what());
  }
}

}  // namespace otfleet
