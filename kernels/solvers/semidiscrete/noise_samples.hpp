#pragma once
#include <Kokkos_Core.hpp>

#include "kernels/counter_random.hpp"
#include "kernels/kokkos_compat.hpp"
#include "kernels/solvers/semidiscrete/settings.hpp"

namespace otfleet::kernels {

/// Rows of samples [count, d] become samples number first … of noise. A sample depends on the seed
/// and its number alone: coordinates 2 c and 2 c + 1 are made from the numbers 2 c and 2 c + 1 of
/// CounterRandom(seed, sample number), normal ones by Box and Muller.
template <class ExecutionSpace>
void fill_noise(const ExecutionSpace& space, const Noise& noise, std::uint64_t seed,
                std::int64_t first, const Matrix<float, ExecutionSpace>& samples) {
  const int d = static_cast<int>(samples.extent(1)), pairs = (d + 1) / 2;
  const double scale = noise.scale;
  const bool normal = noise.kind == NoiseKind::gaussian;
  Kokkos::parallel_for(
      "otfleet::semidiscrete::noise",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(samples.extent(0)) * pairs),
      KOKKOS_LAMBDA(int at) {
        constexpr double two_pi = 6.283185307179586;
        const int row = at / pairs, c = 2 * (at % pairs);
        const CounterRandom random(seed, static_cast<std::uint64_t>(first + row));
        const double u = random.uniform(static_cast<std::uint64_t>(c)),
                     v = random.uniform(static_cast<std::uint64_t>(c) + 1);
        double x = 2 * u - 1, y = 2 * v - 1;
        if (normal) {
          const double radius = sqrt(-2 * log(1 - u));
          x = radius * cos(two_pi * v);
          y = radius * sin(two_pi * v);
        }
        samples(row, c) = static_cast<float>(scale * x);
        if (c + 1 < d) samples(row, c + 1) = static_cast<float>(scale * y);
      });
}

}  // namespace otfleet::kernels
