#include "kernels/initializers/previous_epsilon.hpp"

#include <variant>

#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class PreviousEpsilon final : public Initializer {
 public:
  const char* name() const override { return "previous_epsilon"; }
  const char* group() const override { return "solves of easier problems"; }
  void compute(const StartInputs& inputs, const Matrix<double, ExecutionSpace>& f) const override {
    kernels::PreviousEpsilonSettings settings;
    settings.epsilon = inputs.epsilon;
    std::visit(
        [&](const auto& cost) {
          if (inputs.in_float)
            kernels::previous_epsilon_initializer<float>(ExecutionSpace(), cost, inputs.problems,
                                                         settings, f);
          else
            kernels::previous_epsilon_initializer<double>(ExecutionSpace(), cost, inputs.problems,
                                                          settings, f);
        },
        inputs.cost);
  }
};

}  // namespace

const Initializer& previous_epsilon() {
  static const PreviousEpsilon instance;
  return instance;
}

}  // namespace otfleet::initializers
