#include "src/populations/ground_cost.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "distributed/error.hpp"
#include "src/config/nearest_name.hpp"

namespace otfleet {

using kernels::GroundCost;
using kernels::ParameterFacts;

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
  static const auto names = ground_cost_names([](const GroundCost&) { return true; });
  return names;
}

std::vector<std::string> ground_cost_names(const std::function<bool(const GroundCost&)>& holds) {
  std::vector<std::string> names;
  for (const GroundCost& cost : kernels::all_ground_costs())
    if (holds(cost)) names.emplace_back(name_of(cost));
  return names;
}

GroundCost parse_ground_cost(const std::string& name, const std::string& cost,
                             const std::map<std::string, double>& parameters) {
  auto found = kernels::find_ground_cost(cost);
  if (!found) {
    const auto& names = ground_cost_names();
    throw UserError(fmt::format("{} must be one of '{}', not '{}'{}", name,
                                fmt::join(names, "', '"), cost, did_you_mean(cost, names)));
  }
  return with_parameters(*found, parameters);
}

GroundCost with_parameters(GroundCost cost, const std::map<std::string, double>& parameters) {
  for_each_parameter(cost, [&](const ParameterFacts& facts, double& value) {
    if (const auto given = parameters.find(facts.name); given != parameters.end())
      value = given->second;
  });
  return cost;
}

std::string cost_word(const std::optional<GroundCost>& cost) {
  return cost ? name_of(*cost) : "matrix";
}

GroundCost read_ground_cost(const distributed::Hdf5File& file, const std::string& cost) {
  auto result = parse_ground_cost(file.path().string() + ": /geometry, attribute cost", cost);
  for_each_parameter(result, [&](const ParameterFacts& facts, double& value) {
    value = file.number_attribute("/geometry", facts.name).value_or(value);
  });
  return result;
}

void write_ground_cost(distributed::Hdf5File& file, const GroundCost& cost) {
  file.set_attribute("/geometry", "cost", std::string(name_of(cost)));
  for_each_parameter(cost, [&](const ParameterFacts& facts, double value) {
    file.set_attribute("/geometry", facts.name, value);
  });
}

void check_ground_cost(const std::string& name, const GroundCost& cost) {
  for_each_parameter(cost, [&](const ParameterFacts& facts, double value) {
    if (!allows(facts, value))
      throw UserError(fmt::format("{}: /geometry, attribute {} must be {}, not {}", name,
                                  facts.name, facts.range, value));
  });
}

void check_cost_takes(const std::string& name, const GroundCost& cost,
                      std::span<const double> points, std::int64_t dimension, const char* what,
                      std::int64_t first) {
  with_ground_cost(cost, [&](const auto& typed) {
    if (!typed.takes_directions) return;
    for (std::size_t at = 0; at < points.size(); at += static_cast<std::size_t>(dimension)) {
      double squared = 0;
      for (std::int64_t d = 0; d < dimension; ++d)
        squared +=
            points[at + static_cast<std::size_t>(d)] * points[at + static_cast<std::size_t>(d)];
      if (squared >= typed.least_square && squared <= typed.most_square) continue;
      throw UserError(fmt::format("{} {} {} {}", name, what,
                                  first + static_cast<std::int64_t>(at) / dimension,
                                  typed.length_fault(std::sqrt(squared))));
    }
  });
}

double ground_cost(const GroundCost& cost, const double* x, const double* y,
                   std::int64_t dimension) {
  return with_ground_cost(cost, [&](const auto& typed) {
    using Cost = std::remove_cvref_t<decltype(typed)>;
    const double x_norm = Cost::takes_directions ? norm(x, dimension) : 1;
    const double y_norm = Cost::takes_directions ? norm(y, dimension) : 1;
    typename Cost::template Sum<double> sum(0.0);
    for (std::int64_t d = 0; d < dimension; ++d) sum = Cost::add(sum, x[d] / x_norm, y[d] / y_norm);
    if constexpr (requires { typed.exact(sum); })
      return typed.exact(sum);
    else
      return typed.template from_sum<double, double>(sum);
  });
}

void add_ground_cost(Fnv& hash, const GroundCost& cost) {
  hash.add(static_cast<std::uint64_t>(cost.index()));
  for_each_parameter(cost, [&](const ParameterFacts&, double value) {
    hash.add(std::bit_cast<std::uint64_t>(value));
  });
}

}  // namespace otfleet
