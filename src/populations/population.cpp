#include "src/populations/population.hpp"

#include <spdlog/fmt/fmt.h>

#include <bit>
#include <cmath>
#include <limits>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/fingerprint.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population_parts.hpp"
#include "src/populations/sequences.hpp"

namespace otfleet {
namespace {

void check_finite(const std::string& name, const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw UserError(fmt::format("{} holds {} at position {}", name, values[i], i));
    }
  }
}

/// A cost matrix may forbid entries (+inf), but not all; the matrix of a ground cost may not.
void check_entries(const std::string& name, const std::vector<double>& values, bool may_forbid) {
  bool any_allowed = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool forbidden = may_forbid && values[i] == std::numeric_limits<double>::infinity();
    if (!forbidden && !std::isfinite(values[i]))
      throw UserError(fmt::format("{} holds {} at position {}{}", name, values[i], i,
                                  values[i] > 0 ? "; attribute cost = 'matrix' allows inf" : ""));
    any_allowed = any_allowed || !forbidden;
  }
  if (!any_allowed) throw UserError(name + " forbids every entry: all are inf");
}

void validate_grid(const Geometry& geometry, const std::string& name) {
  if (geometry.axes.empty() || geometry.axes.size() > 3) {
    throw UserError(fmt::format("{}: a grid has 1 to 3 axes, not {}", name, geometry.axes.size()));
  }
  std::vector<std::int64_t> lengths;
  for (std::size_t d = 0; d < geometry.axes.size(); ++d) {
    const auto axis = fmt::format("{}: /geometry/axis_{}", name, d);
    if (geometry.axes[d].empty()) throw UserError(axis + " is empty");
    check_finite(axis, geometry.axes[d]);
    lengths.push_back(static_cast<std::int64_t>(geometry.axes[d].size()));
  }
  const auto count = element_count(lengths, name + ": /geometry");
  if (count != geometry.n || count != geometry.m) {
    throw UserError(fmt::format("{}: the axes {} make {} points, but the measures have {} and {}",
                                name, shape_text(lengths), count, geometry.n, geometry.m));
  }
}

void validate_points(const Geometry& geometry, const std::string& name) {
  const auto& [n, m] = std::pair{geometry.n, geometry.m};
  if (geometry.dimension < 1 ||
      static_cast<std::int64_t>(geometry.source_points.size()) != n * geometry.dimension ||
      static_cast<std::int64_t>(geometry.target_points.size()) != m * geometry.dimension) {
    throw UserError(
        fmt::format("{}: /geometry/source_points and target_points must have shapes [{}, "
                    "d] and [{}, d]",
                    name, n, m));
  }
  check_finite(name + ": /geometry/source_points", geometry.source_points);
  check_finite(name + ": /geometry/target_points", geometry.target_points);
  if (!geometry.ground_cost)
    parse_ground_cost(name + ": /geometry, attribute cost", geometry.cost_name());
  const auto& cost = *geometry.ground_cost;
  check_cost_takes(name + ": /geometry/source_points", cost, geometry.source_points,
                   geometry.dimension, "row");
  check_cost_takes(name + ": /geometry/target_points", cost, geometry.target_points,
                   geometry.dimension, "row");
  check_ground_cost(name, cost);
}

void validate_dense(const Geometry& geometry, const std::string& name) {
  const auto& [n, m] = std::pair{geometry.n, geometry.m};
  if (n < 1 || m < 1 || static_cast<std::int64_t>(geometry.cost.size()) != n * m) {
    throw UserError(fmt::format("{}: /geometry/cost must have shape {}, but holds {} values", name,
                                shape_text({n, m}), geometry.cost.size()));
  }
  const bool any = !geometry.ground_cost;
  check_entries(name + ": /geometry/cost", geometry.cost, any);
  if (any && geometry.source_points.empty() && geometry.target_points.empty()) return;
  Geometry described = geometry;
  if (any)
    described.ground_cost = kernels::EuclideanCost();  // the points are only known, not used
  else if (geometry.source_points.empty() && geometry.target_points.empty())
    throw UserError(fmt::format(
        "{}: a {} cost needs /geometry/source_points and target_points; attribute cost = "
        "'matrix' allows any",
        name, geometry.cost_name()));
  validate_points(described, name);
  if (any) return;
  std::string optional;
  for_each_parameter(*geometry.ground_cost, [&](const kernels::ParameterFacts& facts, double) {
    if (!facts.required)
      optional += fmt::format(", and {} says of which {} it was made", facts.name, facts.noun);
  });
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < m; ++j) {
      const double expected =
          ground_cost(*geometry.ground_cost, &geometry.source_points[i * geometry.dimension],
                      &geometry.target_points[j * geometry.dimension], geometry.dimension);
      const double given = geometry.cost[i * m + j];
      // Written so that a cost of two points that is not a number is refused, too.
      if (!(std::abs(expected - given) <=
            1e-5 * std::max({1.0, std::abs(expected), std::abs(given)}))) {
        throw UserError(
            fmt::format("{}: /geometry/cost is {} at ({}, {}), but the {} cost of the points is "
                        "{}; attribute cost = 'matrix' allows any{}",
                        name, given, i, j, geometry.cost_name(), expected, optional));
      }
    }
  }
}

}  // namespace

