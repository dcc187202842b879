#pragma once
#include "kernels/geometry/output_grid.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// Starts as a network gives them: f = φ + epsilon log a at points with weight, −inf elsewhere, so
/// that exp(f/epsilon) = a · exp(φ/epsilon). What a alone decides of f needs no learning.
template <class ExecutionSpace>
struct LearnedStart {
  /// [B, grid.outputs(n)]: φ of every problem at the points of the grid, in units of the cost; no
  /// rows: there is no start.
  Matrix<const float, ExecutionSpace> output;
  OutputGrid<ExecutionSpace> grid;

  KOKKOS_FUNCTION bool any() const { return output.extent(0) > 0; }
};

/// f [B, n] of a batch, in units of the cost; weights are taken as stored, whatever their mass.
/// Local. Work: one pass with a logarithm at each point with weight. Throws std::invalid_argument
/// when sizes do not fit.
template <class ExecutionSpace>
void learned_potential(const ExecutionSpace& space, const LearnedStart<ExecutionSpace>& start,
                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                       const Matrix<double, ExecutionSpace>& f);

/// Throws std::invalid_argument when the start does not fit a batch of problems on n source points.
template <class ExecutionSpace>
void check_start(const LearnedStart<ExecutionSpace>& start, int batch, int n);

}  // namespace otfleet::kernels
