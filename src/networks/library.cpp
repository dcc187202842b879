#include "src/models/network_library.hpp"
#include "src/networks/coefficient_network.hpp"
#include "src/networks/conditional_networks.hpp"
#include "src/networks/dual_networks.hpp"
#include "src/networks/pair_potential.hpp"
#include "src/networks/script_function.hpp"
#include "src/networks/vector_network.hpp"
#include "src/networks/velocity_network.hpp"

// What the library exports.

namespace otfleet {
namespace {

std::unique_ptr<PairPotential> make_pair_potential(const ModelDescription& description,
                                                   std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  return std::make_unique<LayeredPairPotential>(description);
}

std::unique_ptr<CoefficientNetwork> make_coefficient_network(
    const CloudModelDescription& description, std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  return std::make_unique<LayeredCoefficients>(description);
}

std::unique_ptr<DualNetworks> make_dual_networks(const DualDescription& description,
                                                 std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  return std::make_unique<LayeredDualNetworks>(description);
}

std::unique_ptr<ConditionalNetworks> make_conditional_networks(
    const ConditionalDescription& description, std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  return std::make_unique<LayeredConditionalNetworks>(description);
}

std::unique_ptr<VelocityNetwork> make_velocity_network(const ConditionalDescription& description,
                                                       std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  return std::make_unique<LayeredVelocity>(description);
}

std::unique_ptr<VectorNetwork> make_vector_network(const VectorNetworkShape& shape,
                                                   std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  return std::make_unique<LayeredVectors>(shape);
}

int visible_gpus() {
  return static_cast<int>(torch::cuda::device_count());
}

}  // namespace
}  // namespace otfleet

extern "C" __attribute__((visibility("default"))) const otfleet::NetworkLibrary*
otfleet_network_library() {
  static const otfleet::NetworkLibrary library{otfleet::make_pair_potential,
                                               otfleet::make_coefficient_network,
                                               otfleet::make_dual_networks,
                                               otfleet::make_conditional_networks,
                                               otfleet::make_velocity_network,
                                               otfleet::make_vector_network,
                                               otfleet::run_script,
                                               otfleet::visible_gpus};
  return &library;
}
