#include "src/problems/ground_cost.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "distributed/error.hpp"

namespace otfleet {

using kernels::GroundCost;

const std::vector<std::string>& ground_cost_names() {
  // In the order of GroundCost.
  static const std::vector<std::string> names = {"squared_euclidean", "euclidean", "power",
                                                 "cosine", "great_circle"};
  return names;
}

GroundCost ground_cost_kind(const std::string& name, const std::string& cost) {
  const auto& names = ground_cost_names();
  const auto found = std::find(names.begin(), names.end(), cost);
  if (found == names.end())
    throw UserError(
        fmt::format("{} must be one of '{}', not '{}'", name, fmt::join(names, "', '"), cost));
  return static_cast<GroundCost>(found - names.begin());
}

void check_cost_takes(const std::string& name, GroundCost kind, std::span<const double> points,
                      std::int64_t dimension, const char* what, std::int64_t first) {
  if (kind != GroundCost::cosine && kind != GroundCost::great_circle) return;
  constexpr double least = 1e-300, tolerance = 2e-5;  // of squares, as the kernels have them
  for (std::size_t at = 0; at < points.size(); at += static_cast<std::size_t>(dimension)) {
    double squared = 0;
    for (std::int64_t d = 0; d < dimension; ++d)
      squared +=
          points[at + static_cast<std::size_t>(d)] * points[at + static_cast<std::size_t>(d)];
    const auto number = first + static_cast<std::int64_t>(at) / dimension;
    if (kind == GroundCost::cosine && !(squared >= least))
      throw UserError(
          fmt::format("{} {} {} is the zero vector, which has no angle: leave it out, "
                      "or take another cost than 'cosine'",
                      name, what, number));
    if (kind == GroundCost::great_circle && !(std::abs(squared - 1) <= tolerance))
      throw UserError(
          fmt::format("{} {} {} has the length {:g}: the cost 'great_circle' takes unit "
                      "vectors",
                      name, what, number, std::sqrt(squared)));
  }
}

double ground_cost(GroundCost kind, double power, const double* x, const double* y,
                   std::int64_t dimension) {
  double squared = 0, product = 0, x_norm = 0, y_norm = 0;
  for (std::int64_t d = 0; d < dimension; ++d) {
    squared += (x[d] - y[d]) * (x[d] - y[d]);
    product += x[d] * y[d];
    x_norm += x[d] * x[d];
    y_norm += y[d] * y[d];
  }
  switch (kind) {
    case GroundCost::squared_euclidean:
      return squared;
    case GroundCost::euclidean:
      return std::sqrt(squared);
    case GroundCost::power:
      return std::pow(squared, power / 2);
    case GroundCost::cosine:
      return 1 - product / std::sqrt(x_norm * y_norm);
    case GroundCost::great_circle:
      return std::acos(std::clamp(product / kernels::great_circle_divisor, -1.0, 1.0));
  }
  return 0;
}

}  // namespace otfleet
