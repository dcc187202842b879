#include "kernels/training/expectile.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void expectile_weights(const ExecutionSpace& space, const ExpectileSettings& settings,
                       const Matrix<const float, ExecutionSpace>& x,
                       const Matrix<const float, ExecutionSpace>& y,
                       const Vector<const float, ExecutionSpace>& f_x,
                       const Conjugates<ExecutionSpace, float>& conjugates,
                       const Vector<float, ExecutionSpace>& weights) {
  const int count = static_cast<int>(x.extent(0)), dimension = static_cast<int>(x.extent(1));
  const double level = settings.level, strength = 2 * settings.weight;
  const auto value = conjugates.value;
  Kokkos::parallel_for(
      "otfleet::training::expectile_weights", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int k) {
        if (weights(count + k) == 0) return;  // the conjugate is not finite
        double excess = static_cast<double>(value(k)) - static_cast<double>(f_x(k));
        for (int i = 0; i < dimension; ++i)
          excess += static_cast<double>(x(k, i)) * static_cast<double>(y(k, i));
        const auto factor =
            static_cast<float>(1 - strength * (excess < 0 ? 1 - level : level) * excess);
        weights(k) *= factor;
        weights(count + k) *= factor;
      });
}

#define OTFLEET_INSTANTIATE(Space)                                               \
  template void expectile_weights<Space>(                                        \
      const Space&, const ExpectileSettings&, const Matrix<const float, Space>&, \
      const Matrix<const float, Space>&, const Vector<const float, Space>&,      \
      const Conjugates<Space, float>&, const Vector<float, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
