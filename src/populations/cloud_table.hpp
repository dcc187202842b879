#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "src/data/fingerprint.hpp"
#include "src/populations/thumbnails.hpp"

namespace otfleet {

/// Measures that each have points of their own: measure s has the weights and points of the rows
/// offsets[s] … offsets[s + 1] − 1.
struct CloudTable {
  std::vector<double> weights;              ///< [total]
  std::vector<double> points;               ///< [total, dimension]
  std::vector<std::int64_t> offsets = {0};  ///< [M + 1]
  std::vector<std::string> names = {};      ///< [M], what users call the measures, or empty
  Thumbnails thumbnails = {};               ///< [M], of images

  std::int64_t count() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t size(std::int64_t measure) const { return offsets[measure + 1] - offsets[measure]; }

  double mass(std::int64_t measure) const;
  /// Scales every measure to mass 1. The masses must be positive.
  void normalize();
  void add_to(Fnv& hash) const;
};

// The datasets of a table in a population file, whose names begin with `prefix`: weights [total],
// points [total, d], offsets [M + 1], and maybe names [M], strings, and thumbnails. Local. All
// throw UserError.

/// Offsets and names alone, checked as far as that goes. `dimension`: that of another side, or 0;
/// becomes that of the points.
CloudTable read_cloud_table_outline(const distributed::Hdf5File& file, const std::string& prefix,
                                    std::int64_t& dimension);
/// Weights, points and thumbnails.
void read_cloud_table(const distributed::Hdf5File& file, const std::string& prefix,
                      CloudTable& table);
void write_cloud_table(distributed::Hdf5File& file, const std::string& prefix,
                       const CloudTable& table, std::int64_t dimension);
/// Unless offsets, names, weights and points are what they must be and the cost takes the points;
/// names the measure. Returns the masses.
std::vector<double> check_cloud_table(const std::string& prefix, const CloudTable& table,
                                      std::int64_t dimension, const kernels::GroundCost& cost);

/// Unless coordinates of a measure are finite and the cost takes its points: points of `dimension`
/// coordinates, the first of them point `first`, in the dataset `prefix` + "points". Throws
/// UserError.
void check_points(const std::string& prefix, std::int64_t measure, std::span<const double> points,
                  std::int64_t dimension, std::int64_t first, const kernels::GroundCost& cost);

}  // namespace otfleet
