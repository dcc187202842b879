#include "kernels/api/pair_draws.hpp"

#include "kernels/device_views.hpp"
#include "kernels/problems/pair_draws.hpp"

namespace otfleet::kernels {

void draw_pairs(const DrawnProblems& from, const CounterRandom& problem_numbers,
                const CounterRandom& shift_numbers, std::int64_t first_sample,
                const DeviceArray<double, 2>& a, const DeviceArray<double, 2>& b) {
  const auto side = [](const DrawnSide& one) {
    return DrawnMeasures<DeviceSpace>{view_of(one.weights), view_of(one.mass), view_of(one.shifts)};
  };
  draw_pairs(DeviceSpace(),
             PairSource<DeviceSpace>{side(from.source),
                                     side(from.target),
                                     view_of(from.source_index),
                                     view_of(from.target_index),
                                     static_cast<long>(from.first),
                                     static_cast<long>(from.count),
                                     {from.shape[0], from.shape[1], from.shape[2]},
                                     problem_numbers,
                                     shift_numbers},
             first_sample, view_of(a), view_of(b));
}

}  // namespace otfleet::kernels
