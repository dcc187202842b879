#include "src/populations/population_parts.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "distributed/error.hpp"
#include "distributed/file_mark.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

constexpr double format_version = 1;
constexpr double mass_tolerance = 1e-5;  // relative; float32 sums of a million weights pass

void check_indices(const std::string& name, const std::vector<std::int32_t>& indices,
                   std::size_t measures) {
  for (std::size_t p = 0; p < indices.size(); ++p) {
    if (indices[p] < 0 || static_cast<std::size_t>(indices[p]) >= measures) {
      throw UserError(fmt::format("{} problem {} refers to measure {}; there are {}", name, p,
                                  indices[p], measures));
    }
  }
}

}  // namespace

void check_population_groups(const Hdf5File& file, const std::string& family) {
  const auto fail = [&](const std::string& text) {
    throw UserError(file.path().string() + ": " + text);
  };
  const auto kind = file.string_attribute("/", distributed::kind_attribute);
  if (kind && *kind != population_kind) fail(fmt::format("is a {} file, not a population", *kind));
  const auto version = file.number_attribute("/", "otfleet_version");
  if (version && *version > format_version) {
    fail(fmt::format("has format version {}; this otfleet reads up to {}", *version,
                     format_version));
  }
  const auto of = file.string_attribute("/", family_attribute).value_or("");
  if (of != family)
    fail(of.empty() ? fmt::format("its problems are pairs of measures, not of kind '{}'", family)
                    : fmt::format("its problems are of kind '{0}'; set problem = '{0}'", of));
  for (const char* group : {"/measures", "/problems", "/geometry"}) {
    if (!file.has(group) || !file.is_group(group)) {
      fail(fmt::format("is no population file: there is no group {}", group));
    }
  }
}

void mark_population(Hdf5File& file, const std::string& family) {
  file.set_attribute("/", distributed::kind_attribute, std::string(population_kind));
  file.set_attribute("/", "otfleet_version", static_cast<std::int64_t>(format_version));
  if (!family.empty()) file.set_attribute("/", family_attribute, family);
}

std::vector<std::int32_t> read_indices(const Hdf5File& file, const std::string& dataset) {
  const auto wide = read_integers(file, dataset);
  std::vector<std::int32_t> indices(wide.size());
  for (std::size_t p = 0; p < wide.size(); ++p) {
    if (wide[p] < 0 || wide[p] > std::numeric_limits<std::int32_t>::max()) {
      throw UserError(fmt::format("{}: {} problem {} refers to measure {}", file.path().string(),
                                  dataset, p, wide[p]));
    }
    indices[p] = static_cast<std::int32_t>(wide[p]);
  }
  return indices;
}

void write_problems(Hdf5File& file, const std::vector<std::int32_t>& source,
                    const std::vector<std::int32_t>& target) {
  const std::vector<std::int64_t> count = {static_cast<std::int64_t>(source.size())};
  file.write<std::int32_t>("/problems/source", count, source);
  file.write<std::int32_t>("/problems/target", count, target);
}

double sum_weights(const std::string& name, const char* what, std::int64_t index,
                   std::span<const double> weights, std::int64_t first) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i];
    if (weight >= 0 && std::isfinite(weight)) {
      sum += weight;
      continue;
    }
    const char* fault = std::isnan(weight)   ? "a NaN"
                        : std::isinf(weight) ? "an infinite weight"
                                             : "a negative weight";
    throw UserError(
        fmt::format("{} {} {} has {} ({} at point {}); weights are finite and not "
                    "negative",
                    name, what, index, fault, weight, first + static_cast<std::int64_t>(i)));
  }
  return sum;
}

void check_mass(const std::string& name, const char* what, std::int64_t index, double mass) {
  if (mass == 0)
    throw UserError(fmt::format("{} {} {} has only zero weights; leave it out", name, what, index));
  if (std::isinf(mass))
    throw UserError(fmt::format("{} {} {} has infinite mass", name, what, index));
}

double check_measure(const std::string& name, const char* what, std::int64_t index,
                     std::span<const double> weights) {
  const double mass = sum_weights(name, what, index, weights);
  check_mass(name, what, index, mass);
  return mass;
}

void scale_to_mass_one(std::span<double> weights) {
  double mass = 0;
  for (const double weight : weights) mass += weight;
  for (double& weight : weights) weight /= mass;
}

void check_problems(const std::string& name, const std::vector<std::int32_t>& source,
                    const std::vector<std::int32_t>& target,
                    const std::vector<double>& source_masses,
                    const std::vector<double>& target_masses, bool equal_masses, bool may_differ) {
  if (source.size() != target.size()) {
    throw UserError(fmt::format("{}: /problems/source has {} entries, /problems/target {}", name,
                                source.size(), target.size()));
  }
  check_indices(name + ": /problems/source", source, source_masses.size());
  check_indices(name + ": /problems/target", target, target_masses.size());
  for (std::size_t p = 0; equal_masses && p < source.size(); ++p) {
    const double a = source_masses[source[p]], b = target_masses[target[p]];
    if (std::abs(a - b) > mass_tolerance * std::max(a, b)) {
      throw UserError(
          fmt::format("{}: problem {} pairs masses that differ: {} (source {}) and {} "
                      "(target {}); solver.normalize = true scales every measure to mass 1{}",
                      name, p, a, source[p], b, target[p],
                      may_differ ? ", and in 'otfleet solve' problem.tau_a and problem.tau_b below "
                                   "1, or problem.transported_share, let masses differ"
                                 : ""));
    }
  }
}

}  // namespace otfleet
