#include "kernels/geometry/gibbs_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/geometry/table_cache.hpp"
#include "kernels/lanes/extended_range.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

}  // namespace

template <class ExecutionSpace, class Scalar>
GibbsKernel<ExecutionSpace, Scalar>::GibbsKernel(const SeparableCost& cost, double epsilon,
                                                 bool for_certificate) {
  const int used = for_certificate ? kinds : 1;
  std::size_t size = 0;
  std::vector<bool> symmetric;
  for (const AxisCost& axis : cost.axes()) {
    bool same = axis.n == axis.m;
    for (int i = 0; same && i < axis.n; ++i)
      for (int j = 0; same && j < i; ++j)
        same = axis.values[static_cast<std::size_t>(i) * axis.m + j] ==
               axis.values[static_cast<std::size_t>(j) * axis.m + i];
    Shape shape{axis.n, axis.m, {}};
    for (int direction = 0; direction < 2; ++direction)
      for (int kind = 0; kind < used; ++kind) {
        // A symmetric axis serves both directions with one table: half the cache footprint.
        if (direction == 1 && same) {
          shape.offset[1][kind] = shape.offset[0][kind];
        } else {
          shape.offset[direction][kind] = size;
          size += axis.values.size();
        }
      }
    symmetric.push_back(same);
    shape_.push_back(shape);
  }
  size_ = size;
  tables_ = decltype(tables_)(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::geometry::tables"), 3 * size);
  const auto host = Kokkos::create_mirror_view(tables_);
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    const AxisCost& axis = cost.axes()[d];
    const double low = *std::min_element(axis.values.begin(), axis.values.end());
    for (int i = 0; i < axis.n; ++i)
      for (int j = 0; j < axis.m; ++j) {
        const std::size_t by_source = static_cast<std::size_t>(i) * axis.m + j;
        const std::size_t by_target = static_cast<std::size_t>(j) * axis.n + i;
        const double c = axis.values[by_source] - low;
        // exp(−c/epsilon) = mantissa · 2^power. Half the digits of a large exponent are its whole
        // part: long double has them to spare.
        const bool forbidden = c == infinite;  // no plan has mass there
        const long double exponent = forbidden ? 0 : -static_cast<long double>(c) / epsilon;
        const long double power = std::round(exponent / std::numbers::ln2_v<long double>);
        const long double mantissa =
            forbidden ? 0 : std::exp(exponent - power * std::numbers::ln2_v<long double>);
        const long double mantissas[kinds] = {mantissa, forbidden ? 0 : c * mantissa, c, 1};
        const long double powers[kinds] = {power, power, 0, 0};
        for (int kind = 0; kind < used; ++kind) {
          int shift = 0;
          const auto digits = static_cast<Scalar>(mantissas[kind] < infinite
                                                      ? 2 * std::frexp(mantissas[kind], &shift)
                                                      : mantissas[kind]);
          const long double whole = powers[kind] + shift - 1;
          // A denormal number carries few digits and slows every product.
          const Scalar linear = whole < std::numeric_limits<Scalar>::min_exponent - 1
                                    ? 0
                                    : std::ldexp(digits, static_cast<int>(whole));
          for (int direction = 0; direction < (symmetric[d] ? 1 : 2); ++direction) {
            const std::size_t offset = shape_[d].offset[direction][kind];
            host(offset + (direction == 0 ? by_source : by_target)) = linear;
            const std::size_t turned = offset + (direction == 0 ? by_target : by_source);
            host(size_ + turned) = digits;
            host(2 * size_ + turned) =
                digits > 0 ? static_cast<Scalar>(whole) : extended_zero_exponent<Scalar>;
          }
        }
      }
  }
  Kokkos::deep_copy(tables_, host);
}

template <class ExecutionSpace, class Scalar>
AxisChain<Scalar> GibbsKernel<ExecutionSpace, Scalar>::chain(Direction direction, int special,
                                                             Kind at_special,
                                                             Kind elsewhere) const {
  AxisChain<Scalar> result;
  result.axes = axes();
  const int way = direction == Direction::to_target ? 0 : 1;
  for (int d = 0; d < result.axes; ++d) {
    const Shape& shape = shape_[d];
    AxisTable<Scalar>& table = result.axis[d];
    table.in = way == 0 ? shape.n : shape.m;
    table.out = way == 0 ? shape.m : shape.n;
    table.linear = tables_.data() + shape.offset[way][d == special ? at_special : elsewhere];
    table.mantissa = table.linear + size_;
    table.exponent = table.mantissa + size_;
    const int axis = d + SeparableCost::max_axes - result.axes;
    result.from.length[axis] = result.from.end[axis] = table.in;
    result.to.length[axis] = result.to.end[axis] = table.out;
  }
  return result;
}

template <class ExecutionSpace, class Scalar>
std::shared_ptr<const GibbsKernel<ExecutionSpace, Scalar>> gibbs_kernel(const SeparableCost& cost,
                                                                        double epsilon,
                                                                        bool for_certificate) {
  using Tables = GibbsKernel<ExecutionSpace, Scalar>;
  return cost.tables().template find_or_make<Tables>(epsilon, for_certificate, [&] {
    return std::make_shared<const Tables>(cost, epsilon, for_certificate);
  });
}

#define OTFLEET_INSTANTIATE(Space, Scalar)                                                \
  template class GibbsKernel<Space, Scalar>;                                              \
  template std::shared_ptr<const GibbsKernel<Space, Scalar>> gibbs_kernel<Space, Scalar>( \
      const SeparableCost&, double, bool);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
