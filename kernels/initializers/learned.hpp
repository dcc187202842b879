#pragma once
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The start f that a network's output stands for: f = φ + epsilon log a at points with weight,
/// −inf elsewhere. What a alone decides of f needs no learning. a is taken as stored, whatever its
/// mass: potentials are defined up to a constant.
///
/// phi [B, n] and f [B, n] in units of the cost; problem k has row source_index(k) of weights
/// [M, n]. Local. Work: one pass.
template <class ExecutionSpace>
void learned_initializer(const ExecutionSpace& space,
                         const Matrix<const float, ExecutionSpace>& phi,
                         const Matrix<const double, ExecutionSpace>& weights,
                         const Vector<const int, ExecutionSpace>& source_index, double epsilon,
                         const Matrix<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels
