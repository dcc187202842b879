#include "kernels/initializers/sorting.hpp"

#include <spdlog/fmt/fmt.h>

#include "kernels/initializers/log_weights.hpp"
#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

/// The p of a cost |x − y|^p on a line; 0: it is none.
double line_power(const Geometry& geometry) {
  return geometry.ground_cost ? with_ground_cost(*geometry.ground_cost,
                                                 [](const auto& cost) { return cost.line_power(); })
                              : 0.0;
}

Vector<const double, ExecutionSpace> coordinates(
    const Matrix<const double, ExecutionSpace>& points) {
  return Vector<const double, ExecutionSpace>(points.data(), points.extent(0));  // one a row
}

class Sorting final : public Initializer {
 public:
  const char* name() const override { return "sorting"; }
  const char* group() const override { return "closed forms"; }
  const char* remark() const override { return "one dimension"; }
  std::string complaint(const Geometry& geometry) const override {
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
    if (geometry.coordinates() != 1)
      return fmt::format("needs one dimension; this population has {}", geometry.coordinates());
    return {};
  }
  void compute(const StartInputs& inputs, const Matrix<double, ExecutionSpace>& f) const override {
    kernels::sorting_initializer<ExecutionSpace>(
        ExecutionSpace(), coordinates(inputs.source_points), coordinates(inputs.target_points),
        line_power(inputs.geometry), inputs.problems, f);
    kernels::add_log_weights<ExecutionSpace>(ExecutionSpace(), inputs.problems, inputs.epsilon, f);
  }
};

}  // namespace

const Initializer& sorting() {
  static const Sorting instance;
  return instance;
}

}  // namespace otfleet::initializers
