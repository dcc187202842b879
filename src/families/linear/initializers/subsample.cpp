#include "kernels/initializers/subsample.hpp"

#include <variant>

#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class Subsample final : public Initializer {
 public:
  const char* name() const override { return "subsample"; }
  const char* group() const override { return "solves of easier problems"; }
  std::string complaint(const Geometry& geometry) const override {
    return geometry.kind == Geometry::Kind::dense
               ? "needs a grid or a cloud of points; this population has a dense cost"
               : "";
  }
  void compute(const StartInputs& inputs, const Matrix<double, ExecutionSpace>& f) const override {
    kernels::SubsampleSettings settings;
    settings.epsilon = inputs.epsilon;
    if (const auto* grid = std::get_if<kernels::SeparableCost>(&inputs.cost))
      return kernels::subsample_initializer<ExecutionSpace>(ExecutionSpace(), *grid,
                                                            inputs.problems, settings, f);
    settings.stride = 8;
    kernels::subsample_initializer<ExecutionSpace>(
        ExecutionSpace(), inputs.source_points, inputs.target_points,
        inputs.geometry.ground_cost.value(), inputs.problems, settings, f);
  }
};

}  // namespace

const Initializer& subsample() {
  static const Subsample instance;
  return instance;
}

}  // namespace otfleet::initializers
