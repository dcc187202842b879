#include "src/families/gromov_wasserstein/space_population.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"
#include "distributed/staged_path.hpp"
#include "src/config/nearest_name.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"
#include "src/data/fingerprint.hpp"
#include "src/populations/pair_choice.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

constexpr const char *weights_name = "/measures/weights", *offsets_name = "/measures/offsets",
                     *costs_name = "/measures/costs", *features_name = "/measures/features",
                     *source_name = "/problems/source", *target_name = "/problems/target";

/// A name that means nothing would else be left out in silence.
void check_names(const Hdf5File& file) {
  const auto check = [&](const std::string& group, const std::vector<std::string>& known) {
    for (const auto& name : file.children(group)) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const auto near = nearest_name(name, known);
      throw UserError(fmt::format(
          "{}: {}: unknown dataset '{}'; {}", file.path().string(), group, name,
          near.empty() ? (known.empty() ? std::string("spaces have none there")
                                        : fmt::format("known are {}", fmt::join(known, ", ")))
                       : fmt::format("did you mean '{}'?", near)));
    }
  };
  check("/measures", {"weights", "offsets", "costs", "features"});
  check("/problems", {"source", "target"});
  check("/geometry", {});
}

void check_offsets(const std::string& name, const SpacePopulation& spaces) {
  const auto& offsets = spaces.offsets;
  const auto fail = [&](const std::string& text) {
    throw UserError(fmt::format("{}: {} {}", name, offsets_name, text));
  };
  if (offsets.empty() || offsets.front() != 0) fail("does not begin with 0");
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
    if (offsets[s + 1] <= offsets[s])
      fail(fmt::format("gives space {} no points: {} follows {}", s, offsets[s + 1], offsets[s]));
  if (offsets.back() != static_cast<std::int64_t>(spaces.weights.size()))
    fail(fmt::format("ends with {}, but there are {} weights", offsets.back(),
                     spaces.weights.size()));
}

/// Finite and symmetric: a plan compares the costs of unordered pairs.
void check_costs(const std::string& name, const SpacePopulation& spaces) {
  std::int64_t expected = 0;
  for (std::int64_t s = 0; s < spaces.spaces(); ++s) expected += spaces.size(s) * spaces.size(s);
  if (expected != static_cast<std::int64_t>(spaces.costs.size()))
    throw UserError(
        fmt::format("{}: {} has {} numbers, expected {}: n x n for each space, one after the other",
                    name, costs_name, spaces.costs.size(), expected));
  const double* matrix = spaces.costs.data();
  for (std::int64_t s = 0; s < spaces.spaces(); ++s) {
    const std::int64_t n = spaces.size(s);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < n; ++k) {
        const double cost = matrix[i * n + k], back = matrix[k * n + i];
        if (!std::isfinite(cost) || std::abs(cost) > 1e150)
          throw UserError(fmt::format("{}: {} space {} has the cost {} between points {} and {}",
                                      name, costs_name, s, cost, i, k));
        if (std::abs(cost - back) > 1e-12 * (std::abs(cost) + std::abs(back)))
          throw UserError(
              fmt::format("{}: {} space {} has the cost {} from point {} to {}, and {} back; "
                          "matrices must be symmetric",
                          name, costs_name, s, cost, i, k, back));
      }
    matrix += n * n;
  }
}

}  // namespace

double SpacePopulation::mass(std::int64_t space) const {
  return std::accumulate(weights.begin() + offsets[space], weights.begin() + offsets[space + 1],
                         0.0);
}

std::string SpacePopulation::content_fingerprint() const {
  Fnv hash;
  hash.add(weights);
  hash.add(costs);
  hash.add(feature_values);
  hash.add(static_cast<std::uint64_t>(features));
  for (const std::int64_t offset : offsets) hash.add(static_cast<std::uint64_t>(offset));
  for (const auto* side : {&source, &target})
    for (const std::int32_t one : *side) hash.add(static_cast<std::uint64_t>(one));
  return hash.digits();
}

void SpacePopulation::validate(const std::string& name, bool equal_masses) const {
  check_offsets(name, *this);
  check_costs(name, *this);
  if (features > 0 && feature_values.size() != weights.size() * static_cast<std::size_t>(features))
    throw UserError(fmt::format("{}: {} has {} numbers, expected {} points with {} each", name,
                                features_name, feature_values.size(), weights.size(), features));
  for (std::size_t at = 0; at < feature_values.size(); ++at)
    if (!std::isfinite(feature_values[at]))
      throw UserError(fmt::format("{}: {} point {} has the feature {}", name, features_name,
                                  static_cast<std::int64_t>(at) / features, feature_values[at]));
  std::vector<double> masses;
  for (std::int64_t s = 0; s < spaces(); ++s)
    masses.push_back(check_measure(name + ": " + weights_name, "space", s,
                                   std::span(weights).subspan(static_cast<std::size_t>(offsets[s]),
                                                              static_cast<std::size_t>(size(s)))));
  check_problems(name, source, target, masses, masses, equal_masses, false);
}

