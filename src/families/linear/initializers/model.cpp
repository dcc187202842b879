#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

/// What a trained PotentialModel predicts.
class Model final : public Initializer {
 public:
  const char* name() const override { return "model"; }
  bool needs_model() const override { return true; }
  bool compared_by_default() const override { return true; }
  std::string complaint(const GeometryFacts& geometry) const override {
    return geometry.kind == GeometryKind::clouds ? "needs points that all problems share; in this "
                                                   "population every measure has its own"
                                                 : "";
  }
};

}  // namespace

const Initializer& model() {
  static const Model instance;
  return instance;
}

}  // namespace otfleet::initializers
