#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "src/job.hpp"
#include "src/reports/convergence.hpp"

namespace otfleet {

/// Mean and percentiles over all held-out problems.
struct IterationSummary {
  double mean = 0, p50 = 0, p90 = 0, p99 = 0;
};

/// One start at one threshold, over all held-out problems.
struct EvaluationRow {
  std::string initializer;
  double threshold = 0;
  /// Iterations of plain Sinkhorn, the field's measure of a start, whatever solver the times below
  /// are those of; where plain Sinkhorn would take too long (method "newton", costs computed on the
  /// fly), those of the solver.
  IterationSummary iterations;
  IterationSummary solver_iterations;  ///< of the solver that was timed
  double milliseconds = 0;  ///< wall time of all ranks together over the problems, start included
  double predict_milliseconds = 0;  ///< the start's share of it
  double initial_error = 0;         ///< mean marginal error after one half-step from the start
  StatusCounts statuses;
  std::int64_t converged = 0;
  std::int64_t newton = 0;           ///< instances that Newton's method solved or finished
  std::int64_t replaced_starts = 0;  ///< starts that were worse than zeros, and given up for them
  std::string method, reason;        ///< what solved them, and why
};

/// Rows grouped by threshold, as report.json has them; each group also says how the model compares
/// with the best start that needs no model (`model_against_best`).
nlohmann::json thresholds_json(const std::vector<EvaluationRow>& rows);

/// The same as a text table, with a line a threshold that says whether the model pays.
std::string evaluation_table(const std::vector<EvaluationRow>& rows, std::int64_t problems,
                             const Job& job, int ranks);

}  // namespace otfleet