bool holds_spaces(const std::filesystem::path& path) {
  const auto file = Hdf5File::open(path);
  return file.string_attribute("/", family_attribute).value_or("") ==
         word_of(ProblemKind::gromov_wasserstein);
}

SpacePopulation read_spaces(const std::filesystem::path& path, bool equal_masses) {
  const auto file = Hdf5File::open(path);
  check_population_groups(file, word_of(ProblemKind::gromov_wasserstein));
  check_names(file);
  SpacePopulation spaces;
  std::vector<std::int64_t> shape;
  spaces.weights = read_numbers(file, weights_name, 1, shape);
  spaces.offsets = read_integers(file, offsets_name);
  spaces.costs = read_numbers(file, costs_name, 1, shape);
  if (file.has(features_name)) {
    spaces.feature_values = read_numbers(file, features_name, 2, shape);
    spaces.features = shape[1];
  }
  spaces.source = read_indices(file, source_name);
  spaces.target = read_indices(file, target_name);
  spaces.validate(path.string(), equal_masses);
  return spaces;
}

SpacePopulation read_job_spaces(const Job& job, const std::filesystem::path& file) {
  auto spaces = read_spaces(file, !job.solver.normalize);
  if (job.solver.normalize)
    for (std::int64_t s = 0; s < spaces.spaces(); ++s)
      scale_to_mass_one(std::span(spaces.weights)
                            .subspan(static_cast<std::size_t>(spaces.offsets[s]),
                                     static_cast<std::size_t>(spaces.size(s))));
  return spaces;
}

SpacePopulation build_spaces(const Job& job, std::string& remark) {
  const MeasureSource& data = job.data.test;
  if (data.empty())
    throw UserError(
        "data.test is missing: with problem = 'gromov_wasserstein' and problem.geometry = 'dense' "
        "it "
        "has matrices [M, n, n] of the costs within M spaces");
  auto array = read_array(data);
  const auto& shape = array.shape;
  const auto fail = [&](const std::string& text) { throw UserError(name_of(data) + ": " + text); };
  if (shape.size() != 3 || shape[1] != shape[2] || shape[0] < 1 || shape[1] < 1)
    fail(fmt::format("costs within spaces must have shape [M, n, n], not {}", shape_text(shape)));
  const std::int64_t count = shape[0], n = shape[1];
  SpacePopulation spaces;
  spaces.costs = std::move(array.values);
  for (std::int64_t s = 1; s <= count; ++s) spaces.offsets.push_back(s * n);
  spaces.weights.assign(static_cast<std::size_t>(count * n), 1 / static_cast<double>(n));
  if (!data.weights.empty()) {
    auto weights = read_array(data.weights);
    if (weights.shape != std::vector<std::int64_t>{count, n})
      fail(fmt::format("weights have shape {}, expected [{}, {}]", shape_text(weights.shape), count,
                       n));
    spaces.weights = std::move(weights.values);
    for (std::int64_t s = 0; s < count; ++s) {
      const auto one = std::span(spaces.weights)
                           .subspan(static_cast<std::size_t>(s * n), static_cast<std::size_t>(n));
      check_measure(name_of(data.weights), "space", s, one);
      scale_to_mass_one(one);
    }
  }
  auto pairs = choose_pairs(
      {count, count, true}, job.make,
      {job.make.test_problems, "make.test_problems", static_cast<std::uint64_t>(job.seed), 0});
  spaces.source = std::move(pairs.source);
  spaces.target = std::move(pairs.target);
  remark = std::move(pairs.remark);
  spaces.validate(name_of(data), true);
  return spaces;
}

void write_spaces(const std::filesystem::path& path, const SpacePopulation& spaces) {
  distributed::StagedPath staged(path, distributed::FileMark::hdf5(population_kind));
  auto file = Hdf5File::create(staged.temporary());
  mark_population(file, word_of(ProblemKind::gromov_wasserstein));
  file.create_group("/geometry");
  const auto write = [&](const char* name, const std::vector<double>& values,
                         const std::vector<std::int64_t>& shape) {
    file.write<double>(name, shape, values);
  };
  const auto total = static_cast<std::int64_t>(spaces.weights.size());
  write(weights_name, spaces.weights, {total});
  write(costs_name, spaces.costs, {static_cast<std::int64_t>(spaces.costs.size())});
  if (spaces.features > 0) write(features_name, spaces.feature_values, {total, spaces.features});
  file.write<std::int64_t>(offsets_name, {static_cast<std::int64_t>(spaces.offsets.size())},
                           spaces.offsets);
  write_problems(file, spaces.source, spaces.target);
  file.close();
  staged.commit();
}

}  // namespace otfleet
