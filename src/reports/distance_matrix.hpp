#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "distributed/hdf5_file.hpp"

// Solutions of every pair of one set of measures: their costs are a matrix of distances.

namespace otfleet {

inline constexpr const char* matrix_name = "solution_matrix.h5";
inline constexpr const char* npy_matrix_name = "solution_matrix.npy";

/// M × M numbers, row-major, symmetric, with a diagonal of zeros.
struct DistanceMatrix {
  std::int64_t measures = 0;
  std::vector<double> values;

  double operator()(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * measures + j)];
  }
};

/// More make a matrix that nobody looks at, and that takes more memory than the solve.
inline constexpr std::int64_t most_matrix_measures = 20'000;

/// Is every pair of measures 0, …, M − 1 solved once, in either order? M; else 0, as where there
/// are more than `most`. Reads the indices of the problems where their number fits. Local.
std::int64_t measures_of_all_pairs(const distributed::Hdf5File& solution,
                                   std::int64_t most = most_matrix_measures);

/// A column of a solution of all pairs of M measures, "transport_cost" or another of one number a
/// problem, as a matrix. Local.
DistanceMatrix read_matrix(const distributed::Hdf5File& solution, const std::string& column,
                           std::int64_t measures);

/// |a − b|² between rows of weights [M, n]. Local.
DistanceMatrix squared_euclidean_matrix(std::span<const double> weights, std::int64_t measures);

/// The share of measures whose nearest other measure has the same label; the first of several that
/// are equally near. Local.
double nearest_neighbor_accuracy(const DistanceMatrix& distances,
                                 std::span<const std::int64_t> labels);

/// Classical scaling (Torgerson 1952): points [M, 2] in the plane whose squared distances come
/// nearest to the values. The two largest eigenpairs of −½ J D J, by orthogonal iteration. Local.
std::vector<double> classical_scaling(const DistanceMatrix& squared_distances);

/// DIR/solution_matrix.h5 with /matrix/transport_cost, lower_bound and upper_bound [M, M], and the
/// first of them as DIR/solution_matrix.npy. False, and no file, where the solution is not that of
/// all pairs. For rank 0 alone. Throws UserError when it cannot write.
bool write_matrix(const distributed::Hdf5File& solution, const std::filesystem::path& folder);

/// How often the nearest neighbor has the same label.
struct NeighborAccuracy {
  std::int64_t measures = 0;
  double transport = 0, euclidean = 0;
};

/// Of a solution of all pairs of at most 2,000 measures of a population that has labels and
/// weights; else none. Local.
std::optional<NeighborAccuracy> neighbor_accuracy(const distributed::Hdf5File& solution,
                                                  const std::filesystem::path& population);

}  // namespace otfleet
