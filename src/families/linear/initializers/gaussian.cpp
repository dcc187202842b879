#include "src/families/linear/initializers/gaussian_complaint.hpp"
#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class Gaussian final : public Initializer {
 public:
  const char* name() const override { return "gaussian"; }
  const char* group() const override { return "closed forms"; }
  bool compared_by_default() const override { return true; }
  std::string complaint(const GeometryFacts& geometry) const override {
    return gaussian_complaint(geometry, kernels::most_gaussian_dimension);
  }
  void compute(const StartInputs& inputs, const DeviceArray<double>& f) const override {
    kernels::gaussian_initializer(inputs.problems, f);
  }
};

}  // namespace

const Initializer& gaussian() {
  static const Gaussian instance;
  return instance;
}

}  // namespace otfleet::initializers
