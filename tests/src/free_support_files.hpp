#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

namespace otfleet::testing {

/// A population of barycenter problems with free support as a user writes it by hand.
struct FreeSupportFile {
  std::string cost = "squared_euclidean";
  std::int64_t dimension = 1;
  std::vector<double> weights, points;           ///< [total], [total, dimension]
  std::vector<std::int64_t> measures_end = {0};  ///< offsets of the measures
  std::vector<std::int64_t> offsets = {0}, measures;
  std::vector<double> mean_weights;  ///< empty: left out
  std::int64_t n = 0;                ///< of barycenters
  std::vector<double> start;         ///< [P, n, dimension]; empty: left out
  std::vector<double> support;       ///< [P, n]; empty: left out

  /// Another measure of equal weights.
  void add_measure(const std::vector<double>& its_points, double mass = 1) {
    const auto count = static_cast<std::int64_t>(its_points.size()) / dimension;
    points.insert(points.end(), its_points.begin(), its_points.end());
    weights.insert(weights.end(), static_cast<std::size_t>(count),
                   mass / static_cast<double>(count));
    measures_end.push_back(measures_end.back() + count);
  }
  void add_problem(const std::vector<std::int64_t>& its_measures) {
    measures.insert(measures.end(), its_measures.begin(), its_measures.end());
    offsets.push_back(static_cast<std::int64_t>(measures.size()));
  }

  void write(const std::filesystem::path& path,
             const std::function<void(distributed::Hdf5File&)>& change = {}) const {
    using distributed::Hdf5File;
    auto file = Hdf5File::create(path);
    const auto length = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
    file.set_attribute("/", "otfleet_family", std::string("barycenter"));
    file.create_group("/geometry");
    file.set_attribute("/geometry", "kind", std::string("clouds"));
    if (!cost.empty()) file.set_attribute("/geometry", "cost", cost);
    file.write<double>("/measures/weights", {length(weights)}, weights);
    file.write<double>("/measures/points", {length(points) / dimension, dimension}, points);
    file.write<std::int64_t>("/measures/offsets", {length(measures_end)}, measures_end);
    file.write<std::int64_t>("/problems/offsets", {length(offsets)}, offsets);
    file.write<std::int64_t>("/problems/measures", {length(measures)}, measures);
    if (!mean_weights.empty())
      file.write<double>("/problems/weights", {length(mean_weights)}, mean_weights);
    const std::int64_t problems = length(offsets) - 1;
    if (!start.empty()) file.write<double>("/barycenter/points", {problems, n, dimension}, start);
    if (!support.empty()) file.write<double>("/barycenter/weights", {problems, n}, support);
    if (change) change(file);
    file.close();
  }
};

}  // namespace otfleet::testing
