#include "kernels/geometry/symmetric_cost.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/number_text.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr const char* purpose = "transport of a measure to itself needs ";

[[noreturn]] void refuse_sizes(int n, int m) {
  throw std::invalid_argument(std::string(purpose) + "a square cost, not " + std::to_string(n) +
                              " x " + std::to_string(m));
}

template <class ExecutionSpace>
long count_differences(const Matrix<const double, ExecutionSpace>& x,
                       const Matrix<const double, ExecutionSpace>& y) {
  const int d = static_cast<int>(x.extent(1));
  long different = 0;
  Kokkos::parallel_reduce(
      "otfleet::unbalanced::compare_points",
      Kokkos::RangePolicy<ExecutionSpace>(0, static_cast<int>(x.extent(0))),
      KOKKOS_LAMBDA(int i, long& sum) {
        for (int c = 0; c < d; ++c) sum += x(i, c) != y(i, c);
      },
      different);
  return different;
}

}  // namespace

void check_symmetric(const SeparableCost& cost) {
  if (cost.n() != cost.m()) refuse_sizes(cost.n(), cost.m());
  const double close = 1e-12 * cost.range();
  for (const AxisCost& axis : cost.axes()) {
    if (axis.n != axis.m) refuse_sizes(axis.n, axis.m);
    for (int i = 0; i < axis.n; ++i)
      for (int j = 0; j < i; ++j) {
        const auto at = [&](int row, int column) {
          return axis.values[static_cast<std::size_t>(row) * axis.m + column];
        };
        if (at(i, j) != at(j, i) && !(std::abs(at(i, j) - at(j, i)) <= close))
          throw std::invalid_argument(std::string(purpose) + "a symmetric cost, but " +
                                      number_text(at(i, j)) + " leads from point " +
                                      std::to_string(i) + " to " + std::to_string(j) + " and " +
                                      number_text(at(j, i)) + " back");
      }
  }
}

template <class ExecutionSpace>
void check_symmetric(const PointCloudCost<ExecutionSpace>& cost) {
  if (cost.n() != cost.m()) refuse_sizes(cost.n(), cost.m());
  if (count_differences<ExecutionSpace>(cost.x(), cost.y()) > 0)
    throw std::invalid_argument(std::string(purpose) + "the same points on both sides");
}

#define OTFLEET_INSTANTIATE(Space) \
  template void check_symmetric<Space>(const PointCloudCost<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
