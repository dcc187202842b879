#include "kernels/initializers/gaussian_mixture.hpp"

#include "kernels/initializers/log_weights.hpp"
#include "src/families/linear/initializers/gaussian_complaint.hpp"
#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class GaussianMixture final : public Initializer {
 public:
  const char* name() const override { return "gaussian_mixture"; }
  const char* group() const override { return "closed forms"; }
  std::string complaint(const Geometry& geometry) const override {
    return gaussian_complaint(geometry);
  }
  void compute(const StartInputs& inputs, const Matrix<double, ExecutionSpace>& f) const override {
    kernels::GaussianMixtureSettings settings;
    settings.epsilon = inputs.epsilon;
    kernels::gaussian_mixture_initializer<ExecutionSpace>(
        ExecutionSpace(), inputs.source_points, inputs.target_points, inputs.problems, settings, f);
    kernels::add_log_weights<ExecutionSpace>(ExecutionSpace(), inputs.problems, inputs.epsilon, f);
  }
};

}  // namespace

const Initializer& gaussian_mixture() {
  static const GaussianMixture instance;
  return instance;
}

}  // namespace otfleet::initializers
