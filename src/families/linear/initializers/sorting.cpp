#include "kernels/initializers/sorting.hpp"

#include <spdlog/fmt/fmt.h>

#include "kernels/initializers/log_weights.hpp"
#include "src/families/linear/initializers/list.hpp"

namespace otfleet::initializers {
namespace {

double distance_power(const Geometry& geometry) {
  return geometry.cost_name == "squared_euclidean" ? 2
         : geometry.cost_name == "euclidean"       ? 1
                                                   : geometry.power;
}

Vector<const double, ExecutionSpace> coordinates(
    const Matrix<const double, ExecutionSpace>& points) {
  return Vector<const double, ExecutionSpace>(points.data(), points.extent(0));  // one a row
}

class Sorting final : public Initializer {
 public:
  const char* name() const override { return "sorting"; }
  const char* group() const override { return "closed forms"; }
  const char* remark() const override { return "one dimension"; }
  std::string complaint(const Geometry& geometry) const override {
    const auto& cost = geometry.cost_name;
    const bool convex = cost == "squared_euclidean" || cost == "euclidean" ||
                        (cost == "power" && geometry.power >= 1);
    if (!convex)
      return fmt::format("needs costs that are convex in the distance; this population has '{}'{}",
                         cost,
                         cost == "power" ? fmt::format(" with power {:g}", geometry.power) : "");
    if (geometry.coordinates() != 1)
      return fmt::format("needs one dimension; this population has {}", geometry.coordinates());
    return {};
  }
  void compute(const StartInputs& inputs, const Matrix<double, ExecutionSpace>& f) const override {
    kernels::sorting_initializer<ExecutionSpace>(
        ExecutionSpace(), coordinates(inputs.source_points), coordinates(inputs.target_points),
        distance_power(inputs.geometry), inputs.problems, f);
    kernels::add_log_weights<ExecutionSpace>(ExecutionSpace(), inputs.problems, inputs.epsilon, f);
  }
};

}  // namespace

const Initializer& sorting() {
  static const Sorting instance;
  return instance;
}

}  // namespace otfleet::initializers
