#include "src/models/network.hpp"

#include <algorithm>
#include <numeric>

#include "src/models/architectures/make_network.hpp"

namespace otfleet {
namespace {

/// Blocks of `pooling` points along every axis of the grid, the last axis fastest; the last of an
/// axis may be smaller. Where pooling is 1 every point is one, on a grid or not.
kernels::InputBlocks make_blocks(std::int64_t points, const std::vector<std::int64_t>& grid,
                                 std::int64_t pooling) {
  const auto axes = pooling > 1 ? grid : std::vector<std::int64_t>{points};
  std::vector<std::int64_t> block_of(static_cast<std::size_t>(points), 0);
  std::int64_t blocks = 1, stride = 1;
  for (std::size_t d = axes.size(); d-- > 0; stride *= axes[d]) {
    for (std::int64_t i = 0; i < points; ++i)
      block_of[static_cast<std::size_t>(i)] += i / stride % axes[d] / pooling * blocks;
    blocks *= (axes[d] - 1) / pooling + 1;
  }
  std::vector<std::int32_t> order(block_of.size()), begin(static_cast<std::size_t>(blocks) + 1);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t i, std::int32_t j) { return block_of[i] < block_of[j]; });
  for (const std::int64_t block : block_of) ++begin[static_cast<std::size_t>(block) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  return {upload<std::int32_t>("otfleet::models::block_points", order),
          upload<std::int32_t>("otfleet::models::block_begin", begin)};
}

}  // namespace

PotentialModel::Network::Network(const ModelDescription& given) : description(given) {
  const std::int64_t pooling = pooling_of(description.architecture);
  source_blocks = make_blocks(description.n, description.grid, pooling);
  target_blocks = make_blocks(description.m, description.grid, pooling);
  layers = make_pair_network(description, source_blocks.count(), target_blocks.count());
  flat.take(layers->named_parameters());
}

torch::Tensor PotentialModel::Network::inputs(bool source,
                                              const DeviceArray<const double, 2>& weights,
                                              std::span<const std::int32_t> measures) const {
  return inputs(source, weights, upload<std::int32_t>("otfleet::models::measures", measures));
}

torch::Tensor PotentialModel::Network::inputs(bool source,
                                              const DeviceArray<const double, 2>& weights,
                                              const DeviceArray<const int>& measures) const {
  const auto& blocks = source ? source_blocks : target_blocks;
  const torch::Tensor result =
      torch::empty({static_cast<std::int64_t>(measures.size()), blocks.count()},
                   torch::dtype(torch::kFloat32).device(torch_device()));
  kernels::network_inputs(
      weights, measures, blocks,
      {result.data_ptr<float>(), {measures.size(), static_cast<std::size_t>(blocks.count())}});
  return result;
}

torch::Tensor potential_from(const torch::Tensor& phi, const torch::Tensor& a, double epsilon) {
  return phi.to(torch::kFloat64) + epsilon * torch::log(a);
}

}  // namespace otfleet
