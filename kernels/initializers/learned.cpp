#include "kernels/initializers/learned.hpp"

#include <limits>
#include <numbers>

#include "kernels/lanes/pack.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void log_weight_rows(const ExecutionSpace& space,
                     const Matrix<const double, ExecutionSpace>& weights,
                     const Vector<const int, ExecutionSpace>& measure, double epsilon,
                     const Matrix<double, ExecutionSpace>& rows) {
  using L = Lanes<ExecutionSpace, double>;
  constexpr int width = L::pack_width;
  const int n = static_cast<int>(rows.extent(1));
  const int blocks = (n + width - 1) / width;
  const double scale = epsilon * std::numbers::ln2;
  const double smallest = std::numeric_limits<double>::min();  // log2_normal takes no less
  const double minus_infinity = -std::numeric_limits<double>::infinity();
  Kokkos::parallel_for(
      "otfleet::initializers::log_weight_rows",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(
          space, 0, static_cast<long>(rows.extent(0)) * blocks),
      KOKKOS_LAMBDA(long at) {
        const int r = static_cast<int>(at / blocks), first = static_cast<int>(at % blocks) * width;
        const int count = n - first < width ? n - first : width;
        const double* const a = &weights(measure(r), first);
        bool any = false;
        for (int e = 0; e < count; ++e) any = any || a[e] > 0;
        if (!any) {  // most of an image
          for (int e = 0; e < count; ++e) rows(r, first + e) = minus_infinity;
          return;
        }
        double weight[width], logarithm[width];
        for (int e = 0; e < width; ++e) weight[e] = smallest;
        for (int e = 0; e < count; ++e) weight[e] = a[e] > smallest ? a[e] : smallest;
        L::store(logarithm, log2_normal(L::load(weight)));
        for (int e = 0; e < count; ++e)
          rows(r, first + e) = a[e] > 0 ? scale * logarithm[e] : minus_infinity;
      });
}

template <class ExecutionSpace>
void learned_initializer(const ExecutionSpace& space,
                         const Matrix<const float, ExecutionSpace>& phi,
                         const Matrix<const double, ExecutionSpace>& log_weights,
                         const Vector<const int, ExecutionSpace>& row,
                         const Matrix<double, ExecutionSpace>& f) {
  using Range = Kokkos::MDRangePolicy<ExecutionSpace, Kokkos::Rank<2>, Kokkos::IndexType<int>>;
  Kokkos::parallel_for(
      "otfleet::initializers::learned",
      Range(space, {0, 0}, {static_cast<int>(f.extent(0)), static_cast<int>(f.extent(1))}),
      KOKKOS_LAMBDA(int k, int i) {
        f(k, i) = static_cast<double>(phi(k, i)) + log_weights(row(k), i);
      });
}

#define OTFLEET_INSTANTIATE(Space)                                                         \
  template void log_weight_rows<Space>(const Space&, const Matrix<const double, Space>&,   \
                                       const Vector<const int, Space>&, double,            \
                                       const Matrix<double, Space>&);                      \
  template void learned_initializer<Space>(                                                \
      const Space&, const Matrix<const float, Space>&, const Matrix<const double, Space>&, \
      const Vector<const int, Space>&, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
