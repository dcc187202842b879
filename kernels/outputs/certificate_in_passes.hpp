#pragma once
#include "kernels/outputs/certificate.hpp"

namespace otfleet::kernels {

/// certify() for a cost of one axis, in passes; arguments are not checked. Of a cost that forbids()
/// entries, upper bounds are left to bound_by_allowed_plans().
template <class ExecutionSpace>
void certify_in_passes(const ExecutionSpace& space, const SeparableCost& cost,
                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                       const Matrix<const double, ExecutionSpace>& f,
                       const Matrix<double, ExecutionSpace>& g,
                       const Certificates<ExecutionSpace>& certificates);

}  // namespace otfleet::kernels
