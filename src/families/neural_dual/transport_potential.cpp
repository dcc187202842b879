#include "src/families/neural_dual/transport_potential.hpp"

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

template <>
kernels::NetworkWeights<float> TransportPotential::potential() const {
  return weights();
}

template <>
kernels::NetworkWeights<double> TransportPotential::potential() const {
  const auto in_float = weights();
  kernels::NetworkWeights<double> result;
  result.half_square = in_float.half_square;
  for (const auto& from : in_float.layers)
    result.layers.push_back({copied(from.hidden), copied(from.input), copied(from.quadratic),
                             copied(from.bias), from.activation});
  return result;
}

}  // namespace otfleet
