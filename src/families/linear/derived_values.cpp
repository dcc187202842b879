#include "src/families/linear/derived_values.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "kernels/api/solvers.hpp"
#include "kernels/problems/status.hpp"
#include "src/populations/device_problems.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Is exp(−C/epsilon) positive definite at every epsilon?
bool is_positive_definite(const kernels::GroundCost& cost, std::int64_t dimension) {
  return with_ground_cost(cost, [&](const auto& typed) {
    return typed.is_positive_definite(static_cast<int>(dimension));
  });
}

double geomloss_unit(const kernels::GroundCost& cost) {
  return with_ground_cost(cost, [](const auto& typed) { return typed.geomloss_unit; });
}

bool is_plain_matrix(const Geometry& geometry) {
  return geometry.kind == Geometry::Kind::dense &&
         (!geometry.ground_cost || geometry.source_points.empty());
}

/// The values of transports of measures to themselves; NaN where one did not converge.
std::vector<double> transport_to_themselves(const kernels::Problems& measures, std::size_t count,
                                            const kernels::UnbalancedSettings& settings) {
  std::vector<std::int32_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  const auto problems = measures.between(all, all);
  const auto points = static_cast<std::size_t>(problems.source_offsets().back());
  const kernels::UnbalancedResult result(problems.size(), points, points);
  kernels::solve_self_transport(problems, settings, result);
  const auto dual = result.dual_value.download();
  const auto status = result.status.download();
  std::vector<double> values(count, unknown);
  for (std::size_t k = 0; k < count; ++k)
    if (status[k] == static_cast<int>(kernels::Status::converged)) values[k] = dual[k];
  return values;
}

}  // namespace

DerivedValues::DerivedValues(const PopulationView& population)
    : population_(population), shared_(population.shared_measures()) {
  if (const auto* shared = population.shared_points()) {
    const auto& geometry = shared->geometry;
    same_points_ =
        geometry.kind == Geometry::Kind::grid || shared_ ||
        (!geometry.source_points.empty() && geometry.source_points == geometry.target_points);
  }
  const auto facts = population.geometry();
  if (facts.ground_cost) {
    never_negative_ = is_positive_definite(*facts.ground_cost, facts.coordinates);
    geomloss_unit_ = geomloss_unit(*facts.ground_cost);
  }
  weigh(true);
  if (!shared_) weigh(false);
}

