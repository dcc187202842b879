#include <spdlog/fmt/fmt.h>

#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

/// The p of a cost |x − y|^p on a line; 0: it is none.
double line_power(const GeometryFacts& geometry) {
  return geometry.ground_cost ? with_ground_cost(*geometry.ground_cost,
                                                 [](const auto& cost) { return cost.line_power(); })
                              : 0.0;
}

class Sorting final : public Initializer {
 public:
  const char* name() const override { return "sorting"; }
  const char* group() const override { return "closed forms"; }
  const char* remark() const override { return "one dimension"; }
  std::string complaint(const GeometryFacts& geometry) const override {
    const double power = line_power(geometry);
    if (power < 1) {
      std::string parameters;
      if (power > 0)
        for_each_parameter(*geometry.ground_cost,
                           [&](const kernels::ParameterFacts& facts, double value) {
                             parameters += fmt::format(" with {} {:g}", facts.noun, value);
                           });
      return fmt::format("needs costs that are convex in the distance; this population has '{}'{}",
                         geometry.cost_name(), parameters);
    }
    if (geometry.coordinates != 1)
      return fmt::format("needs one dimension; this population has {}", geometry.coordinates);
    return {};
  }
  void compute(const StartInputs& inputs, const DeviceArray<double>& f) const override {
    kernels::sorting_initializer(inputs.problems, line_power(inputs.geometry), inputs.epsilon, f);
  }
};

}  // namespace

const Initializer& sorting() {
  static const Sorting instance;
  return instance;
}

}  // namespace otfleet::initializers
