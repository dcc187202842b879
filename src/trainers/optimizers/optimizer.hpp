#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device_array.hpp"
#include "kernels/training/adam_settings.hpp"
#include "src/models/checkpoint.hpp"
#include "src/trainers/train_options.hpp"

namespace otfleet {

struct OptimizerSettings {
  OptimizerMethod method = OptimizerMethod::adam;
  kernels::AdamSettings adam;                               ///< its rate is that of the first step
  double clip = 1;                                          ///< global gradient norm; 0: none
  std::int64_t bucket_bytes = TrainOptions().bucket_bytes;  ///< of GradientAveraging
};

/// What turns gradients into steps. What it remembers between steps lies in arrays that a
/// checkpoint carries; every rank has the same.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// What a training begins with: names and arrays of zeros. Local.
  virtual std::vector<StateArray> fresh_state() const = 0;

  /// Step number `step`, from 1, at learning rate `rate`, with the gradient cut down to the clip;
  /// squared_norm [1] is its square. `state` is what fresh_state() gave, as the last step left it.
  /// Local; need not wait.
  virtual void step(double rate, long step, const DeviceArray<const double>& squared_norm,
                    const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
                    const std::vector<StateArray>& state) = 0;
};

/// The one that the settings name, for a model of such tensors.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerSettings& settings,
                                          const std::vector<ParameterEntry>& entries);

// Each in a file of its own.
std::unique_ptr<Optimizer> make_adam(const OptimizerSettings& settings, std::size_t parameters);
std::unique_ptr<Optimizer> make_soap(const OptimizerSettings& settings, std::size_t parameters,
                                     const std::vector<ParameterEntry>& entries);

/// An array of zeros of that name.
StateArray fresh_array(const std::string& name, std::size_t size);

}  // namespace otfleet
