#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

/// What a trained PotentialModel predicts.
class Model final : public Initializer {
 public:
  const char* name() const override { return "model"; }
  bool needs_model() const override { return true; }
  bool compared_by_default() const override { return true; }
  void compute(const StartInputs& inputs, const Matrix<double, ExecutionSpace>& f) const override {
    inputs.predict(f);
  }
};

}  // namespace

const Initializer& model() {
  static const Model instance;
  return instance;
}

}  // namespace otfleet::initializers
