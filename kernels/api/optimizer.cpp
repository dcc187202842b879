#include "kernels/api/optimizer.hpp"

#include "kernels/device_views.hpp"
#include "kernels/training/adam.hpp"
#include "kernels/training/nonnegative.hpp"
#include "kernels/training/soap.hpp"

namespace otfleet::kernels {

void adam_step(const AdamSettings& settings, long step, double clip,
               const DeviceArray<const double>& squared_norm,
               const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
               const DeviceArray<float>& first_moment, const DeviceArray<float>& second_moment) {
  adam_step<DeviceSpace>(DeviceSpace(), settings, step, clip, view_of(squared_norm),
                         view_of(gradient), view_of(parameters), view_of(first_moment),
                         view_of(second_moment));
}

struct SoapOptimizer::State {
  Soap<DeviceSpace> soap;
};

SoapOptimizer::SoapOptimizer(const SoapSettings& settings, const std::vector<MatrixPlace>& matrices,
                             std::size_t parameters)
    : state_(new State{Soap<DeviceSpace>(settings, matrices, parameters)}) {}
SoapOptimizer::SoapOptimizer(SoapOptimizer&&) noexcept = default;
SoapOptimizer::~SoapOptimizer() = default;

std::size_t SoapOptimizer::factor_size() const {
  return state_->soap.factor_size();
}

void SoapOptimizer::step(const AdamSettings& adam, long step, double clip,
                         const DeviceArray<const double>& squared_norm,
                         const DeviceArray<const float>& gradient,
                         const DeviceArray<float>& parameters,
                         const DeviceArray<float>& first_moment,
                         const DeviceArray<float>& second_moment, const DeviceArray<float>& factors,
                         const DeviceArray<float>& bases) {
  state_->soap.step(
      DeviceSpace(), adam, step, clip, view_of(squared_norm), view_of(gradient),
      view_of(parameters),
      {view_of(first_moment), view_of(second_moment), view_of(factors), view_of(bases)});
}

void clamp_to_nonnegative(const DeviceArray<float>& values) {
  clamp_to_nonnegative<DeviceSpace>(DeviceSpace(), view_of(values));
}

void squared_norm(const DeviceArray<const float>& values, const DeviceArray<double>& sum) {
  squared_norm<DeviceSpace>(DeviceSpace(), view_of(values), view_of(sum));
}

}  // namespace otfleet::kernels
