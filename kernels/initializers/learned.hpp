#pragma once
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// rows [R, n] = epsilon log a, a being row measure(r) of weights [M, n]; −inf where it is zero. a
/// is taken as stored, whatever its mass: potentials are defined up to a constant. Local. Work: one
/// pass with a logarithm at each point with weight.
template <class ExecutionSpace>
void log_weight_rows(const ExecutionSpace& space,
                     const Matrix<const double, ExecutionSpace>& weights,
                     const Vector<const int, ExecutionSpace>& measure, double epsilon,
                     const Matrix<double, ExecutionSpace>& rows);

/// The start f that a network's output stands for: f = φ + epsilon log a at points with weight,
/// −inf elsewhere. What a alone decides of f needs no learning.
///
/// phi [B, n] and f [B, n] in units of the cost; row(k) says which row of log_weights [R, n], from
/// log_weight_rows(), problem k's source has. Local. Work: one pass.
template <class ExecutionSpace>
void learned_initializer(const ExecutionSpace& space,
                         const Matrix<const float, ExecutionSpace>& phi,
                         const Matrix<const double, ExecutionSpace>& log_weights,
                         const Vector<const int, ExecutionSpace>& row,
                         const Matrix<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels
