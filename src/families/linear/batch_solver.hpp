#pragma once
#include <cstdint>
#include <vector>

#include "kernels/api/solvers.hpp"
#include "src/families/linear/method_choice.hpp"
#include "src/families/linear/solver_options.hpp"
#include "src/families/problem_options.hpp"
#include "src/populations/population_view.hpp"

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

/// The same for transports of measures to themselves, and for problems that are not balanced.
kernels::UnbalancedSettings block_ascent_settings(const SolverOptions& solver, double epsilon);
kernels::UnbalancedSettings unbalanced_settings(const ProblemOptions& problem,
                                                const SolverOptions& solver, double epsilon);

/// The arithmetic that a job asks for.
kernels::Arithmetic arithmetic_of(const SolverOptions& solver);

/// Instances on the device: their problems and where they stand.
struct Batch {
  kernels::Problems problems;
  bool from_zeros = false;        ///< f holds no start
  kernels::NetworkStart learned;  ///< if any, the start, which f does not hold either
  DeviceArray<double> f;          ///< flat: start, then solution
  kernels::Progress progress;     ///< as solve_sinkhorn() says

  Batch() = default;
  /// f is not initialized.
  explicit Batch(kernels::Problems problems);

  int size() const { return problems.size(); }
  /// A learned start goes to f.
  void write_learned(double epsilon);
};

/// Room for the answers of problems that are not balanced; f is the batch's start, if it has one.
kernels::UnbalancedResult unbalanced_start(const Batch& batch);

/// Mean numbers of points with weight.
struct MeanSupports {
  double source = 0, target = 0;
};
MeanSupports mean_supports(const PopulationView& population);

/// Solves batches of problems between measures of one population by the method that a job asks
/// for, one or one after the other. Local, but for problems that are distributed.
class BatchSolver {
 public:
  /// `measures`: any problems with the population's cost.
  BatchSolver(kernels::Problems measures, double epsilon, const MeanSupports& supports)
      : measures_(std::move(measures)), epsilon_(epsilon), supports_(supports) {}

  const kernels::Problems& measures() const { return measures_; }
  double epsilon() const { return epsilon_; }

  /// Which method `settings` mean for this population.
  MethodChoice choose(const SolverOptions& settings) const;

  /// Solves from where the batch stands; Status of every instance as its solver found it.
  /// `observer`, if any, may end it before it is done.
  void solve(Batch& batch, const SolverOptions& settings, SolveCounts& counts,
             kernels::IterationObserver* observer = nullptr) const;

  /// Sinkhorn alone; error_trace and watch as kernels::solve_sinkhorn() has them.
  void sinkhorn(Batch& batch, const SolverOptions& settings, std::int64_t max_iterations,
                const DeviceArray<double, 2>& error_trace,
                kernels::IterationObserver* observer = nullptr,
                const kernels::IterationWatch& watch = {}) const;

 private:
  void finish(Batch& batch, const Method& method, const SolverOptions& settings,
              std::int64_t max_iterations, SolveCounts& counts,
              kernels::IterationObserver* observer) const;

  kernels::Problems measures_;
  double epsilon_;
  MeanSupports supports_;
};

}  // namespace otfleet
