#pragma once
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

namespace otfleet::testing {

/// A population of barycenter problems as a user writes it by hand.
struct BarycenterFile {
  std::string geometry = "grid";          ///< kind; empty: no attribute
  std::vector<std::vector<double>> axes;  ///< grid
  std::vector<double> cost;               ///< dense, [n, m]
  std::vector<double> points;             ///< points, of both sides [n, dimension]
  std::int64_t n = 0, m = 0, dimension = 1;
  std::vector<double> weights;  ///< [M, m]
  std::vector<std::int64_t> offsets, measures;
  std::vector<double> mean_weights;  ///< empty: left out

  void write(const std::filesystem::path& path,
             const std::function<void(distributed::Hdf5File&)>& change = {}) const {
    using distributed::Hdf5File;
    auto file = Hdf5File::create(path);
    file.set_attribute("/", "otfleet_family", std::string("barycenter"));
    file.create_group("/geometry");
    if (!geometry.empty()) file.set_attribute("/geometry", "kind", geometry);
    for (std::size_t d = 0; d < axes.size(); ++d)
      file.write<double>("/geometry/axis_" + std::to_string(d),
                         {static_cast<std::int64_t>(axes[d].size())}, axes[d]);
    if (!cost.empty()) file.write<double>("/geometry/cost", {n, m}, cost);
    if (!points.empty()) {
      file.set_attribute("/geometry", "cost", std::string("squared_euclidean"));
      for (const char* side : {"/geometry/source_points", "/geometry/target_points"})
        file.write<double>(side, {n, dimension}, points);
    }
    file.write<double>("/measures/weights", {static_cast<std::int64_t>(weights.size()) / m, m},
                       weights);
    file.write<std::int64_t>("/problems/offsets", {static_cast<std::int64_t>(offsets.size())},
                             offsets);
    file.write<std::int64_t>("/problems/measures", {static_cast<std::int64_t>(measures.size())},
                             measures);
    if (!mean_weights.empty())
      file.write<double>("/problems/weights", {static_cast<std::int64_t>(mean_weights.size())},
                         mean_weights);
    if (change) change(file);
    file.close();
  }
};

/// Fifteen bins 0 … 14, Gaussians with means 4 and 10 and standard deviation 2, the squared
/// distance over its maximum, weights 0.3 and 0.7.
inline BarycenterFile two_gaussians() {
  BarycenterFile file;
  file.geometry = "dense";
  file.n = file.m = 15;
  for (int i = 0; i < 15; ++i)
    for (int j = 0; j < 15; ++j) file.cost.push_back((i - j) * (i - j) / 196.0);
  for (const double mean : {4.0, 10.0}) {
    std::vector<double> weights;
    double mass = 0;
    for (int i = 0; i < 15; ++i) {
      weights.push_back(std::exp(-(i - mean) * (i - mean) / 8));
      mass += weights.back();
    }
    for (const double weight : weights) file.weights.push_back(weight / mass);
  }
  file.offsets = {0, 2};
  file.measures = {0, 1};
  file.mean_weights = {0.3, 0.7};
  return file;
}

}  // namespace otfleet::testing
