#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class PreviousEpsilon final : public Initializer {
 public:
  const char* name() const override { return "previous_epsilon"; }
  const char* group() const override { return "solves of easier problems"; }
  void compute(const StartInputs& inputs, const DeviceArray<double>& f) const override {
    kernels::previous_epsilon_initializer(inputs.problems, inputs.epsilon, inputs.arithmetic, f);
  }
};

}  // namespace

const Initializer& previous_epsilon() {
  static const PreviousEpsilon instance;
  return instance;
}

}  // namespace otfleet::initializers
