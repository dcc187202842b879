#pragma once
#include <cstdint>
#include <vector>

#include "kernels/api/problems.hpp"
#include "src/job.hpp"

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
  std::vector<double> projection;  ///< [source points, d]: solution.projection
};

inline bool wants_entries(const SolutionOptions& wanted) {
  return wanted.plan != PlanRule::none;
}

/// Whether any of it is asked for: g is then needed.
inline bool wants_plan(const SolutionOptions& wanted) {
  return wants_entries(wanted) || wanted.projection;
}

/// Bytes that the outputs of one problem between n and m points of so many coordinates take at
/// most; 0 when nothing is asked for.
std::int64_t plan_output_bytes(const SolutionOptions& wanted, std::int64_t n, std::int64_t m,
                               std::int64_t coordinates);

/// Appends the outputs of a batch with potentials f and g, flat. Local, but for problems that are
/// distributed.
void append_plan_outputs(PlanOutputs& all, const kernels::Problems& problems, double epsilon,
                         const DeviceArray<const double>& f, const DeviceArray<const double>& g,
                         const SolutionOptions& wanted);

}  // namespace otfleet
