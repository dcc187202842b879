#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet {

/// The cost between n source points and m target points, shared by every problem of a population.
/// Costs are not halved: "squared_euclidean" is |x − y|².
struct Geometry {
  enum class Kind { grid, dense, points };
  Kind kind = Kind::grid;

  /// grid: the coordinates of each axis, the same on both sides; n = m = product of the lengths,
  /// the last axis fastest. The cost is the sum over axes of (x_d − y_d)².
  std::vector<std::vector<double>> axes;

  /// dense: the cost matrix [n, m], row-major. points: empty, costs are computed on the fly.
  std::vector<double> cost;
  /// The cost between the points below; none: any other, "matrix" in files, dense only.
  std::optional<kernels::GroundCost> ground_cost = kernels::SquaredEuclideanCost();
  /// dense, "matrix": the Lagrangian whose least actions the costs are, for people; or empty.
  std::string lagrangian;
  /// dense, points: [n, dimension] and [m, dimension]; dense: empty when only the matrix is known.
  std::vector<double> source_points, target_points;
  std::int64_t dimension = 0;  ///< of the points; 0 when there are none

  std::int64_t n = 0, m = 0;

  std::string cost_name() const { return cost_word(ground_cost); }

  /// Coordinates of a point; 0 where only a cost matrix is known.
  std::int64_t coordinates() const {
    return kind == Kind::grid ? static_cast<std::int64_t>(axes.size()) : dimension;
  }

  /// Points of a side, [n, d] row-major, for both kinds; empty for a dense matrix without points.
  std::vector<double> points(bool source) const;

  /// Kind, cost, sizes and fingerprint for people, two lines.
  std::string description() const;

  /// Throws UserError: sizes that do not fit, numbers that are not finite (but for inf in a cost
  /// matrix), a matrix that is not that of its points. `name` is the file, for the message.
  void validate(const std::string& name) const;

  /// 16 hex digits over kind and cost: a checkpoint carries it, so that a model is never applied
  /// to another cost than it was trained for.
  std::string fingerprint() const;
};

/// Many OT problems on one geometry: measures are stored once, problems are pairs of indices.
///
/// The file (HDF5, attribute `otfleet_kind` = "population", `otfleet_version` = 1 on the root):
///   /measures/weights [M, n]                       float64, every row one measure, or
///   /measures/source_weights [Ms, n], /measures/target_weights [Mt, m]
///   /measures/labels [M] integers, beside weights and if known
///   /problems/source, /problems/target [P]         int32, rows of the measures
///   /problems/sequence [P]  integers, if problems form sequences (sequences.hpp)
///   /geometry, attribute `kind`; grid: /geometry/axis_0, axis_1, … (coordinates);
///     dense: /geometry/cost [n, m] and, if known, /geometry/source_points, target_points;
///     points: /geometry/source_points [n, d] and target_points [m, d];
///     attributes `cost` (a ground cost or "matrix") and its parameters: `power`,
///     `great_circle_divisor`; `lagrangian` where a matrix has least actions
struct Population {
  Geometry geometry;
  bool shared_measures = true;         ///< both sides draw from source_weights
  std::vector<double> source_weights;  ///< [source_measures, n]
  std::vector<double> target_weights;  ///< [target_measures, m]; empty when shared
  std::int64_t source_measures = 0, target_measures = 0;
  std::vector<std::int32_t> source, target;  ///< [P]
  std::vector<std::int64_t> sequence;        ///< [P], or empty: problems have no order
  std::vector<std::int64_t> labels;  ///< of shared measures [M], or empty; nothing is solved
                                     ///< by them

  std::int64_t problems() const { return static_cast<std::int64_t>(source.size()); }

  /// 16 hex digits over the geometry, all measures and all problems. Work: a look at every number.
  std::string content_fingerprint() const;

  /// Scales every measure to mass 1. The masses must be positive.
  void normalize();

  /// Throws UserError that names the measure or problem: sizes that do not fit, weights that are
  /// negative, NaN, infinite or all zero, indices out of range, sequences that are torn apart, and,
  /// where `equal_masses` is asked
  /// for, masses of a pair that differ by more than 1e-5 relative. `name` is the file, for the
  /// message.
  void validate(const std::string& name, bool equal_masses = true) const;
};

/// Throws UserError unless every row of `weights` [rows, columns] is a measure: no negative, NaN or
/// infinite weight, not all zero, a finite mass. `name` begins the message: "pop.h5:
/// /measures/weights row 17 has a negative weight (-0.2 at point 31)". Returns the masses. Local.
std::vector<double> check_weights(const std::string& name, std::span<const double> weights,
                                  std::int64_t rows, std::int64_t columns);

/// Reads and validates; weights may be of any integer or float type, and `otfleet_kind` and the
/// geometry's `kind` may be missing (files written by hand). Local: every rank reads the whole file
/// (a pair is two indices, so a million problems over 5,000 digits are 8 MB and 31 MB). Throws
/// UserError.
Population read_population(const std::filesystem::path& file, bool equal_masses = true);

/// Writes under a temporary name, then renames. Local: rank 0 alone calls it. Throws UserError.
void write_population(const std::filesystem::path& file, const Population& population);

}  // namespace otfleet
