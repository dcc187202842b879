#include "src/families/linear/initializers/list.hpp"
#include "src/models/cloud_model_complaint.hpp"

namespace otfleet::initializers {
namespace {

/// What a trained StartModel predicts.
class Model final : public Initializer {
 public:
  const char* name() const override { return "model"; }
  bool needs_model() const override { return true; }
  bool compared_by_default() const override { return true; }
  std::string complaint(const GeometryFacts& geometry) const override {
    return geometry.kind == GeometryKind::clouds ? cloud_model_complaint(geometry.coordinates) : "";
  }
};

}  // namespace

const Initializer& model() {
  static const Model instance;
  return instance;
}

}  // namespace otfleet::initializers
