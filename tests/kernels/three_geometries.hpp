#pragma once
#include <cstdint>
#include <vector>

#include "kernels/api/problems.hpp"
#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels::test {

/// Measures that are clouds, and the same measures on the union of their
/// points, with the costs as a matrix and computed where they are used.
struct ThreeGeometries {
  Row weights, points;
  std::vector<std::int64_t> offsets = {0};
  Row all_weights, matrix;
  int total = 0, dimension;

  /// Each with `fewest` to `most` points of `d` coordinates in the unit cube.
  ThreeGeometries(Random& random, int measures, int fewest = 1, int most = 12, int d = 2)
      : dimension(d) {
    for (int s = 0; s < measures; ++s) {
      const int n = random.integer(fewest, most);
      const Row own = random.weights(n);
      weights.insert(weights.end(), own.begin(), own.end());
      for (int i = 0; i < d * n; ++i) points.push_back(random.uniform());
      offsets.push_back(offsets.back() + n);
    }
    total = static_cast<int>(offsets.back());
    for (int s = 0; s < measures; ++s)
      for (std::int64_t i = 0; i < total; ++i)
        all_weights.push_back(offsets[s] <= i && i < offsets[s + 1] ? weights[i] : 0.0);
    for (int i = 0; i < total; ++i)
      for (int j = 0; j < total; ++j) matrix.push_back(squared_distance(i, j));
  }

  double squared_distance(int i, int j) const {
    double sum = 0;
    for (int c = 0; c < dimension; ++c) {
      const double apart = points[static_cast<std::size_t>(i * dimension + c)] -
                           points[static_cast<std::size_t>(j * dimension + c)];
      sum += apart * apart;
    }
    return sum;
  }

  Problems clouds() const {
    return Problems::between_clouds(SquaredEuclideanCost(), dimension, {weights, points, offsets},
                                    {});
  }
  Problems table() const {
    return Problems::with_table(SeparableCost::dense(total, total, matrix), {all_weights, points},
                                {{}, points});
  }
  Problems shared() const {
    return Problems::between_points(SquaredEuclideanCost(), dimension, {all_weights, points},
                                    {{}, points});
  }
};

inline std::size_t entries(const std::vector<std::int64_t>& offsets) {
  return static_cast<std::size_t>(offsets.back());
}

}  // namespace otfleet::kernels::test
