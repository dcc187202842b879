#include "src/models/potential_model.hpp"

#include <numeric>
#include <stdexcept>

#include "src/models/network.hpp"

namespace otfleet {
PotentialModel::PotentialModel(const ModelDescription& description, std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  network_ = std::make_unique<Network>(description);
}

PotentialModel::PotentialModel(std::unique_ptr<Network> network) : network_(std::move(network)) {}
PotentialModel::PotentialModel(PotentialModel&&) noexcept = default;
PotentialModel::~PotentialModel() = default;

PotentialModel PotentialModel::clone() const {
  auto copy = std::make_unique<Network>(network_->description);
  const torch::NoGradGuard no_graph;
  copy->flat.values().copy_(network_->flat.values());
  return PotentialModel(std::move(copy));
}

const ModelDescription& PotentialModel::description() const {
  return network_->description;
}

DeviceArray<float> PotentialModel::parameters() {
  return network_->flat.values_array();
}

DeviceArray<float> PotentialModel::gradients() {
  return network_->flat.gradients_array();
}

void PotentialModel::forward(const DeviceArray<const double, 2>& a,
                             const DeviceArray<const double, 2>& b, const DeviceArray<double, 2>& f,
                             double epsilon) {
  const torch::Tensor weights = tensor_of(a);
  auto& all = network_->all_rows;
  if (all.extent(0) != a.extent(0)) {
    std::vector<std::int32_t> rows(a.extent(0));
    std::iota(rows.begin(), rows.end(), 0);
    all = upload<std::int32_t>("otfleet::models::rows", rows);
  }
  network_->output =
      network_->layers->run(network_->inputs(true, a, all), network_->inputs(false, b, all));
  network_->support = weights > 0;
  const torch::NoGradGuard no_graph;
  tensor_of(f).copy_(potential_from(network_->output, weights, epsilon));
}

void PotentialModel::backward(const DeviceArray<const double, 2>& slope,
                              const GradientListener& listener) {
  network_->flat.gradients().zero_();
  if (slope.extent(0) > 0) {
    network_->flat.follow_backward(listener);
    network_->output.backward(
        tensor_of(slope).masked_fill(~network_->support, 0.0).to(torch::kFloat32));
    network_->output = torch::Tensor();
  }
  if (listener) listener(0);
}

std::vector<ParameterEntry> PotentialModel::entries() const {
  return network_->flat.entries();
}

}  // namespace otfleet
