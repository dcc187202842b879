#pragma once
#include <cstdint>
#include <vector>

#include "kernels/problems/problem_batch.hpp"
#include "src/job.hpp"
#include "src/models/potential_model.hpp"
#include "src/populations/cost.hpp"

namespace otfleet {

/// The kept entries of the plans of some problems, in compressed rows.
struct PlanEntries {
  std::vector<std::int64_t> offsets;  ///< [count, n + 1], into the two below (see SparsePlan)
  std::vector<std::int32_t> columns;
  std::vector<double> values;
  std::vector<double> kept_mass;  ///< [count]
};

/// What a job may ask for that is made from the plan of solved potentials, in the population's
/// order.
struct PlanOutputs {
  PlanEntries entries;             ///< solution.plan
  std::vector<double> projection;  ///< [count, n, d]: solution.projection
};

inline bool wants_entries(const SolutionOptions& wanted) {
  return wanted.plan != PlanRule::none;
}

/// Whether any of it is asked for: g is then needed.
inline bool wants_plan(const SolutionOptions& wanted) {
  return wants_entries(wanted) || wanted.projection;
}

/// Bytes that the outputs of one problem take at most; 0 when nothing is asked for.
std::int64_t plan_output_bytes(const SolutionOptions& wanted, const Geometry& geometry);

/// Appends the outputs of a batch with potentials f [B, n] and g [B, m]. target_points [m, d] are
/// needed for projections alone. Local.
void append_plan_outputs(PlanOutputs& all, const Cost& cost,
                         const kernels::ProblemBatch<ExecutionSpace>& problems, double epsilon,
                         const Matrix<const double, ExecutionSpace>& f,
                         const Matrix<const double, ExecutionSpace>& g,
                         const Matrix<const double, ExecutionSpace>& target_points,
                         const SolutionOptions& wanted);

}  // namespace otfleet
