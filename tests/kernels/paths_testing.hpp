#pragma once
#include <random>
#include <vector>

#include "kernels/paths/least_action.hpp"
#include "tests/kernels/device_values.hpp"

// For tests of paths of least action.

namespace otfleet::kernels::test {

/// Rows of so many values.
inline Matrix<double, Space> matrix_of(const Row& values, int columns) {
  const auto flat = to_device(values);
  const auto wide = static_cast<std::size_t>(columns);
  const Matrix<double, Space> matrix("otfleet::test::matrix", values.size() / wide, wide);
  Kokkos::deep_copy(matrix, Matrix<double, Space>(flat.data(), values.size() / wide, wide));
  return matrix;
}

struct Found {
  Row action, fine, straight, residual, nodes, coefficients;
  std::vector<int> start, steps, status;
};

inline Found solve(const Lagrangian& lagrangian, int dimension, const Row& x, const Row& y,
                   const PathSettings& settings = {}, const Row& predicted = {}) {
  const std::size_t count = x.size() / static_cast<std::size_t>(dimension);
  LeastActionPaths<Space> paths(lagrangian, dimension, settings);
  const auto numbers = [&] { return Vector<double, Space>("otfleet::test::numbers", count); };
  const auto counts = [&] { return Vector<int, Space>("otfleet::test::counts", count); };
  LeastActions<Space> result{numbers(), numbers(), numbers(), numbers(), counts(),
                             counts(),  counts(),  counts(),  {},        {}};
  result.nodes = Matrix<double, Space>("otfleet::test::nodes", count,
                                       static_cast<std::size_t>(settings.nodes * dimension));
  const int length = paths.basis().coefficients * dimension;
  result.coefficients =
      Matrix<double, Space>("otfleet::test::coefficients", count, static_cast<std::size_t>(length));
  Matrix<const double, Space> begun;
  if (!predicted.empty()) begun = matrix_of(predicted, length);
  paths.solve(Space(), matrix_of(x, dimension), matrix_of(y, dimension), begun, result);
  return {to_host(result.action),   to_host(result.fine),  to_host(result.straight),
          to_host(result.residual), to_host(result.nodes), to_host(result.coefficients),
          to_host(result.start),    to_host(result.steps), to_host(result.status)};
}

/// `count` points within a share of the Lagrangian's box, or of [−1, 1]^dimension.
inline Row points_of(const Lagrangian& lagrangian, int count, int dimension, unsigned seed,
                     double share = 0.8) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  const PlaneBox box = std::visit([](const auto& typed) { return typed.box; }, lagrangian);
  Row points;
  for (int k = 0; k < count; ++k)
    for (int i = 0; i < dimension; ++i) {
      const double low = i < 2 ? box.low[i] : -1, high = i < 2 ? box.high[i] : 1;
      const double middle = (low + high) / 2;
      points.push_back(middle + share * (low - middle + (high - low) * uniform(engine)));
    }
  return points;
}

}  // namespace otfleet::kernels::test
