#include "src/networks/coefficient_network.hpp"

#include "src/networks/make_network.hpp"

namespace otfleet {
namespace {

/// Fresh networks give coefficients of about a hundredth of a potential's scale: predictions begin
/// near what they correct.
constexpr double output_scale = 0.1;

}  // namespace

LayeredCoefficients::LayeredCoefficients(const CloudModelDescription& description) {
  const std::int64_t splines = description.basis().size();
  ModelDescription layers;
  layers.architecture = description.architecture;
  layers.n = layers.m = splines;
  layers.shared_measures = false;  // the two sides see a problem in coordinates of their own
  layers.epsilon = 1;              // outputs are multiples of a potential's scale, not of epsilon
  layers_ = make_pair_network(layers, {description.source_inputs(), splines, splines});
  flat_.take(layers_->named_parameters());
}

DeviceArray<const float, 2> LayeredCoefficients::run(const DeviceArray<const float, 2>& source,
                                                     const DeviceArray<const float, 2>& target,
                                                     bool keep) {
  const torch::AutoGradMode graph(keep);
  output_ = output_scale * layers_->run(tensor_of(source), tensor_of(target));
  return {output_.data_ptr<float>(), {source.extent(0), static_cast<std::size_t>(output_.size(1))}};
}

void LayeredCoefficients::backward(const DeviceArray<const float, 2>& slope,
                                   const GradientListener& listener) {
  flat_.gradients().zero_();
  if (slope.extent(0) > 0) {
    flat_.follow_backward(listener);
    output_.backward(tensor_of(slope));
    output_ = torch::Tensor();
  }
  if (listener) listener(0);
}

}  // namespace otfleet
