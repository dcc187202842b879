#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "kernels/api/oracle.hpp"
#include "kernels/networks/activation_kind.hpp"

// Networks that are potentials. What they compute, and what they throw, stands in
// networks/potential_network.hpp and networks/parameter_gradient.hpp.

namespace otfleet::kernels {

/// As PotentialLayer: what is empty is left out.
template <class Scalar>
struct LayerWeights {
  DeviceArray<const Scalar, 2> hidden;           ///< U [out, in]
  DeviceArray<const Scalar, 2> input;            ///< A [out, D]
  DeviceArray<const Scalar, 2> quadratic;        ///< Q [out R, D], an output's rows together
  DeviceArray<const Scalar> bias;                ///< b [out]
  Activation activation = Activation::softplus;  ///< none after the last layer
};

/// As PotentialNetwork.
template <class Scalar>
struct NetworkWeights {
  std::vector<LayerWeights<Scalar>> layers;
  double half_square = 0;
};

/// Such a network as an oracle, as NetworkOracle: for up to `points` points, with weights as they
/// are when it is called.
template <class Scalar>
class Network final : public Oracle<Scalar> {
 public:
  Network(const NetworkWeights<Scalar>& weights, int points);
  Network(Network&&) noexcept;
  ~Network() override;

  int dimension() const override;
  void evaluate(const DeviceArray<const Scalar, 2>& points, const DeviceArray<Scalar>& value,
                const DeviceArray<Scalar, 2>& gradient) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Derivatives by LayerWeights, of the same shapes; empty where a layer has none.
struct LayerGradients {
  DeviceArray<float, 2> hidden, input, quadratic;
  DeviceArray<float> bias;
};

/// Derivatives of a weighted sum of a network's values by its weights, as ParameterGradient.
class NetworkGradient {
 public:
  NetworkGradient(const NetworkWeights<float>& weights,
                  const std::vector<LayerGradients>& gradients, int points);
  NetworkGradient(NetworkGradient&&) noexcept;
  ~NetworkGradient();

  /// The gradients become those of sum_k weights_k f(x_k), points [K, D], weights [K]. Calls
  /// done(layer) when those of a layer are queued on the default stream, the last one first.
  void compute(const DeviceArray<const float, 2>& points, const DeviceArray<const float>& weights,
               const std::function<void(std::size_t layer)>& done = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otfleet::kernels
