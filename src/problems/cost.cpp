#include "src/problems/cost.hpp"

#include "distributed/error.hpp"
#include "src/problems/ground_cost.hpp"

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

}  // namespace

Cost make_cost(const Geometry& geometry) {
  switch (geometry.kind) {
    case Geometry::Kind::grid:
      return kernels::SeparableCost::squared_euclidean_grid(geometry.axes);
    case Geometry::Kind::dense:
      return kernels::SeparableCost::dense(static_cast<int>(geometry.n),
                                           static_cast<int>(geometry.m), geometry.cost);
    case Geometry::Kind::points:
      break;
  }
  try {
    return kernels::PointCloudCost<Space>(
        Space(), upload(geometry.source_points, geometry.n, geometry.dimension),
        upload(geometry.target_points, geometry.m, geometry.dimension),
        ground_cost_kind("/geometry, attribute cost", geometry.cost_name), geometry.power,
        geometry.great_circle_divisor);
  } catch (const std::invalid_argument& error) {
    throw UserError(std::string("/geometry: ") + error.what());
  }
}

}  // namespace otfleet