std::vector<double> Geometry::points(bool source) const {
  if (kind != Kind::grid) return source ? source_points : target_points;
  std::vector<double> result(static_cast<std::size_t>(n) * axes.size());
  for (std::int64_t point = 0; point < n; ++point) {
    std::int64_t rest = point;
    for (std::size_t d = axes.size(); d-- > 0;) {
      const auto length = static_cast<std::int64_t>(axes[d].size());
      result[point * axes.size() + d] = axes[d][rest % length];
      rest /= length;
    }
  }
  return result;
}

std::string Geometry::description() const {
  std::vector<std::int64_t> lengths;
  for (const auto& axis : axes) lengths.push_back(static_cast<std::int64_t>(axis.size()));
  const auto what =
      kind == Kind::grid
          ? "grid " + shape_text(lengths)
          : fmt::format("{}, cost {}", kind == Kind::dense ? "dense" : "points", cost_name());
  return fmt::format("geometry: {}, n = {}, m = {}\nfingerprint: {}\n", what, n, m, fingerprint());
}

void Geometry::validate(const std::string& name) const {
  switch (kind) {
    case Kind::grid:
      return validate_grid(*this, name);
    case Kind::dense:
      return validate_dense(*this, name);
    case Kind::points:
      return validate_points(*this, name);
  }
}

std::string Geometry::fingerprint() const {
  Fnv hash;
  hash.add(static_cast<std::uint64_t>(kind == Kind::grid ? 1 : kind == Kind::dense ? 2 : 3));
  if (kind == Kind::grid) {
    hash.add(static_cast<std::uint64_t>(axes.size()));
    for (const auto& axis : axes) hash.add(axis);
  } else {
    hash.add(static_cast<std::uint64_t>(n));
    hash.add(static_cast<std::uint64_t>(m));
    hash.add(cost);
    if (kind == Kind::points) {
      hash.add(source_points);
      hash.add(target_points);
      add_ground_cost(hash, *ground_cost);
    }
  }
  return hash.digits();
}

std::string Population::content_fingerprint() const {
  Fnv hash;
  hash.add(geometry.fingerprint());
  hash.add(source_weights);
  hash.add(target_weights);
  hash.add(source);
  hash.add(target);
  if (!sequence.empty()) hash.add(sequence);
  return hash.digits();
}

void Population::normalize() {
  const auto scale = [](std::vector<double>& weights, std::int64_t measures, std::int64_t size) {
    for (std::int64_t s = 0; s < measures; ++s)
      scale_to_mass_one(std::span(weights).subspan(static_cast<std::size_t>(s * size),
                                                   static_cast<std::size_t>(size)));
  };
  scale(source_weights, source_measures, geometry.n);
  scale(target_weights, target_measures, geometry.m);
}

std::vector<double> check_weights(const std::string& name, std::span<const double> weights,
                                  std::int64_t rows, std::int64_t columns) {
  std::vector<double> masses;
  for (std::int64_t row = 0; row < rows; ++row)
    masses.push_back(check_measure(name, "row", row, weights.subspan(row * columns, columns)));
  return masses;
}

void Population::validate(const std::string& name, bool equal_masses) const {
  const auto check_side = [&](const std::string& dataset, const std::vector<double>& weights,
                              std::int64_t measures, std::int64_t size) {
    if (measures < 1) throw UserError(fmt::format("{}: {} holds no measures", name, dataset));
    if (size < 1 || static_cast<std::int64_t>(weights.size()) != measures * size) {
      throw UserError(fmt::format("{}: {} holds {} values, not {} measures of {} points", name,
                                  dataset, weights.size(), measures, size));
    }
    return check_weights(name + ": " + dataset, weights, measures, size);
  };
  if (shared_measures && geometry.n != geometry.m) {
    throw UserError(
        fmt::format("{}: the cost has shape {}, so that the two sides need measures of "
                    "their own",
                    name, shape_text({geometry.n, geometry.m})));
  }
  geometry.validate(name);
  const auto source_masses =
      check_side(shared_measures ? "/measures/weights" : "/measures/source_weights", source_weights,
                 source_measures, geometry.n);
  const auto own_target_masses =
      shared_measures
          ? std::vector<double>{}
          : check_side("/measures/target_weights", target_weights, target_measures, geometry.m);
  check_problems(name, source, target, source_masses,
                 shared_measures ? source_masses : own_target_masses, equal_masses, true);
  check_sequence(name, sequence, problems());
}

}  // namespace otfleet
