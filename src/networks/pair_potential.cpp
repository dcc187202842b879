#include "src/networks/pair_potential.hpp"

#include <algorithm>
#include <numeric>

#include "src/networks/make_network.hpp"

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

LayeredPairPotential::LayeredPairPotential(const ModelDescription& description)
    : description_(description) {
  const std::int64_t pooling = pooling_of(description.architecture);
  source_blocks_ = make_blocks(description.n, description.grid, pooling);
  target_blocks_ = make_blocks(description.m, description.grid, pooling);
  interpolation_ = OutputInterpolation(description.n, description.grid,
                                       output_pooling_of(description.architecture));
  layers_ = make_pair_network(
      description, {source_blocks_.count(), target_blocks_.count(), interpolation_.outputs()});
  flat_.take(layers_->named_parameters());
}

torch::Tensor LayeredPairPotential::inputs(bool source, const DeviceArray<const double, 2>& weights,
                                           const DeviceArray<const int>& measures) const {
  const auto& blocks = source ? source_blocks_ : target_blocks_;
  const torch::Tensor result =
      torch::empty({static_cast<std::int64_t>(measures.size()), blocks.count()},
                   torch::dtype(torch::kFloat32).device(torch_device()));
  kernels::network_inputs(
      weights, measures, blocks,
      {result.data_ptr<float>(), {measures.size(), static_cast<std::size_t>(blocks.count())}});
  return result;
}

void LayeredPairPotential::forward(const DeviceArray<const double, 2>& a,
                                   const DeviceArray<const double, 2>& b,
                                   const DeviceArray<double, 2>& f, double epsilon) {
  if (all_rows_.extent(0) != a.extent(0)) {
    std::vector<std::int32_t> rows(a.extent(0));
    std::iota(rows.begin(), rows.end(), 0);
    all_rows_ = upload<std::int32_t>("otfleet::models::rows", rows);
  }
  const torch::Tensor weights = tensor_of(a);
  output_ =
      interpolation_.of(layers_->run(inputs(true, a, all_rows_), inputs(false, b, all_rows_)));
  support_ = weights > 0;
  const torch::NoGradGuard no_graph;
  // −inf where a is zero.
  tensor_of(f).copy_(output_.to(torch::kFloat64) + epsilon * torch::log(weights));
}

void LayeredPairPotential::backward(const DeviceArray<const double, 2>& slope,
                                    const GradientListener& listener) {
  flat_.gradients().zero_();
  if (slope.extent(0) > 0) {
    flat_.follow_backward(listener);
    output_.backward(tensor_of(slope).masked_fill(~support_, 0.0).to(torch::kFloat32));
    output_ = torch::Tensor();
  }
  if (listener) listener(0);
}

}  // namespace otfleet
