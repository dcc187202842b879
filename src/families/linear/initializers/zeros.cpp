#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

class Zeros final : public Initializer {
 public:
  const char* name() const override { return "zeros"; }
  bool is_zero() const override { return true; }
  bool compared_by_default() const override { return true; }
  void compute(const StartInputs&, const DeviceArray<double>& f) const override { f.fill(0); }
};

}  // namespace

const Initializer& zeros() {
  static const Zeros instance;
  return instance;
}

}  // namespace otfleet::initializers
