#include "src/families/neural_dual/neural_dual.hpp"

namespace otfleet {

NeuralDual::NeuralDual(const DualDescription& description, std::int64_t seed)
    : description_(description),
      networks_(network_library().make_dual_networks(description, seed)) {}

template <>
std::unique_ptr<kernels::Oracle<float>> NeuralDual::differentiated_potential() const {
  return networks_->differentiated_in_float();
}

template <>
std::unique_ptr<kernels::Oracle<double>> NeuralDual::differentiated_potential() const {
  return networks_->differentiated_in_double();
}

void NeuralDual::predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
                         bool keep) {
  if (predicts())
    networks_->predict(y, x, keep);
  else
    x.copy_from(y);
}

}  // namespace otfleet
