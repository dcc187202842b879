#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "distributed/shard.hpp"
#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/derived_values.hpp"
#include "src/families/linear/earlier_solutions.hpp"
#include "src/families/linear/solutions.hpp"
#include "src/job.hpp"
#include "src/models/start_model.hpp"
#include "src/populations/population_view.hpp"
#include "src/reports/convergence.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Solves problems of one population of any geometry: a start for each, a solver, a certificate for
/// each. Holds the measures on the device. Potentials and projections of solutions are flat, one
/// problem after the other. Local: every rank has its own, for its shard.
class PopulationSolver {
 public:
  /// Keeps a reference to the population. Throws UserError for points that the cost cannot take.
  PopulationSolver(const PopulationView& population, double epsilon);

  PopulationSolver(const PopulationSolver&) = delete;
  PopulationSolver& operator=(const PopulationSolver&) = delete;

  /// Why the initializer does not fit this population, or empty: it does.
  std::string complaint(const std::string& initializer) const;

  /// Where sequences of problems begin and the last ends, if the start needs them; else empty. Such
  /// problems are to be solved in order, each after the one before; where that was not solved here,
  /// a problem starts as the first of a sequence does.
  std::vector<std::int64_t> sequences(const SolverOptions& settings) const;

  /// See otfleet::check_feasible().
  void check_feasible(const std::string& name, std::int64_t first, std::int64_t step) const;

  /// Which method `settings` mean for this population.
  MethodChoice choose(const SolverOptions& settings) const { return solver_.choose(settings); }

  /// For solve() and its kin. The model must outlive the predictor.
  std::unique_ptr<StartPredictor> make_predictor(const StartModel& model) const;

  /// About how much work problems are, in any unit. Where all share their points, they differ in
  /// the iterations to come: their starts' marginal errors, those of a few problems in the middle,
  /// have to fall to the threshold. Elsewhere they differ in their pairs of points.
  double work(distributed::Shard rows, const SolverOptions& settings,
              const StartPredictor* predictor) const;

  /// Bytes that what is wanted of one problem takes at most.
  std::int64_t most_bytes(const SolutionOptions& wanted) const;

  /// Solves the problems of `shard` at `settings`; `predictor` is needed for initializer "model".
  /// Adds to `seconds`; `wanted` says what is returned besides the figures. Status is that of
  /// Solutions::set_status(). With `control`, goes on from what that has, and throws Interrupted
  /// where it ends it.
  Solutions solve(distributed::Shard shard, const SolverOptions& settings,
                  const StartPredictor* predictor, const SolutionOptions& wanted,
                  SolveSeconds& seconds, SolveControl* control = nullptr) const;

  /// The same for problems that are not balanced, at the epsilon of the constructor.
  Solutions solve_unbalanced(distributed::Shard shard, const ProblemOptions& problem,
                             const SolverOptions& settings, const StartPredictor* predictor,
                             const SolutionOptions& wanted, SolveSeconds& seconds,
                             SolveControl* control = nullptr) const;

  /// Iterations only, no certificates: what a comparison of starts times.
  std::vector<std::int32_t> count_iterations(distributed::Shard shard,
                                             const SolverOptions& settings,
                                             const StartPredictor* predictor, SolveSeconds& seconds,
                                             StatusCounts& statuses, SolveCounts& counts) const;

  /// Marginal error after 0, 1, …, length − 1 iterations of Sinkhorn at `settings`, summed over the
  /// shard.
  std::vector<double> error_sums(distributed::Shard shard, SolverOptions settings,
                                 const StartPredictor* predictor, std::int64_t length) const;

 private:
  kernels::Problems problems(distributed::Shard rows) const;
  kernels::Problems problems(std::span<const std::int64_t> which) const;
  Batch start(distributed::Shard rows, const SolverOptions& settings,
              const StartPredictor* predictor, SolveSeconds& seconds) const;
  void derive(distributed::Shard shard, const kernels::UnbalancedSettings& settings,
              const SolutionOptions& wanted, Solutions& all, SolveSeconds& seconds) const;
  void iterate(Batch& batch, std::vector<std::int64_t> which, const SolverOptions& settings,
               SolveSeconds& seconds, SolveCounts& counts, SolveControl* control) const;
  /// From the start to the solver's answer.
  Batch solve_rows(distributed::Shard rows, const SolverOptions& settings,
                   const StartPredictor* predictor, SolveSeconds& seconds, SolveCounts& counts,
                   SolveControl* control) const;
  /// The same in the order of sequences; tells `on_start` of every batch before it is solved.
  using OnStart = std::function<void(const Batch&, const SolverOptions&)>;
  Batch solve_sequences(distributed::Shard rows, const SolverOptions& settings,
                        SolveSeconds& seconds, SolveCounts& counts, SolveControl* control,
                        const OnStart& on_start = {}) const;
  void add_trace(const Batch& start, SolverOptions settings, std::vector<double>& sums) const;

  PopulationView population_;
  GeometryFacts geometry_;
  BatchSolver solver_;
  std::vector<double> pairs_before_;              ///< [P + 1]; empty where points are shared
  mutable std::optional<DerivedValues> derived_;  ///< once a solution wants them
  mutable EarlierSolutions earlier_;              ///< of sequences that are being solved
};

}  // namespace otfleet
