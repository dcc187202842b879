#include "src/populations/ground_cost.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "distributed/error.hpp"

namespace otfleet {

using kernels::GroundCost;

namespace {

/// NaN for a zero vector. In units of the largest coordinate no square overflows.
double norm(const double* x, std::int64_t dimension) {
  double largest = 0, sum = 0;
  for (std::int64_t d = 0; d < dimension; ++d) largest = std::max(largest, std::abs(x[d]));
  for (std::int64_t d = 0; d < dimension; ++d) sum += x[d] / largest * (x[d] / largest);
  return largest * std::sqrt(sum);
}

}  // namespace

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
                   std::int64_t dimension, double divisor) {
  const bool directions = kind == GroundCost::cosine || kind == GroundCost::great_circle;
  const double x_norm = directions ? norm(x, dimension) : 1;
  const double y_norm = directions ? norm(y, dimension) : 1;
  double apart = 0, together = 0;  // |x − y|², |x + y|²
  for (std::int64_t d = 0; d < dimension; ++d) {
    const double from = x[d] / x_norm, to = y[d] / y_norm;
    apart += (from - to) * (from - to);
    together += (from + to) * (from + to);
  }
  switch (kind) {
    case GroundCost::squared_euclidean:
      return apart;
    case GroundCost::euclidean:
      return std::sqrt(apart);
    case GroundCost::power:
      return std::pow(apart, power / 2);
    case GroundCost::cosine:
      return apart / 2;
    case GroundCost::great_circle: {
      // arccos(<x, y>/divisor); without a divisor 2 arctan(|x − y|/|x + y|).
      const double more = 2 * (divisor - 1);
      return 2 * std::atan2(std::sqrt(apart + more), std::sqrt(together + more));
    }
    case GroundCost::matrix:
      break;
  }
  return 0;
}

void check_ground_cost(const std::string& name, double power, double great_circle_divisor) {
  if (!(power > 0) || !std::isfinite(power))
    throw UserError(fmt::format("{}: /geometry, attribute power must be > 0, not {}", name, power));
  if (!(great_circle_divisor >= 1) || !std::isfinite(great_circle_divisor))
    throw UserError(
        fmt::format("{}: /geometry, attribute great_circle_divisor must be >= 1, not {}", name,
                    great_circle_divisor));
}

}  // namespace otfleet
