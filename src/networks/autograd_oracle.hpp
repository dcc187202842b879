#pragma once
#include <functional>
#include <stdexcept>
#include <utility>

#include "kernels/api/oracle.hpp"
#include "src/networks/flat_parameters.hpp"

namespace otfleet {

/// Any LibTorch function as an oracle: values by `forward`, gradients by automatic differentiation.
/// What it is for a network of matrix products, kernels::Network is without a graph, faster.
template <class Scalar>
class AutogradOracle final : public kernels::Oracle<Scalar> {
 public:
  /// forward: points [K, D] to values [K], rows independent.
  AutogradOracle(std::function<torch::Tensor(const torch::Tensor&)> forward, int dimension)
      : forward_(std::move(forward)), dimension_(dimension) {}

  int dimension() const override { return dimension_; }

  void evaluate(const DeviceArray<const Scalar, 2>& points, const DeviceArray<Scalar>& value,
                const DeviceArray<Scalar, 2>& gradient) override {
    if (points.extent(0) == 0) return;
    kernels::fence();
    const torch::Tensor x = tensor_of(points).detach().requires_grad_();
    const torch::Tensor f = forward_(x);
    if (f.dim() != 1 || f.size(0) != x.size(0))
      throw std::invalid_argument("a potential has one value a point");
    const torch::Tensor slope = torch::autograd::grad({f.sum()}, {x})[0];
    const torch::NoGradGuard no_graph;
    tensor_of(DeviceArray<Scalar, 2>(value.data(), {points.extent(0), 1})).copy_(f.unsqueeze(1));
    tensor_of(gradient).copy_(slope);
  }

 private:
  std::function<torch::Tensor(const torch::Tensor&)> forward_;
  int dimension_;
};

}  // namespace otfleet
