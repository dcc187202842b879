#include "src/families/neural_dual/neural_dual.hpp"

#include <type_traits>

namespace otfleet {
namespace {

/// An array of its own with the same numbers.
template <int rank>
DeviceArray<const double, rank> copied(const DeviceArray<const float, rank>& from) {
  const DeviceArray<double> to("otfleet::models::weights", from.size());
  to.copy_from(from.flat());
  return DeviceArray<const double, rank>(to.data(), from.extents(), to.owner());
}

}  // namespace

NeuralDual::NeuralDual(const DualDescription& description, std::int64_t seed)
    : description_(description),
      networks_(network_library().make_dual_networks(description, seed)) {}

template <>
kernels::NetworkWeights<float> NeuralDual::potential() const {
  return networks_->potential();
}

template <>
kernels::NetworkWeights<double> NeuralDual::potential() const {
  const auto in_float = networks_->potential();
  kernels::NetworkWeights<double> result;
  result.half_square = in_float.half_square;
  for (const auto& from : in_float.layers)
    result.layers.push_back({copied(from.hidden), copied(from.input), copied(from.quadratic),
                             copied(from.bias), from.activation});
  return result;
}

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
