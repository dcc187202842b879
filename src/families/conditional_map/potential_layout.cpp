#include "src/families/conditional_map/potential_layout.hpp"

namespace otfleet {
namespace {

template <class Scalar>
DeviceArray<Scalar, 2> matrix_at(const DeviceArray<Scalar>& row,
                                 const PotentialLayout::Part& part) {
  if (part.rows == 0) return {};
  return {row.data() + part.offset,
          {static_cast<std::size_t>(part.rows), static_cast<std::size_t>(part.columns)},
          row.owner()};
}

}  // namespace

kernels::NetworkWeights<float> PotentialLayout::weights(const DeviceArray<const float>& row) const {
  kernels::NetworkWeights<float> result;
  result.half_square = half_square;
  for (const Layer& layer : layers)
    result.layers.push_back({matrix_at(row, layer.hidden), matrix_at(row, layer.input),
                             matrix_at(row, layer.quadratic), matrix_at(row, layer.bias).flat(),
                             layer.activation});
  return result;
}

std::vector<kernels::LayerGradients> PotentialLayout::gradients(
    const DeviceArray<float>& row) const {
  std::vector<kernels::LayerGradients> result;
  for (const Layer& layer : layers)
    result.push_back({matrix_at(row, layer.hidden), matrix_at(row, layer.input),
                      matrix_at(row, layer.quadratic), matrix_at(row, layer.bias).flat()});
  return result;
}

}  // namespace otfleet
