#include "src/families/neural_dual/neural_dual.hpp"

#include "kernels/paths/settings.hpp"

namespace otfleet {

std::int64_t DualDescription::path_numbers() const {
  if (path_nodes == 0) return 0;
  kernels::PathSettings path;
  path.nodes = static_cast<int>(path_nodes);
  path.points = static_cast<int>(path_points);
  return path.coefficients() * dimension;
}

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
                         const DeviceArray<float, 2>& paths, bool keep) {
  if (predicts())
    networks_->predict(y, x, paths, keep);
  else
    x.copy_from(y);
}

}  // namespace otfleet
