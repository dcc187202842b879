#include "src/families/linear/initializers.hpp"

#include <spdlog/fmt/fmt.h>

#include "kernels/initializers/gaussian.hpp"
#include "kernels/initializers/gaussian_mixture.hpp"
#include "kernels/initializers/log_weights.hpp"
#include "kernels/initializers/previous_epsilon.hpp"
#include "kernels/initializers/sorting.hpp"
#include "kernels/initializers/subsample.hpp"

namespace otfleet {
namespace {

using Problems = kernels::ProblemBatch<ExecutionSpace>;
using Potentials = Matrix<double, ExecutionSpace>;

std::string gaussian_complaint(const Geometry& geometry) {
  if (!geometry.ground_cost || !with_ground_cost(*geometry.ground_cost, [](const auto& cost) {
        return cost.maps_gaussians;
      }))
    return fmt::format("needs squared Euclidean costs; this population has '{}'",
                       geometry.cost_name());
  const auto dimension = geometry.coordinates();
  if (dimension < 1 || dimension > 3)
    return fmt::format("needs points of one to three dimensions; this population has {}",
                       dimension);
  return {};
}

/// The p of a cost |x − y|^p on a line; 0: it is none.
double line_power(const Geometry& geometry) {
  return geometry.ground_cost ? with_ground_cost(*geometry.ground_cost,
                                                 [](const auto& cost) { return cost.line_power(); })
                              : 0.0;
}

std::string sorting_complaint(const Geometry& geometry) {
  const double power = line_power(geometry);
  if (power < 1) {
    std::string parameters;
    if (power > 0)
      for_each_parameter(*geometry.ground_cost,
                         [&](const kernels::ParameterFacts& facts, double value) {
                           parameters += fmt::format(" with {} {:g}", facts.noun, value);
                         });
    return fmt::format("needs costs that are convex in the distance; this population has '{}'{}",
                       geometry.cost_name(), parameters);
  }
  if (geometry.coordinates() != 1)
    return fmt::format("needs one dimension; this population has {}", geometry.coordinates());
  return {};
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
      inputs.geometry.ground_cost.value(), problems, settings, f);
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
        line_power(inputs.geometry), problems, f);
    kernels::add_log_weights<ExecutionSpace>(ExecutionSpace(), problems, inputs.epsilon, f);
  } else if (initializer == "subsample") {
    start_from_subsample(inputs, problems, f);
  } else {
    start_from_previous_epsilon(inputs, problems, f);
  }
}

}  // namespace otfleet
