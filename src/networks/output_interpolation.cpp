#include "src/networks/output_interpolation.hpp"

#include <algorithm>

#include "src/networks/flat_parameters.hpp"

namespace otfleet {
namespace {

/// Where the points of an axis lie between the centers of its blocks.
struct Axis {
  std::int64_t points = 1, outputs = 1;
  std::vector<std::int32_t> below, above;
  std::vector<float> share;
};

Axis make_axis(std::int64_t points, std::int64_t pooling) {
  Axis axis{points, (points - 1) / pooling + 1, {}, {}, {}};
  const auto center = [&](std::int64_t block) {
    const std::int64_t first = block * pooling, last = std::min(points, first + pooling) - 1;
    return 0.5 * static_cast<double>(first + last);
  };
  std::int64_t block = 0;
  for (std::int64_t i = 0; i < points; ++i) {
    const auto at = static_cast<double>(i);
    while (block + 2 < axis.outputs && at > center(block + 1)) ++block;
    const std::int64_t next = std::min(block + 1, axis.outputs - 1);
    const double gap = center(next) - center(block);
    axis.below.push_back(static_cast<std::int32_t>(block));
    axis.above.push_back(static_cast<std::int32_t>(next));
    axis.share.push_back(gap > 0 ? static_cast<float>((at - center(block)) / gap) : 0.0F);
  }
  return axis;
}

torch::Tensor matrix_of(const Axis& axis) {
  const torch::Tensor matrix = torch::zeros({axis.points, axis.outputs});
  auto values = matrix.accessor<float, 2>();
  for (std::int64_t i = 0; i < axis.points; ++i) {
    const auto at = static_cast<std::size_t>(i);
    values[i][axis.below[at]] += 1 - axis.share[at];
    values[i][axis.above[at]] += axis.share[at];
  }
  return matrix.to(torch_device());
}

}  // namespace

OutputInterpolation::OutputInterpolation(std::int64_t points, const std::vector<std::int64_t>& grid,
                                         std::int64_t pooling)
    : outputs_(points) {
  if (pooling <= 1) return;
  outputs_ = 1;
  std::vector<std::int32_t> below, above;
  std::vector<float> share;
  for (std::size_t missing = grid.size(); missing < 3; ++missing) {
    below.push_back(0);
    above.push_back(0);
    share.push_back(0);
  }
  for (std::size_t d = 0; d < grid.size(); ++d) {
    const Axis axis = make_axis(grid[d], pooling);
    matrices_.push_back(matrix_of(axis));
    outputs_ *= axis.outputs;
    on_device_.fine[3 - grid.size() + d] = static_cast<int>(axis.points);
    on_device_.coarse[3 - grid.size() + d] = static_cast<int>(axis.outputs);
    below.insert(below.end(), axis.below.begin(), axis.below.end());
    above.insert(above.end(), axis.above.begin(), axis.above.end());
    share.insert(share.end(), axis.share.begin(), axis.share.end());
  }
  on_device_.below = upload<std::int32_t>("otfleet::models::output_below", below);
  on_device_.above = upload<std::int32_t>("otfleet::models::output_above", above);
  on_device_.share = upload<float>("otfleet::models::output_share", share);
}

torch::Tensor OutputInterpolation::of(const torch::Tensor& output) const {
  if (is_identity()) return output;
  std::vector<std::int64_t> shape = {output.size(0)};
  for (const auto& matrix : matrices_) shape.push_back(matrix.size(1));
  torch::Tensor result = output.view(shape);
  for (std::size_t d = 0; d < matrices_.size(); ++d) {
    const auto axis = static_cast<std::int64_t>(d) + 1;
    result = result.movedim(axis, -1).matmul(matrices_[d].t()).movedim(-1, axis);
  }
  return result.reshape({output.size(0), -1});
}

}  // namespace otfleet
