#pragma once
#include <cstdint>

#include "kernels/counter_random.hpp"
#include "kernels/device_array.hpp"

// Problems drawn from a population, as in problems/pair_draws.hpp. Local; does not wait.

namespace otfleet::kernels {

/// The measures of one side: weights [M, n], their sums mass [M], and shifts [M, 6] or none.
struct DrawnSide {
  DeviceArray<const double, 2> weights;
  DeviceArray<const double> mass;
  DeviceArray<const int, 2> shifts;
};

/// `count` problems, from `first` on; shape: of the grid.
struct DrawnProblems {
  DrawnSide source, target;
  DeviceArray<const int> source_index, target_index;
  std::int64_t first = 0, count = 0;
  int shape[3] = {1, 1, 1};
};

/// a [B, n] and b [B, m]: samples first_sample … first_sample + B − 1.
void draw_pairs(const DrawnProblems& from, const CounterRandom& problem_numbers,
                const CounterRandom& shift_numbers, std::int64_t first_sample,
                const DeviceArray<double, 2>& a, const DeviceArray<double, 2>& b);

}  // namespace otfleet::kernels
