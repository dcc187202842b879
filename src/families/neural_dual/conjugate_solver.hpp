#pragma once
#include <optional>

#include "kernels/api/conjugates.hpp"
#include "kernels/api/paths.hpp"
#include "src/job.hpp"
#include "src/runs/solution_layout.hpp"

namespace otfleet {

/// Finds minimizers of f(x) − <x, y> by the solver that a job names; "none" looks at the starts
/// alone. With a cost they are those of c(y, x) + f(x) − ½ |x|² instead. Memory for up to `points`
/// points is taken once.
template <class Scalar>
kernels::ConjugateMinimizer<Scalar> make_conjugate_minimizer(
    const ConjugateOptions& job, int points, int dimension,
    const std::optional<kernels::LeastActionCost>& cost = {});

/// What a job says of L-BFGS; solver "none": no step.
kernels::LbfgsSettings lbfgs_settings(const ConjugateOptions& job);

/// "converged", "step limit" and so on.
const char* conjugate_status_name(kernels::ConjugateStatus status);

/// Adds to a solution what every status of kernels::ConjugateStatus means.
void add_conjugate_statuses(SolutionLayout& layout);

/// Adds to a solution of mapped points which way they went, how conjugates were solved, and what
/// every status means.
void add_map_attributes(const Job& job, SolutionLayout& layout);

}  // namespace otfleet
