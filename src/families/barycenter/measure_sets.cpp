#include "src/families/barycenter/measure_sets.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {
namespace {

constexpr double mass_tolerance = 1e-5;  // relative; float32 sums of a million weights pass

constexpr const char* offsets_name = "/problems/offsets";
constexpr const char* measures_name = "/problems/measures";
constexpr const char* entry_weights_name = "/problems/weights";

void check_offsets(const std::string& name, const std::vector<std::int64_t>& offsets,
                   std::size_t entries) {
  const auto fail = [&](const std::string& text) {
    throw UserError(fmt::format("{}: {} {}", name, offsets_name, text));
  };
  if (offsets.empty())
    fail("is empty; it has one entry more than there are problems, the first is 0");
  if (offsets.front() != 0) fail(fmt::format("begins with {}, not with 0", offsets.front()));
  for (std::size_t k = 0; k + 1 < offsets.size(); ++k)
    if (offsets[k + 1] <= offsets[k])
      fail(fmt::format("goes from {} to {} at problem {}: every problem needs a measure",
                       offsets[k], offsets[k + 1], k));
  if (offsets.back() != static_cast<std::int64_t>(entries))
    fail(
        fmt::format("ends with {}, but {} has {} entries", offsets.back(), measures_name, entries));
}

}  // namespace

std::int64_t MeasureSets::largest() const {
  std::int64_t most = 0;
  for (std::int64_t k = 0; k < problems(); ++k) most = std::max(most, size(k));
  return most;
}

kernels::BarycenterSets MeasureSets::some(std::int64_t first,
                                          std::span<const std::int32_t> which) const {
  kernels::BarycenterSets result;
  for (const std::int32_t one : which) {
    const auto k = static_cast<std::size_t>(first + one);
    for (auto at = static_cast<std::size_t>(offsets[k]);
         at < static_cast<std::size_t>(offsets[k + 1]); ++at) {
      result.measures.push_back(measures[at]);
      result.weights.push_back(weight(at));
    }
    result.offsets.push_back(static_cast<std::int64_t>(result.measures.size()));
  }
  return result;
}

kernels::BarycenterSets MeasureSets::part(distributed::Shard rows) const {
  std::vector<std::int32_t> all(static_cast<std::size_t>(rows.size()));
  std::iota(all.begin(), all.end(), 0);
  return some(rows.begin, all);
}

void MeasureSets::validate(const std::string& name, const std::vector<double>& masses,
                           bool equal_masses, bool may_differ) const {
  check_offsets(name, offsets, measures.size());
  if (!weights.empty() && weights.size() != measures.size())
    throw UserError(fmt::format("{}: {} has {} entries, {} {}", name, entry_weights_name,
                                weights.size(), measures_name, measures.size()));
  for (std::int64_t k = 0; k < problems(); ++k) {
    double sum = 0;
    for (auto at = static_cast<std::size_t>(offsets[k]);
         at < static_cast<std::size_t>(offsets[k + 1]); ++at) {
      if (measures[at] < 0 || static_cast<std::size_t>(measures[at]) >= masses.size())
        throw UserError(
            fmt::format("{}: {} entry {} (problem {}) refers to measure {}; there are "
                        "{}, from 0",
                        name, measures_name, at, k, measures[at], masses.size()));
      const double one = weight(at);
      if (!(one >= 0) || !std::isfinite(one))
        throw UserError(
            fmt::format("{}: {} entry {} (problem {}) is {}; weights are finite and "
                        "not negative",
                        name, entry_weights_name, at, k, one));
      sum += one;
      const double first = masses[measures[offsets[k]]], mass = masses[measures[at]];
      if (equal_masses && std::abs(first - mass) > mass_tolerance * std::max(first, mass))
        throw UserError(fmt::format(
            "{}: problem {} has masses that differ: {} (measure {}) and {} (measure {}); "
            "solver.normalize = true scales every measure to mass 1{}",
            name, k, first, measures[offsets[k]], mass, measures[at],
            may_differ ? ", and equal problem.tau_a and problem.tau_b below 1 let masses differ"
                       : ""));
    }
    if (!(sum > 0) || !std::isfinite(sum))
      throw UserError(fmt::format("{}: {} of problem {} {}", name, entry_weights_name, k,
                                  sum > 0 ? "have no finite sum" : "are all zero"));
  }
}

void MeasureSets::add_to(Fnv& hash) const {
  hash.add(offsets);
  hash.add(measures);
  hash.add(weights);
}

const std::vector<std::string>& measure_set_names() {
  static const std::vector<std::string> names = {"offsets", "measures", "weights"};
  return names;
}

MeasureSets read_measure_sets(const distributed::Hdf5File& file) {
  MeasureSets sets;
  sets.offsets = read_integers(file, offsets_name);
  sets.measures = read_indices(file, measures_name);
  std::vector<std::int64_t> shape;
  if (file.has(entry_weights_name)) sets.weights = read_numbers(file, entry_weights_name, 1, shape);
  return sets;
}

void write_measure_sets(distributed::Hdf5File& file, const MeasureSets& sets) {
  const auto entries = static_cast<std::int64_t>(sets.measures.size());
  file.write<std::int64_t>(offsets_name, {sets.problems() + 1}, sets.offsets);
  file.write<std::int32_t>(measures_name, {entries}, sets.measures);
  if (!sets.weights.empty()) file.write<double>(entry_weights_name, {entries}, sets.weights);
}

}  // namespace otfleet
