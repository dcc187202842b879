#pragma once
#include <memory>
#include <vector>

#include "kernels/device_array.hpp"
#include "kernels/training/adam_settings.hpp"
#include "kernels/training/soap_settings.hpp"

// Steps of optimizers, as in training/adam.hpp and training/soap.hpp. Local.

namespace otfleet::kernels {

/// One step of Adam or AdamW over all parameters, with the gradient cut down to the norm `clip` (0:
/// never). Does not wait.
void adam_step(const AdamSettings& settings, long step, double clip,
               const DeviceArray<const double>& squared_norm,
               const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
               const DeviceArray<float>& first_moment, const DeviceArray<float>& second_moment);

/// SOAP, as Soap in training/soap.hpp.
class SoapOptimizer {
 public:
  SoapOptimizer(const SoapSettings& settings, const std::vector<MatrixPlace>& matrices,
                std::size_t parameters);
  SoapOptimizer(SoapOptimizer&&) noexcept;
  ~SoapOptimizer();

  std::size_t factor_size() const;

  void step(const AdamSettings& adam, long step, double clip,
            const DeviceArray<const double>& squared_norm, const DeviceArray<const float>& gradient,
            const DeviceArray<float>& parameters, const DeviceArray<float>& first_moment,
            const DeviceArray<float>& second_moment, const DeviceArray<float>& factors,
            const DeviceArray<float>& bases);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// values = max(values, 0), after a step of weights that must not be negative. Does not wait.
void clamp_to_nonnegative(const DeviceArray<float>& values);

/// sum [1] = the sum of squares, in double. Does not wait.
void squared_norm(const DeviceArray<const float>& values, const DeviceArray<double>& sum);

}  // namespace otfleet::kernels
