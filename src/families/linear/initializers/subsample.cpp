#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class Subsample final : public Initializer {
 public:
  const char* name() const override { return "subsample"; }
  const char* group() const override { return "solves of easier problems"; }
  std::string complaint(const GeometryFacts& geometry) const override {
    return geometry.kind == GeometryKind::dense
               ? "needs a grid or a cloud of points; this population has a dense cost"
               : "";
  }
  void compute(const StartInputs& inputs, const DeviceArray<double>& f) const override {
    kernels::subsample_initializer(inputs.problems, inputs.epsilon, f);
  }
};

}  // namespace

const Initializer& subsample() {
  static const Subsample instance;
  return instance;
}

}  // namespace otfleet::initializers
