#include "kernels/api/optimizer.hpp"
#include "src/trainers/optimizers/optimizer.hpp"

namespace otfleet {
namespace {

class Adam final : public Optimizer {
 public:
  Adam(const OptimizerSettings& settings, std::size_t parameters)
      : settings_(settings), parameters_(parameters) {}

  std::vector<StateArray> fresh_state() const override {
    return {fresh_array("first_moment", parameters_), fresh_array("second_moment", parameters_)};
  }

  void step(double rate, long step, const DeviceArray<const double>& squared_norm,
            const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
            const std::vector<StateArray>& state) override {
    kernels::AdamSettings adam = settings_.adam;
    adam.learning_rate = rate;
    kernels::adam_step(adam, step, settings_.clip, squared_norm, gradient, parameters,
                       state[0].values, state[1].values);
  }

 private:
  OptimizerSettings settings_;
  std::size_t parameters_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(const OptimizerSettings& settings, std::size_t parameters) {
  return std::make_unique<Adam>(settings, parameters);
}

}  // namespace otfleet
