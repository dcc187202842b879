#include "src/families/linear/derived_values.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>
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

/// A measure and what its weights are multiplied by.
struct ScaledWeights {
  std::span<const double> weights;
  double scale;
};

/// The values of transports of measures to themselves; NaN where one did not converge.
std::vector<double> transport_to_themselves(const Geometry& geometry,
                                            const std::vector<ScaledWeights>& weights,
                                            const kernels::UnbalancedSettings& settings) {
  std::vector<double> scaled;
  std::vector<std::int32_t> all;
  for (const auto& one : weights) {
    all.push_back(static_cast<std::int32_t>(all.size()));
    for (const double weight : one.weights) scaled.push_back(weight * one.scale);
  }
  const auto problems = device_problems(geometry, settings.epsilon, scaled, {}).between(all, all);
  const auto points = static_cast<std::size_t>(problems.source_offsets().back());
  const kernels::UnbalancedResult result(problems.size(), points, points);
  kernels::solve_self_transport(problems, settings, result);
  const auto dual = result.dual_value.download();
  const auto status = result.status.download();
  std::vector<double> values(weights.size(), unknown);
  for (std::size_t k = 0; k < values.size(); ++k)
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

/// The cost within the points of one measure, or of all of a side.
Geometry DerivedValues::within(bool source, std::int32_t measure) const {
  const auto* shared = population_.shared_points();
  if (shared != nullptr &&
      (shared->geometry.kind == Geometry::Kind::grid || is_plain_matrix(shared->geometry)))
    return shared->geometry;
  Geometry geometry;
  geometry.kind = Geometry::Kind::points;
  if (shared != nullptr) {
    const auto& whole = shared->geometry;
    geometry.ground_cost = whole.ground_cost;
    geometry.dimension = whole.dimension;
    geometry.source_points = source ? whole.source_points : whole.target_points;
    geometry.n = source ? whole.n : whole.m;
  } else {
    const auto facts = population_.geometry();
    geometry.ground_cost = facts.ground_cost;
    geometry.dimension = facts.coordinates;
    const auto own = population_.points(source, measure);
    geometry.source_points.assign(own.begin(), own.end());
    geometry.n = static_cast<std::int64_t>(population_.weights(source, measure).size());
  }
  geometry.target_points = geometry.source_points;
  geometry.m = geometry.n;
  return geometry;
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
  const auto find = [&](std::span<const std::int32_t> some) {
    std::vector<ScaledWeights> their_weights;
    for (const auto s : some)
      their_weights.push_back({population_.weights(source, s), balanced ? 1 / all.mass[s] : 1.0});
    const auto found =
        transport_to_themselves(within(source, some.front()), their_weights, settings);
    // Without the term epsilon mass², as in add().
    for (std::size_t k = 0; k < some.size(); ++k) {
      const double mass = all.mass[some[k]];
      all.self[some[k]] =
          balanced ? mass * (found[k] - e) - e * mass * std::log(mass) : found[k] - e * mass * mass;
    }
  };
  const std::size_t at_once = population_.clouds() != nullptr ? 1 : 1024;
  for (std::size_t first = 0; first < wanted.size(); first += at_once)
    find(std::span(wanted).subspan(first, std::min(at_once, wanted.size() - first)));
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
