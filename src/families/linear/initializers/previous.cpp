#include <stdexcept>

#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

/// From the problems before in the sequence.
class Previous final : public Initializer {
 public:
  const char* name() const override { return "previous"; }
  const char* remark() const override { return "solutions of earlier problems of a sequence"; }
  bool needs_sequences() const override { return true; }
  void compute(const StartInputs& inputs, const DeviceArray<double>& f) const override {
    if (inputs.earlier == nullptr)
      throw std::invalid_argument("the start 'previous' needs problems of a sequence");
    const auto& [near, far, share] = *inputs.earlier;
    kernels::extrapolate(inputs.problems, near, far, share, f);
  }
};

}  // namespace

const Initializer& previous() {
  static const Previous instance;
  return instance;
}

}  // namespace otfleet::initializers