std::string DerivedValues::divergence_complaint(const PopulationView& population) {
  const auto* shared = population.shared_points();
  if (shared == nullptr || !is_plain_matrix(shared->geometry)) return {};
  if (!shared->shared_measures)
    return "a cost matrix alone says nothing of the cost within the points of either side; it "
           "takes points and a cost by name, or measures that both sides share";
  try {
    constexpr double any_epsilon = 1;  // a cost is symmetric at all or at none
    kernels::check_symmetric(make_cost_table(shared->geometry, any_epsilon));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

std::int32_t DerivedValues::measure(bool source, std::int64_t problem) const {
  return (source ? population_.sources()
                 : population_.targets())[static_cast<std::size_t>(problem)];
}

/// The cost within the points that the measures of a side share.
Geometry DerivedValues::within(bool source) const {
  const Geometry& whole = population_.shared_points()->geometry;
  if (whole.kind == Geometry::Kind::grid || is_plain_matrix(whole)) return whole;
  Geometry geometry;
  geometry.kind = Geometry::Kind::points;
  geometry.ground_cost = whole.ground_cost;
  geometry.dimension = whole.dimension;
  geometry.source_points = source ? whole.source_points : whole.target_points;
  geometry.n = source ? whole.n : whole.m;
  geometry.target_points = geometry.source_points;
  geometry.m = geometry.n;
  return geometry;
}

std::vector<double> DerivedValues::self_values(bool source, std::span<const std::int32_t> measures,
                                               bool to_mass_one,
                                               const kernels::UnbalancedSettings& settings) {
  const bool own_points = population_.clouds() != nullptr;
  CloudTable table;
  for (const auto s : measures) {
    const double scale = to_mass_one ? 1 / side(source).mass[s] : 1.0;
    for (const double weight : population_.weights(source, s))
      table.weights.push_back(weight * scale);
    if (!own_points) continue;
    const auto points = population_.points(source, s);
    table.points.insert(table.points.end(), points.begin(), points.end());
    table.offsets.push_back(static_cast<std::int64_t>(table.weights.size()));
  }
  const auto facts = population_.geometry();
  const auto on_device = own_points
                             ? device_measures(*facts.ground_cost, facts.coordinates, table)
                             : device_problems(within(source), settings.epsilon, table.weights, {});
  return transport_to_themselves(on_device, measures.size(), settings);
}

void DerivedValues::weigh(bool source) {
  Side& all = side(source);
  const std::int64_t measures = population_.measures(source);
  for (std::int32_t s = 0; s < measures; ++s) {
    double mass = 0, entropy = 0;
    for (const double w : population_.weights(source, s)) {
      mass += w;
      if (w > 0) entropy += w * std::log(w);
    }
    all.mass.push_back(mass);
    all.entropy.push_back(entropy);
  }
  all.self.assign(static_cast<std::size_t>(measures), unknown);
  all.asked.assign(static_cast<std::size_t>(measures), false);
}

void DerivedValues::find_self(bool source, Shard rows,
                              const kernels::UnbalancedSettings& settings) {
  Side& all = side(source);
  std::vector<std::int32_t> wanted;
  for (std::int64_t k = rows.begin; k < rows.end; ++k) {
    const auto s = measure(source, k);
    if (all.asked[s]) continue;
    all.asked[s] = true;
    wanted.push_back(s);
  }
  // Exact marginals at mass 1, whatever the mass: c times a measure has c times the value, less
  // epsilon c mass log c.
  const bool balanced = settings.tau_a == 1;
  const double e = settings.epsilon;
  constexpr std::size_t at_once = 1024;
  for (std::size_t first = 0; first < wanted.size(); first += at_once) {
    const auto some = std::span(wanted).subspan(first, std::min(at_once, wanted.size() - first));
    const auto found = self_values(source, some, balanced, settings);
    // Without the term epsilon mass², as in add().
    for (std::size_t k = 0; k < some.size(); ++k) {
      const double mass = all.mass[some[k]];
      all.self[some[k]] =
          balanced ? mass * (found[k] - e) - e * mass * std::log(mass) : found[k] - e * mass * mass;
    }
  }
}

bool DerivedValues::same_measures(std::int64_t problem) const {
  const auto s = measure(true, problem), t = measure(false, problem);
  const auto equal = [](std::span<const double> x, std::span<const double> y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
  };
  return same_points_ && equal(population_.weights(true, s), population_.weights(false, t)) &&
         equal(population_.points(true, s), population_.points(false, t));
}

void DerivedValues::add(Shard rows, const kernels::UnbalancedSettings& given,
                        const SolutionOptions& wanted, Solutions& solutions) {
  auto settings = given;
  settings.threshold = std::min(settings.threshold, 1e-6);
  const bool balanced = settings.tau_a == 1 && settings.tau_b == 1;
  if (wanted.divergence)
    for (const bool source : {true, false}) find_self(source, rows, settings);
  const Side &sources = side(true), &targets = side(false);
  for (std::int64_t k = rows.begin; k < rows.end; ++k) {
    const auto s = measure(true, k), t = measure(false, k);
    const double dual = solutions.dual_value[static_cast<std::size_t>(k - rows.begin)];
    const double a = sources.mass[s], scale = balanced ? a / targets.mass[t] : 1;
    const double b = targets.mass[t] * scale, log_scale = std::log(scale), e = settings.epsilon;
    // Of potentials relative to the product of both measures (f − epsilon log a), the target
    // scaled to the source's mass where the problem is balanced:
    // <f, a> + <g, b> − epsilon sum P, and what penalties add.
    const double entropy = sources.entropy[s] + scale * targets.entropy[t] + b * log_scale;
    const double relative = balanced ? dual - e * a - e * entropy : dual - e * a * b;
    if (wanted.has_value(ValueConvention::ott))
      solutions.regularized_ott.push_back(relative + e * a * b);
    if (wanted.has_value(ValueConvention::geomloss))
      solutions.regularized_geomloss.push_back(geomloss_unit_ * (relative + e * a));
    if (!wanted.divergence) continue;
    // A transport to itself, of c times the measure: c times its value, less epsilon c mass log c.
    const double target_self = scale * targets.self[t] - e * b * log_scale;
    double divergence = relative - 0.5 * sources.self[s] - 0.5 * target_self;
    if (same_measures(k)) divergence = 0;
    if (never_negative_ && divergence < 0) divergence = 0;  // by what the solver left to gain
    solutions.divergence.push_back(divergence);
  }
}

}  // namespace otfleet
