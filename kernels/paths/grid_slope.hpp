#pragma once
#include "kernels/paths/path_energy.hpp"

namespace otfleet::kernels {

/// Adds weight · Σ_k ∂action_k/∂number to slope [fields · rows · columns], for the numbers on the
/// grid of a Lagrangian and the actions of paths from x to y [B, D] with these coefficients [B,
/// coefficients · D], see PathBasis, summed as PathEnergy does. At paths of least action it is the
/// derivative of their sum (Danskin). Threads add in any order. `grid`: the numbers. Throws
/// std::invalid_argument: the Lagrangian has no grid, or slope another size.
template <class ExecutionSpace>
void add_grid_slope(const ExecutionSpace& space, const Lagrangian& lagrangian,
                    const Vector<double, ExecutionSpace>& grid,
                    const PathTables<ExecutionSpace>& tables,
                    const Matrix<const double, ExecutionSpace>& x,
                    const Matrix<const double, ExecutionSpace>& y,
                    const Matrix<const double, ExecutionSpace>& coefficients, double weight,
                    const Vector<double, ExecutionSpace>& slope);

}  // namespace otfleet::kernels
