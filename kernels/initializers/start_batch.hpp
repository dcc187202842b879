#pragma once
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/host_values.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

// Problems as closed forms of starts read them: pointers to the weights, the points and the
// potential of one, whether problems share their points or every measure has its own.

namespace otfleet::kernels {

/// The measures of one side.
template <class ExecutionSpace>
struct PointMeasures {
  Vector<const double, ExecutionSpace> weights;        ///< [total], shares of the mass
  Matrix<const double, ExecutionSpace> points;         ///< [total, d], or [n, d] where shared
  Vector<const std::int64_t, ExecutionSpace> offsets;  ///< [M + 1], of the rows of a measure
  bool shared_points = true;
  int largest = 0;  ///< points of a measure

  KOKKOS_FUNCTION int count() const { return static_cast<int>(offsets.extent(0)) - 1; }
  KOKKOS_FUNCTION int dimension() const { return static_cast<int>(points.extent(1)); }
  KOKKOS_FUNCTION int size(int measure) const {
    return static_cast<int>(offsets(measure + 1) - offsets(measure));
  }
  KOKKOS_FUNCTION const double* weights_of(int measure) const {
    return weights.data() + offsets(measure);
  }
  /// Row-major, dimension() coordinates a point.
  KOKKOS_FUNCTION const double* points_of(int measure) const {
    return points.data() + (shared_points ? 0 : offsets(measure) * points.extent(1));
  }
};

/// A batch and its starts.
template <class ExecutionSpace>
struct StartBatch {
  PointMeasures<ExecutionSpace> source, target;
  Vector<const int, ExecutionSpace> source_index, target_index;  ///< [B]
  Vector<const std::int64_t, ExecutionSpace> begin;              ///< [B], in f
  Vector<double, ExecutionSpace> f;

  KOKKOS_FUNCTION int size() const { return static_cast<int>(source_index.extent(0)); }
  KOKKOS_FUNCTION double* start(int problem) const { return f.data() + begin(problem); }
};

/// 0, step, 2 step, …, count + 1 of them.
template <class ExecutionSpace>
Vector<const std::int64_t, ExecutionSpace> equal_steps(std::int64_t count, std::int64_t step) {
  std::vector<std::int64_t> values;
  for (std::int64_t k = 0; k <= count; ++k) values.push_back(k * step);
  return copy_to_device<ExecutionSpace>("otfleet::initializers::list", values);
}

template <class ExecutionSpace>
PointMeasures<ExecutionSpace> point_measures(const Measures<ExecutionSpace>& measures,
                                             const Matrix<const double, ExecutionSpace>& points) {
  if (static_cast<int>(points.extent(0)) != measures.points())
    throw std::invalid_argument("points and measures differ in size");
  return {Vector<const double, ExecutionSpace>(measures.weights.data(), measures.weights.size()),
          points, equal_steps<ExecutionSpace>(measures.count(), measures.points()), true,
          measures.points()};
}

template <class ExecutionSpace>
PointMeasures<ExecutionSpace> point_measures(const CloudMeasures<ExecutionSpace>& measures) {
  int largest = 0;
  for (int s = 0; s < measures.count(); ++s)
    largest = measures.size(s) > largest ? measures.size(s) : largest;
  return {measures.weights(), measures.points(),
          copy_to_device<ExecutionSpace>("otfleet::initializers::list", measures.offsets()), false,
          largest};
}

/// f [B, n]. Throws std::invalid_argument when sizes do not fit.
template <class ExecutionSpace>
StartBatch<ExecutionSpace> start_batch(const ProblemBatch<ExecutionSpace>& problems,
                                       const Matrix<const double, ExecutionSpace>& source_points,
                                       const Matrix<const double, ExecutionSpace>& target_points,
                                       const Matrix<double, ExecutionSpace>& f) {
  if (f.extent(0) != static_cast<std::size_t>(problems.size()) ||
      f.extent(1) != source_points.extent(0))
    throw std::invalid_argument("points, measures and potentials differ in size");
  return {point_measures(problems.source, source_points),
          point_measures(problems.target, target_points),
          problems.source_index,
          problems.target_index,
          equal_steps<ExecutionSpace>(problems.size(), problems.source.points()),
          Vector<double, ExecutionSpace>(f.data(), f.size())};
}

/// Where the potential of every problem begins in a flat array of `length`. Throws as above.
template <class ExecutionSpace>
std::vector<std::int64_t> potential_offsets(const CloudBatch<ExecutionSpace>& problems,
                                            std::size_t length) {
  auto begin = problems.source_offsets();
  if (length != static_cast<std::size_t>(begin.back()))
    throw std::invalid_argument("points, measures and potentials differ in size");
  return begin;
}

/// Throws std::invalid_argument unless all points of every measure are here.
template <class ExecutionSpace>
void require_whole_measures(const CloudBatch<ExecutionSpace>& problems) {
  if (problems.source.communicator() != nullptr || problems.target.communicator() != nullptr)
    throw std::invalid_argument("a start needs all points of a measure on one rank");
}

/// f [source_offsets().back()], of the points that are here. Throws as above.
template <class ExecutionSpace>
StartBatch<ExecutionSpace> local_start_batch(const CloudBatch<ExecutionSpace>& problems,
                                             const Vector<double, ExecutionSpace>& f) {
  const auto begin = potential_offsets(problems, f.extent(0));
  return {point_measures(problems.source),
          point_measures(problems.target),
          copy_to_device<ExecutionSpace>("otfleet::initializers::list", problems.source_index),
          copy_to_device<ExecutionSpace>("otfleet::initializers::list", problems.target_index),
          copy_to_device<ExecutionSpace>("otfleet::initializers::list", begin),
          f};
}

/// The same where all points of every measure are here.
template <class ExecutionSpace>
StartBatch<ExecutionSpace> start_batch(const CloudBatch<ExecutionSpace>& problems,
                                       const Vector<double, ExecutionSpace>& f) {
  require_whole_measures(problems);
  return local_start_batch(problems, f);
}

}  // namespace otfleet::kernels
