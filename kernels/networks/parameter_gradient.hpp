#pragma once
#include <functional>
#include <vector>

#include "kernels/networks/potential_network.hpp"

namespace otfleet::kernels {

/// Derivatives by the weights of a PotentialLayer, of the same shapes; empty where it has none.
template <class ExecutionSpace, class Scalar>
struct PotentialLayerGradient {
  Matrix<Scalar, ExecutionSpace> hidden, input, quadratic;
  Vector<Scalar, ExecutionSpace> bias;
};

/// Derivatives of a weighted sum of such a network's values by its weights, as a chain of matrix
/// products, there and back by hand. Allocates when it is made. Weights are those of the Views that
/// it was given, also when they change.
///
/// Work: three multiply-adds for each weight and point. Memory: two numbers for each hidden unit
/// and point, one for each row of Q.
template <class ExecutionSpace, class Scalar>
class ParameterGradient {
 public:
  using LayerGradient = PotentialLayerGradient<ExecutionSpace, Scalar>;

  /// For up to `points` points. Throws std::invalid_argument: another number of layers, or shapes
  /// of a gradient that are not those of the weights.
  ParameterGradient(PotentialNetwork<ExecutionSpace, Scalar> network,
                    std::vector<LayerGradient> gradient, int points);

  /// The gradients become those of sum_k weight_k f(x_k), points [K, D], weights [K]. Calls
  /// done(layer) when those of a layer are queued on `space`, the last one first.
  void compute(const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& points,
               const Vector<const Scalar, ExecutionSpace>& weights,
               const std::function<void(std::size_t layer)>& done = {});

 private:
  /// Of a layer: z, then the derivatives by its pre-activations; those of its activation; Q x.
  struct Memory {
    int outputs = 0, rank = 0;
    Matrix<Scalar, ExecutionSpace> output, slope, product;
  };

  PotentialNetwork<ExecutionSpace, Scalar> network_;
  std::vector<LayerGradient> gradient_;
  int points_;
  std::vector<Memory> memory_;
  Matrix<Scalar, ExecutionSpace> ones_;  ///< [points, 1], by which rows are summed
};

}  // namespace otfleet::kernels
