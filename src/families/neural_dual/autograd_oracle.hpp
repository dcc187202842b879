#pragma once
#include <functional>
#include <stdexcept>
#include <utility>

#include "kernels/minimize/potential_oracle.hpp"
#include "src/models/flat_parameters.hpp"

namespace otfleet {

/// Any LibTorch function as an oracle: values by `forward`, gradients by automatic differentiation.
/// What it is for a network of matrix products, kernels::NetworkOracle is without a graph, faster.
template <class Scalar>
class AutogradOracle final : public kernels::PotentialOracle<ExecutionSpace, Scalar> {
 public:
  /// forward: points [K, D] to values [K], rows independent.
  AutogradOracle(std::function<torch::Tensor(const torch::Tensor&)> forward, int dimension)
      : forward_(std::move(forward)), dimension_(dimension) {}

  int dimension() const override { return dimension_; }

  void evaluate(const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& points,
                const Vector<Scalar, ExecutionSpace>& value,
                const Matrix<Scalar, ExecutionSpace>& gradient) override {
    if (points.extent(0) == 0) return;
    space.fence();
    const torch::Tensor x = tensor_of(points).detach().requires_grad_();
    const torch::Tensor f = forward_(x);
    if (f.dim() != 1 || f.size(0) != x.size(0))
      throw std::invalid_argument("a potential has one value a point");
    const torch::Tensor slope = torch::autograd::grad({f.sum()}, {x})[0];
    const torch::NoGradGuard no_graph;
    tensor_of(Matrix<Scalar, ExecutionSpace>(value.data(), points.extent(0), std::size_t{1}))
        .copy_(f.unsqueeze(1));
    tensor_of(gradient).copy_(slope);
  }

 private:
  std::function<torch::Tensor(const torch::Tensor&)> forward_;
  int dimension_;
};

}  // namespace otfleet
