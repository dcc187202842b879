#include "kernels/api/learned_start.hpp"

#include "kernels/api/detail/learned_start_views.hpp"
#include "kernels/api/detail/problems_state.hpp"
#include "kernels/initializers/network_inputs.hpp"

namespace otfleet::kernels {

void network_inputs(const DeviceArray<const double, 2>& weights,
                    const DeviceArray<const int>& index, const InputBlocks& blocks,
                    const DeviceArray<float, 2>& inputs) {
  network_inputs<DeviceSpace>(DeviceSpace(), view_of(weights), view_of(index),
                              {view_of(blocks.points), view_of(blocks.begin)}, view_of(inputs));
}

void learned_potential(const Problems& problems, double epsilon, const NetworkStart& start,
                       const DeviceArray<double>& f) {
  const auto* shared = std::get_if<SharedPointsProblems>(&problems.state().problems);
  if (shared == nullptr)
    throw std::invalid_argument("a network's start needs points that all problems share");
  learned_potential<DeviceSpace>(DeviceSpace(), detail::learned_start(start), shared->batch,
                                 epsilon, shared->source_rows(f, "f"));
}

}  // namespace otfleet::kernels
