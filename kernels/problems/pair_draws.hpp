#pragma once
#include "kernels/counter_random.hpp"
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// The measures of one side that problems are drawn from.
template <class ExecutionSpace>
struct DrawnMeasures {
  Matrix<const double, ExecutionSpace> weights;  ///< [M, n], any units
  Vector<const double, ExecutionSpace> mass;     ///< [M], sums of the weights
  /// [M, 6]: whole numbers of points that a measure may be moved by, the least along every axis of
  /// the grid and then the most; empty: measures stay where they are.
  Matrix<const int, ExecutionSpace> shifts;
};

/// What problems are drawn from: `count` of a population's problems, from `first` on.
template <class ExecutionSpace>
struct PairSource {
  DrawnMeasures<ExecutionSpace> source, target;
  Vector<const int, ExecutionSpace> source_index, target_index;  ///< of the population's problems
  long first, count;
  int shape[3];  ///< of the grid, the last axis fastest; 1 where there are fewer axes
  CounterRandom problem_numbers, shift_numbers;
};

/// Rows k of a [B, n] and b [B, m] become the measures of sample first_sample + k, as shares of
/// their masses. A sample is a problem, drawn with replacement, each of its measures moved by a
/// random number of points along every axis; it depends on the random numbers and its own number
/// alone. Local; does not wait.
template <class ExecutionSpace>
void draw_pairs(const ExecutionSpace& space, const PairSource<ExecutionSpace>& from,
                long first_sample, const Matrix<double, ExecutionSpace>& a,
                const Matrix<double, ExecutionSpace>& b);

}  // namespace otfleet::kernels
