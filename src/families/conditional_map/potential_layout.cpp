#include "src/families/conditional_map/potential_layout.hpp"

#include "kernels/api/optimizer.hpp"

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

std::vector<ParameterEntry> PotentialLayout::entries() const {
  std::vector<ParameterEntry> result;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    const auto add = [&](const char* name, const Part& part) {
      if (part.rows == 0) return;
      std::vector<std::int64_t> shape = {part.rows, part.columns};
      if (&part == &layers[k].bias) shape.erase(shape.begin());
      result.push_back({std::to_string(k) + "." + name, part.offset, part.rows * part.columns,
                        std::move(shape)});
    };
    add("hidden", layers[k].hidden);
    add("input", layers[k].input);
    add("quadratic", layers[k].quadratic);
    add("bias", layers[k].bias);
  }
  return result;
}

void PotentialLayout::make_convex(const DeviceArray<float>& row) const {
  if (!convex) return;
  for (const Layer& layer : layers)
    if (layer.hidden.rows > 0) kernels::clamp_to_nonnegative(matrix_at(row, layer.hidden).flat());
}

}  // namespace otfleet
