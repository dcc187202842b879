#include "kernels/training/adam.hpp"

#include "kernels/spaces.hpp"
#include "kernels/training/adam_rule.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void adam_step(const ExecutionSpace& space, const AdamSettings& settings, long step, double clip,
               const Vector<const double, ExecutionSpace>& squared_norm,
               const Vector<const float, ExecutionSpace>& gradient,
               const Vector<float, ExecutionSpace>& parameters,
               const Vector<float, ExecutionSpace>& first_moment,
               const Vector<float, ExecutionSpace>& second_moment) {
  const detail::AdamRule rule(settings, step);
  const auto kept = static_cast<float>(1 - settings.learning_rate * settings.weight_decay);
  const double* const square = squared_norm.data();
  const float* const g = gradient.data();
  float* const p = parameters.data();
  float* const m = first_moment.data();
  float* const v = second_moment.data();
  Kokkos::parallel_for(
      "otfleet::training::adam",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(
          space, 0, static_cast<long>(parameters.extent(0))),
      KOKKOS_LAMBDA(long i) {
        const float slope = detail::clip_factor(clip, *square) * g[i];
        p[i] = kept * p[i] - rule.update(slope, m[i], v[i]);
      });
}

template <class ExecutionSpace>
void squared_norm(const ExecutionSpace& space, const Vector<const float, ExecutionSpace>& values,
                  const Vector<double, ExecutionSpace>& sum_of_squares) {
  // Several sums side by side, so that the additions of a piece need not wait for each other.
  constexpr long piece = 4096, sums = 16;
  const long size = static_cast<long>(values.extent(0));
  const float* const data = values.data();
  Kokkos::parallel_reduce(
      "otfleet::training::squared_norm",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(space, 0,
                                                                   (size + piece - 1) / piece),
      KOKKOS_LAMBDA(long which, double& part) {
        const long begin = which * piece, end = begin + piece < size ? begin + piece : size;
        double sum[sums] = {};
        long i = begin;
        for (; i + sums <= end; i += sums)
          for (long e = 0; e < sums; ++e) {
            const double value = data[i + e];
            sum[e] += value * value;
          }
        for (; i < end; ++i) sum[0] += static_cast<double>(data[i]) * data[i];
        for (long e = 0; e < sums; ++e) part += sum[e];
      },
      number_at<ExecutionSpace>(sum_of_squares, 0));
}

#define OTFLEET_INSTANTIATE(Space)                                                               \
  template void adam_step<Space>(const Space&, const AdamSettings&, long, double,                \
                                 const Vector<const double, Space>&,                             \
                                 const Vector<const float, Space>&, const Vector<float, Space>&, \
                                 const Vector<float, Space>&, const Vector<float, Space>&);      \
  template void squared_norm<Space>(const Space&, const Vector<const float, Space>&,             \
                                    const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
