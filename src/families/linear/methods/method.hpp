#pragma once
#include <cstdint>
#include <string>

#include "kernels/api/problems.hpp"
#include "kernels/solvers/iteration_observer.hpp"
#include "src/families/linear/solver_options.hpp"

namespace otfleet {

struct Batch;
struct SolveCounts;
class BatchSolver;

/// One way to solve balanced problems: solver.method. Each has a file of this folder and a line in
/// list.hpp; "auto" chooses among them.
class Method {
 public:
  virtual ~Method() = default;

  /// As job files and reports spell it.
  virtual const char* name() const = 0;

  /// Whether its iterations are Sinkhorn's, of which a comparison of starts counts the plain ones,
  /// too.
  virtual bool iterates_sinkhorn() const { return false; }

  /// Why it cannot solve problems of these measures, or empty: nothing is known against it.
  virtual std::string complaint(const kernels::Problems& /*measures*/) const { return {}; }

  /// The share of a plan's mass that its certificates may leave out, see kernels::certify().
  virtual double most_left_out(const SolverOptions& /*settings*/) const { return 0; }

  /// Whether "auto" may be quicker where this method reaches the limit of iterations.
  virtual bool auto_may_be_quicker() const { return false; }

  /// Solves from where the batch stands, with at most `max_iterations`; Status of every instance as
  /// the kernel says. Adds to `counts`. `observer`, if any, may end it before it is done, and so
  /// may `watch`, for methods of problems with points of their own. Throws UserError, naming
  /// solver.method, for a cost that it cannot take. Local, but for problems that are distributed.
  virtual void solve(const BatchSolver& solver, Batch& batch, const SolverOptions& settings,
                     std::int64_t max_iterations, SolveCounts& counts,
                     kernels::IterationObserver* observer,
                     const kernels::IterationWatch& watch = {}) const = 0;
};

}  // namespace otfleet
