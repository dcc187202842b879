#pragma once
#include "kernels/matrix_product.hpp"
#include "kernels/networks/potential_network.hpp"

// What the passes over a network's layers share. Not for use outside this folder.
namespace otfleet::kernels::detail {

template <class ExecutionSpace, class Scalar>
std::size_t outputs_of(const PotentialLayer<ExecutionSpace, Scalar>& layer) {
  return layer.hidden.extent(0) > 0  ? layer.hidden.extent(0)
         : layer.input.extent(0) > 0 ? layer.input.extent(0)
                                     : layer.bias.extent(0);
}

template <Activation activation>
struct ActivationConstant {
  static constexpr Activation value = activation;
};

/// function(ActivationConstant<activation>()).
template <class Function>
void with_activation(Activation activation, const Function& function) {
  switch (activation) {
    case Activation::identity:
      return function(ActivationConstant<Activation::identity>());
    case Activation::relu:
      return function(ActivationConstant<Activation::relu>());
    case Activation::leaky_relu:
      return function(ActivationConstant<Activation::leaky_relu>());
    case Activation::elu:
      return function(ActivationConstant<Activation::elu>());
    case Activation::softplus:
      return function(ActivationConstant<Activation::softplus>());
    case Activation::silu:
      return function(ActivationConstant<Activation::silu>());
  }
}

/// Rows of `product`, Q x, times the slopes of the outputs that they belong to.
template <class ExecutionSpace, class Scalar>
void scale_by_slopes(const ExecutionSpace& space, int points, int outputs, int rank,
                     const Matrix<Scalar, ExecutionSpace>& slope,
                     const Matrix<Scalar, ExecutionSpace>& product) {
  Kokkos::parallel_for(
      "otfleet::networks::scale_by_slopes", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points),
      KOKKOS_LAMBDA(int point) {
        Scalar* const products = &product(point, 0);
        const Scalar* const slopes = &slope(point, 0);
        if (rank == 1)  // a loop that is vectorized
          for (int o = 0; o < outputs; ++o) products[o] *= slopes[o];
        else
          for (int at = 0; at < outputs * rank; ++at) products[at] *= slopes[at / rank];
      });
}

/// The slopes of a layer's activation times what has been carried back to its outputs.
template <class ExecutionSpace, class Scalar>
void carry_back(const ExecutionSpace& space, int points, int outputs,
                const Matrix<Scalar, ExecutionSpace>& carried,
                const Matrix<Scalar, ExecutionSpace>& slope) {
  Kokkos::parallel_for(
      "otfleet::networks::carry_back", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points),
      KOKKOS_LAMBDA(int point) {
        Scalar* const slopes = &slope(point, 0);
        const Scalar* const factors = &carried(point, 0);
        for (int o = 0; o < outputs; ++o) slopes[o] *= factors[o];
      });
}

}  // namespace otfleet::kernels::detail
