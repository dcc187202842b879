#include "src/families/linear/batch_solver.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/problems/status.hpp"
#include "src/families/linear/initializers.hpp"

namespace otfleet {

using kernels::Status;

kernels::SinkhornSettings sinkhorn_settings(const SolverOptions& solver, double epsilon,
                                            std::int64_t max_iterations) {
  kernels::SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = solver.threshold;
  settings.inner_iterations = static_cast<int>(solver.inner_iterations);
  settings.max_iterations = static_cast<int>(max_iterations);
  settings.acceleration = solver.acceleration == Acceleration::momentum
                              ? kernels::Acceleration::momentum
                              : kernels::Acceleration::none;
  settings.kept_bytes = static_cast<std::size_t>(std::min(solver.memory_mib, 1e9) * 0x1p20);
  return settings;
}

kernels::UnbalancedSettings block_ascent_settings(const SolverOptions& solver, double epsilon) {
  kernels::UnbalancedSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = solver.threshold;
  settings.inner_iterations = static_cast<int>(solver.inner_iterations);
  settings.max_iterations = static_cast<int>(solver.max_iterations);
  return settings;
}

kernels::UnbalancedSettings unbalanced_settings(const ProblemOptions& problem,
                                                const SolverOptions& solver, double epsilon) {
  auto settings = block_ascent_settings(solver, epsilon);
  settings.tau_a = problem.tau_a;
  settings.tau_b = problem.tau_b;
  if (problem.transported_share > 0) settings.transported_share = problem.transported_share;
  return settings;
}

void Batch::write_learned(double epsilon) {
  if (learned.any()) kernels::learned_potential(problems, epsilon, learned, f);
  learned = {};
}

kernels::UnbalancedResult unbalanced_start(const Batch& batch) {
  const kernels::UnbalancedResult result(
      batch.size(), static_cast<std::size_t>(batch.problems.source_offsets().back()),
      static_cast<std::size_t>(batch.problems.target_offsets().back()));
  if (!batch.from_zeros) result.f.copy_from(batch.f);
  return result;
}

kernels::Arithmetic arithmetic_of(const SolverOptions& solver) {
  return solver.precision == Precision::in_float ? kernels::Arithmetic::in_float
                                                 : kernels::Arithmetic::in_double;
}

Batch::Batch(kernels::Problems given) : problems(std::move(given)), progress(problems.size()) {
  f = DeviceArray<double>(uninitialized, "otfleet::solver::f",
                          static_cast<std::size_t>(problems.source_offsets().back()));
}

MeanSupports mean_supports(const PopulationView& population) {
  const auto mean = [&](bool source) {
    const auto counts = population.supports(source);
    return std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  };
  const double source = mean(true);
  return {source, population.shared_measures() ? source : mean(false)};
}

MethodChoice BatchSolver::choose(const SolverOptions& settings) const {
  return choose_method(measures_, epsilon_, supports_.source, supports_.target, settings);
}

void BatchSolver::sinkhorn(Batch& batch, const SolverOptions& solver, std::int64_t max_iterations,
                           const DeviceArray<double, 2>& trace,
                           kernels::IterationObserver* observer,
                           const kernels::IterationWatch& watch) const {
  kernels::SinkhornSettings settings = sinkhorn_settings(solver, epsilon_, max_iterations);
  settings.observer = observer;
  // A prediction may fail; closed forms do not, and the comparison costs two half-steps.
  if (initializer_named(solver.initializer).needs_model())
    settings.doubtful_error = solver.doubtful_error;
  // Of an instance that stopped the rest of the trace would be empty.
  if (trace.extent(1) > 0) settings.patience = std::numeric_limits<int>::max();
  kernels::solve_sinkhorn(batch.problems, settings, arithmetic_of(solver), batch.from_zeros,
                          batch.f, batch.progress, trace, watch, batch.learned);
}

void BatchSolver::solve(Batch& batch, const SolverOptions& settings, SolveCounts& counts,
                        kernels::IterationObserver* observer) const {
  std::int64_t left = settings.max_iterations;
  bool first = true;
  for (const auto& [method, most_iterations] : choose(settings).stages) {
    const std::int64_t limit = std::min(most_iterations, left);
    left -= limit;
    if (first && !method->iterates_sinkhorn()) batch.write_learned(epsilon_);
    if (first)
      method->solve(*this, batch, settings, limit, counts, observer);
    else
      finish(batch, *method, settings, limit, counts, observer);
    first = false;
  }
}

/// The instances that are not done, from where they stand; iterations add up.
void BatchSolver::finish(Batch& batch, const Method& method, const SolverOptions& settings,
                         std::int64_t max_iterations, SolveCounts& counts,
                         kernels::IterationObserver* observer) const {
  auto status = batch.progress.status.download();
  std::vector<std::int32_t> open;
  for (std::size_t k = 0; k < status.size(); ++k)
    if (status[k] == static_cast<int>(Status::iteration_limit) ||
        status[k] == static_cast<int>(Status::precision_limit))
      open.push_back(static_cast<std::int32_t>(k));
  if (open.empty()) return;

  const auto offsets = batch.problems.source_offsets();
  Batch rest(batch.problems.select(open));
  kernels::gather_problems(offsets, open, batch.f, rest.f);
  method.solve(*this, rest, settings, max_iterations, counts, observer);

  auto iterations = batch.progress.iterations.download();
  const auto more = rest.progress.iterations.download();
  const auto verdict = rest.progress.status.download();
  std::vector<std::int32_t> kept;  // further from their epsilon than they were
  for (std::size_t s = 0; s < open.size(); ++s) {
    const auto k = static_cast<std::size_t>(open[s]);
    status[k] = verdict[s];
    if (verdict[s] == static_cast<int>(Status::ended))
      kept.push_back(static_cast<std::int32_t>(s));
    else
      iterations[k] += more[s];
  }
  const auto rest_offsets = rest.problems.source_offsets();
  for (const std::int32_t s : kept) {
    const auto from = static_cast<std::size_t>(open[static_cast<std::size_t>(s)]);
    const auto to = static_cast<std::size_t>(s);
    rest.f
        .rows(static_cast<std::size_t>(rest_offsets[to]),
              static_cast<std::size_t>(rest_offsets[to + 1]))
        .copy_from(batch.f.rows(static_cast<std::size_t>(offsets[from]),
                                static_cast<std::size_t>(offsets[from + 1])));
  }
  kernels::scatter_problems(offsets, open, rest.f, batch.f);
  batch.progress.iterations.upload(iterations);
  batch.progress.status.upload(status);
}

}  // namespace otfleet
