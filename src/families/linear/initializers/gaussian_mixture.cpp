#include "src/families/linear/initializers/gaussian_complaint.hpp"
#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class GaussianMixture final : public Initializer {
 public:
  const char* name() const override { return "gaussian_mixture"; }
  const char* group() const override { return "closed forms"; }
  std::string complaint(const GeometryFacts& geometry) const override {
    return gaussian_complaint(geometry, kernels::most_mixture_dimension);
  }
  void compute(const StartInputs& inputs, const DeviceArray<double>& f) const override {
    kernels::gaussian_mixture_initializer(inputs.problems, inputs.epsilon, f);
  }
};

}  // namespace

const Initializer& gaussian_mixture() {
  static const GaussianMixture instance;
  return instance;
}

}  // namespace otfleet::initializers
