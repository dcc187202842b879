#include "kernels/api/network.hpp"

#include "kernels/device_views.hpp"
#include "kernels/networks/parameter_gradient.hpp"

namespace otfleet::kernels {
namespace {

/// Views of weights that somebody keeps.
template <class Scalar>
PotentialNetwork<DeviceSpace, Scalar> views_of(const NetworkWeights<Scalar>& weights) {
  PotentialNetwork<DeviceSpace, Scalar> network;
  network.half_square = weights.half_square;
  for (const LayerWeights<Scalar>& layer : weights.layers)
    network.layers.push_back({view_of(layer.hidden), view_of(layer.input), view_of(layer.quadratic),
                              view_of(layer.bias), layer.activation});
  return network;
}

std::vector<PotentialLayerGradient<DeviceSpace, float>> views_of(
    const std::vector<LayerGradients>& gradients) {
  std::vector<PotentialLayerGradient<DeviceSpace, float>> layers;
  for (const LayerGradients& layer : gradients)
    layers.push_back({view_of(layer.hidden), view_of(layer.input), view_of(layer.quadratic),
                      view_of(layer.bias)});
  return layers;
}

}  // namespace

template <class Scalar>
struct Network<Scalar>::State {
  NetworkWeights<Scalar> weights;  ///< kept for the Views of the oracle
  NetworkOracle<DeviceSpace, Scalar> oracle;
};

template <class Scalar>
Network<Scalar>::Network(const NetworkWeights<Scalar>& weights, int points)
    : state_(new State{weights, NetworkOracle<DeviceSpace, Scalar>(views_of(weights), points)}) {}

template <class Scalar>
Network<Scalar>::Network(Network&&) noexcept = default;
template <class Scalar>
Network<Scalar>::~Network() = default;

template <class Scalar>
int Network<Scalar>::dimension() const {
  return state_->oracle.dimension();
}

template <class Scalar>
void Network<Scalar>::evaluate(const DeviceArray<const Scalar, 2>& points,
                               const DeviceArray<Scalar>& value,
                               const DeviceArray<Scalar, 2>& gradient) {
  state_->oracle.evaluate(DeviceSpace(), view_of(points), view_of(value), view_of(gradient));
}

template class Network<float>;
template class Network<double>;

struct NetworkGradient::State {
  NetworkWeights<float> weights;  ///< kept for the Views, as are the gradients
  std::vector<LayerGradients> gradients;
  ParameterGradient<DeviceSpace, float> gradient;
};

NetworkGradient::NetworkGradient(const NetworkWeights<float>& weights,
                                 const std::vector<LayerGradients>& gradients, int points)
    : state_(new State{
          weights, gradients,
          ParameterGradient<DeviceSpace, float>(views_of(weights), views_of(gradients), points)}) {}
NetworkGradient::NetworkGradient(NetworkGradient&&) noexcept = default;
NetworkGradient::~NetworkGradient() = default;

void NetworkGradient::compute(const DeviceArray<const float, 2>& points,
                              const DeviceArray<const float>& weights,
                              const std::function<void(std::size_t)>& done) {
  state_->gradient.compute(DeviceSpace(), view_of(points), view_of(weights), done);
}

}  // namespace otfleet::kernels
