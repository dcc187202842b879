#pragma once
#include <string>
#include <vector>

#include "kernels/minimize/potential_oracle.hpp"
#include "kernels/networks/activation_kind.hpp"

namespace otfleet::kernels {

/// "leaky_relu" and so on. Throws std::invalid_argument for another name.
Activation activation_of(const std::string& name);

/// One layer: s = U z + A x + b + q(x), z the last layer's output, x the input of the network, and
/// q_o(x) = ½ sum_r <Q_(o r), x>², a convex quadratic of rank R for every output. What is empty is
/// left out; the first layer has no U.
template <class ExecutionSpace, class Scalar>
struct PotentialLayer {
  Matrix<const Scalar, ExecutionSpace> hidden;     ///< U [out, in]
  Matrix<const Scalar, ExecutionSpace> input;      ///< A [out, D]
  Matrix<const Scalar, ExecutionSpace> quadratic;  ///< Q [out R, D], an output's rows together
  Vector<const Scalar, ExecutionSpace> bias;       ///< b [out]
  Activation activation = Activation::softplus;    ///< z = activation(s); none after the last layer
};

/// f(x) = s(x) + half_square ½|x|², s the one output of the last layer. With U >= 0 from the second
/// layer on and an activation that is convex and does not decrease (not silu), f is convex: an
/// input-convex network (Amos, Xu & Kolter 2017), dense with quadratic terms as in Korotin et al.
/// 2019 (W2GN, appendix B). With U alone, an MLP.
template <class ExecutionSpace, class Scalar>
struct PotentialNetwork {
  std::vector<PotentialLayer<ExecutionSpace, Scalar>> layers;
  double half_square = 0;
};

/// Values and input gradients of such a network as a chain of matrix products: forward, keeping
/// the derivatives of activations, and back by hand. Allocates when it is made, never in a call.
/// Weights are those of the Views that it was given, also when they change.
///
/// Work: two multiply-adds for each weight and point, one there and one back. Memory: two numbers
/// for each hidden unit and point (one in the last hidden layer), one for each row of Q.
template <class ExecutionSpace, class Scalar>
class NetworkOracle final : public PotentialOracle<ExecutionSpace, Scalar> {
 public:
  /// For up to `points` points. Throws std::invalid_argument: shapes that do not fit.
  NetworkOracle(PotentialNetwork<ExecutionSpace, Scalar> network, int points);

  int dimension() const override { return dimension_; }

  void evaluate(const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& points,
                const Vector<Scalar, ExecutionSpace>& value,
                const Matrix<Scalar, ExecutionSpace>& gradient) override;

 private:
  /// Of a layer: its outputs, the derivatives of its activation and later of f, and Q x.
  struct Memory {
    int outputs = 0, rank = 0;
    Matrix<Scalar, ExecutionSpace> output, slope, product;
  };

  PotentialNetwork<ExecutionSpace, Scalar> network_;
  int points_, dimension_;
  std::vector<Memory> memory_;
};

}  // namespace otfleet::kernels
