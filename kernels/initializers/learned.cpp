#include "kernels/initializers/learned.hpp"

#include <limits>
#include <numbers>

#include "kernels/lanes/pack.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void learned_initializer(const ExecutionSpace& space,
                         const Matrix<const float, ExecutionSpace>& phi,
                         const Matrix<const double, ExecutionSpace>& weights,
                         const Vector<const int, ExecutionSpace>& source_index, double epsilon,
                         const Matrix<double, ExecutionSpace>& f) {
  using L = Lanes<ExecutionSpace, double>;
  constexpr int width = L::pack_width;
  const int n = static_cast<int>(f.extent(1));
  const int blocks = (n + width - 1) / width;
  const double scale = epsilon * std::numbers::ln2;
  const double smallest = std::numeric_limits<double>::min();  // log2_normal takes no less
  const double minus_infinity = -std::numeric_limits<double>::infinity();
  Kokkos::parallel_for(
      "otfleet::initializers::learned",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(
          space, 0, static_cast<long>(f.extent(0)) * blocks),
      KOKKOS_LAMBDA(long at) {
        const int k = static_cast<int>(at / blocks), first = static_cast<int>(at % blocks) * width;
        const int count = n - first < width ? n - first : width;
        const double* const a = &weights(source_index(k), first);
        bool any = false;
        for (int e = 0; e < count; ++e) any = any || a[e] > 0;
        if (!any) {  // most of an image
          for (int e = 0; e < count; ++e) f(k, first + e) = minus_infinity;
          return;
        }
        double weight[width], logarithm[width];
        for (int e = 0; e < width; ++e) weight[e] = smallest;
        for (int e = 0; e < count; ++e) weight[e] = a[e] > smallest ? a[e] : smallest;
        L::store(logarithm, log2_normal(L::load(weight)));
        for (int e = 0; e < count; ++e)
          f(k, first + e) = a[e] > 0 ? phi(k, first + e) + scale * logarithm[e] : minus_infinity;
      });
}

#define OTFLEET_INSTANTIATE(Space)                                                         \
  template void learned_initializer<Space>(                                                \
      const Space&, const Matrix<const float, Space>&, const Matrix<const double, Space>&, \
      const Vector<const int, Space>&, double, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
