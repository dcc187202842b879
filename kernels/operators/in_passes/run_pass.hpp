#pragma once
#include "kernels/geometry/cost_form.hpp"
#include "kernels/operators/in_passes/cloud_points.hpp"

// One pass over all pairs of two clouds: a number for every row, from a sum or an extremum over the
// columns. Exponents are to base 2. Solvers and operators know no cost: passes are compiled for all
// costs in run_pass.cpp, and nowhere else.

namespace otfleet::kernels {

/// What a pass finds for row i, with C_ij the cost, E_ij = offset_j − scale C_ij.
enum class PassResult {
  largest,      ///< max_j E_ij
  exponential,  ///< sum_j 2^(E_ij − shift_i)
  costs,        ///< the same, and row_costs_i = sum_j C_ij 2^(E_ij − shift_i)
  product,      ///< sum_j offset_j C_ij
  smallest,     ///< min_j C_ij + offset_j
};

/// A pass over `rows` and `columns`; offset [columns.padded()], shift, result and row_costs
/// [rows.padded()], shift only for sums of exponentials. The padding of offset must hold what adds
/// nothing: −inf, 0 for a product, inf for a minimum. Where others hold points of the columns'
/// side, collective: over their columns and offsets too. Where the rows have kept cells, over the
/// columns of those alone; where ranks share the rows, collective, and every rank gets all results.
/// A product form and floats know `largest` and `exponential` alone: throws std::invalid_argument
/// for others.
template <class ExecutionSpace, class Scalar>
void run_pass(const ExecutionSpace& space, PassResult wanted, const CostForm& cost,
              const CloudPoints<ExecutionSpace, Scalar>& rows,
              const CloudPoints<ExecutionSpace, Scalar>& columns,
              const Vector<Scalar, ExecutionSpace>& offset,
              const Vector<Scalar, ExecutionSpace>& shift,
              const Vector<Scalar, ExecutionSpace>& result, double scale,
              const Vector<Scalar, ExecutionSpace>& row_costs = {});

}  // namespace otfleet::kernels
