#include "src/families/linear/initializers.hpp"

#include <spdlog/fmt/fmt.h>

#include "kernels/initializers/gaussian.hpp"
#include "kernels/initializers/gaussian_mixture.hpp"
#include "kernels/initializers/log_weights.hpp"
#include "kernels/initializers/previous_epsilon.hpp"
#include "kernels/initializers/sorting.hpp"
#include "kernels/initializers/subsample.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet {
namespace {

using Problems = kernels::ProblemBatch<ExecutionSpace>;
using Potentials = Matrix<double, ExecutionSpace>;

std::string gaussian_complaint(const Geometry& geometry) {
  if (geometry.cost_name != "squared_euclidean")
    return fmt::format("needs squared Euclidean costs; this population has '{}'",
                       geometry.cost_name);
  const auto dimension = geometry.coordinates();
  if (dimension < 1 || dimension > 3)
    return fmt::format("needs points of one to three dimensions; this population has {}",
                       dimension);
  return {};
}

std::string sorting_complaint(const Geometry& geometry) {
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

double distance_power(const Geometry& geometry) {
  return geometry.cost_name == "squared_euclidean" ? 2
         : geometry.cost_name == "euclidean"       ? 1
                                                   : geometry.power;
}

Vector<const double, ExecutionSpace> coordinates(
    const Matrix<const double, ExecutionSpace>& points) {
  return Vector<const double, ExecutionSpace>(points.data(), points.extent(0));  // one a row
}

void start_from_subsample(const StartInputs& inputs, const Problems& problems,
                          const Potentials& f) {
  kernels::SubsampleSettings settings;
  settings.epsilon = inputs.epsilon;
  if (const auto* grid = std::get_if<kernels::SeparableCost>(&inputs.cost))
    return kernels::subsample_initializer<ExecutionSpace>(ExecutionSpace(), *grid, problems,
                                                          settings, f);
  settings.stride = 8;
  kernels::subsample_initializer<ExecutionSpace>(
      ExecutionSpace(), inputs.source_points, inputs.target_points,
      ground_cost_kind("/geometry, attribute cost", inputs.geometry.cost_name),
      inputs.geometry.power, problems, settings, f, inputs.geometry.great_circle_divisor);
}

void start_from_previous_epsilon(const StartInputs& inputs, const Problems& problems,
                                 const Potentials& f) {
  kernels::PreviousEpsilonSettings settings;
  settings.epsilon = inputs.epsilon;
  std::visit(
      [&](const auto& cost) {
        if (inputs.in_float)
          kernels::previous_epsilon_initializer<float>(ExecutionSpace(), cost, problems, settings,
                                                       f);
        else
          kernels::previous_epsilon_initializer<double>(ExecutionSpace(), cost, problems, settings,
                                                        f);
      },
      inputs.cost);
}

}  // namespace

std::string initializer_complaint(const std::string& initializer, const Geometry& geometry) {
  if (initializer == "gaussian" || initializer == "gaussian_mixture")
    return gaussian_complaint(geometry);
  if (initializer == "sorting") return sorting_complaint(geometry);
  if (initializer == "subsample" && geometry.kind == Geometry::Kind::dense)
    return "needs a grid or a cloud of points; this population has a dense cost";
  return {};
}

void compute_start(const std::string& initializer, const StartInputs& inputs,
                   const Problems& problems, const Potentials& f) {
  if (initializer == "gaussian") {
    kernels::gaussian_initializer<ExecutionSpace>(ExecutionSpace(), inputs.source_points,
                                                  inputs.target_points, problems, f);
  } else if (initializer == "gaussian_mixture") {
    kernels::GaussianMixtureSettings settings;
    settings.epsilon = inputs.epsilon;
    kernels::gaussian_mixture_initializer<ExecutionSpace>(
        ExecutionSpace(), inputs.source_points, inputs.target_points, problems, settings, f);
    kernels::add_log_weights<ExecutionSpace>(ExecutionSpace(), problems, inputs.epsilon, f);
  } else if (initializer == "sorting") {
    kernels::sorting_initializer<ExecutionSpace>(
        ExecutionSpace(), coordinates(inputs.source_points), coordinates(inputs.target_points),
        distance_power(inputs.geometry), problems, f);
    kernels::add_log_weights<ExecutionSpace>(ExecutionSpace(), problems, inputs.epsilon, f);
  } else if (initializer == "subsample") {
    start_from_subsample(inputs, problems, f);
  } else {
    start_from_previous_epsilon(inputs, problems, f);
  }
}

}  // namespace otfleet
