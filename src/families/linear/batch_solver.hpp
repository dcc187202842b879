#pragma once
#include <cstdint>
#include <vector>

#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"
#include "src/execution.hpp"
#include "src/families/linear/method_choice.hpp"
#include "src/families/linear/solver_options.hpp"
#include "src/populations/cost.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// How often the solver did more than it was asked first.
struct SolveCounts {
  std::int64_t newton = 0;           ///< instances that Newton's method solved or finished
  std::int64_t replaced_starts = 0;  ///< starts that were worse than zeros, and given up for them

  void add(const SolveCounts& other) {
    newton += other.newton;
    replaced_starts += other.replaced_starts;
  }
};

/// What a job says of Sinkhorn's iteration; doubtful starts are left to the caller.
kernels::SinkhornSettings sinkhorn_settings(const SolverOptions& solver, double epsilon,
                                            std::int64_t max_iterations);

/// The same for problems that are not balanced, and for transports of measures to themselves.
kernels::UnbalancedSettings block_ascent_settings(const SolverOptions& solver, double epsilon);

/// Instances on the device: their problems and where they stand.
struct Batch {
  kernels::ProblemBatch<ExecutionSpace> problems;
  bool from_zeros = false;                                   ///< f holds no start
  Matrix<double, ExecutionSpace> f;                          ///< [B, n] start, then solution
  Vector<int, ExecutionSpace> iterations, status, replaced;  ///< [B]; as sinkhorn() says

  Batch() = default;
  /// f is not initialized.
  explicit Batch(kernels::ProblemBatch<ExecutionSpace> problems);
};

/// Solves batches of problems between measures of one population by the method that a job asks
/// for, one or one after the other. Local.
class BatchSolver {
 public:
  BatchSolver(const Population& population, double epsilon);

  const Cost& cost() const { return cost_; }
  double epsilon() const { return epsilon_; }

  /// Which method `settings` mean for this population.
  MethodChoice choose(const SolverOptions& settings) const;

  /// Solves from where the batch stands; Status of every instance as its solver found it.
  /// `observer`, if any, may end it before it is done.
  void solve(Batch& batch, const SolverOptions& settings, SolveCounts& counts,
             kernels::IterationObserver* observer = nullptr) const;

  /// Sinkhorn alone; error_trace as kernels::sinkhorn() has it.
  void sinkhorn(Batch& batch, const SolverOptions& settings, std::int64_t max_iterations,
                const Matrix<double, ExecutionSpace>& error_trace,
                kernels::IterationObserver* observer = nullptr) const;

 private:
  void finish(Batch& batch, const Method& method, const SolverOptions& settings,
              std::int64_t max_iterations, SolveCounts& counts,
              kernels::IterationObserver* observer) const;

  double epsilon_;
  Cost cost_;
  double source_support_, target_support_;  ///< mean numbers of points with weight
};

}  // namespace otfleet
