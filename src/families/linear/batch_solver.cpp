#include "src/families/linear/batch_solver.hpp"

#include <algorithm>
#include <limits>

#include "kernels/problems/selection.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "src/families/linear/initializers.hpp"

namespace otfleet {
namespace {

using kernels::Status;

double mean_support(const std::vector<double>& weights, std::int64_t measures) {
  const auto positive =
      std::count_if(weights.begin(), weights.end(), [](double weight) { return weight > 0; });
  return static_cast<double>(positive) / static_cast<double>(measures);
}

}  // namespace

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

Batch::Batch(kernels::ProblemBatch<ExecutionSpace> given) : problems(std::move(given)) {
  const auto count = static_cast<std::size_t>(problems.size());
  f = Matrix<double, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::solver::f"), count,
      static_cast<std::size_t>(problems.source.points()));
  iterations = Vector<int, ExecutionSpace>("otfleet::solver::iterations", count);
  status = Vector<int, ExecutionSpace>("otfleet::solver::status", count);
  replaced = Vector<int, ExecutionSpace>("otfleet::solver::replaced", count);
}

BatchSolver::BatchSolver(const Population& population, double epsilon)
    : epsilon_(epsilon),
      cost_(make_cost(population.geometry, epsilon)),
      source_support_(mean_support(population.source_weights, population.source_measures)),
      target_support_(population.shared_measures
                          ? source_support_
                          : mean_support(population.target_weights, population.target_measures)) {}

MethodChoice BatchSolver::choose(const SolverOptions& settings) const {
  return choose_method(cost_, epsilon_, source_support_, target_support_, settings);
}

void BatchSolver::sinkhorn(Batch& batch, const SolverOptions& solver, std::int64_t max_iterations,
                           const Matrix<double, ExecutionSpace>& trace,
                           kernels::IterationObserver* observer) const {
  kernels::SinkhornSettings settings = sinkhorn_settings(solver, epsilon_, max_iterations);
  settings.observer = observer;
  // A prediction may fail; closed forms do not, and the comparison costs two half-steps.
  if (initializer_named(solver.initializer).needs_model())
    settings.doubtful_error = solver.doubtful_error;
  // Of an instance that stopped the rest of the trace would be empty.
  if (trace.extent(1) > 0) settings.patience = std::numeric_limits<int>::max();
  std::visit(
      [&](const auto& cost) {
        if (solver.precision == Precision::in_float)
          kernels::sinkhorn<float>(ExecutionSpace(), cost, batch.problems, settings,
                                   batch.from_zeros, batch.f, batch.iterations, batch.status, trace,
                                   batch.replaced);
        else
          kernels::sinkhorn<double>(ExecutionSpace(), cost, batch.problems, settings,
                                    batch.from_zeros, batch.f, batch.iterations, batch.status,
                                    trace, batch.replaced);
      },
      cost_);
}

void BatchSolver::solve(Batch& batch, const SolverOptions& settings, SolveCounts& counts,
                        kernels::IterationObserver* observer) const {
  std::int64_t left = settings.max_iterations;
  bool first = true;
  for (const auto& [method, most_iterations] : choose(settings).stages) {
    const std::int64_t limit = std::min(most_iterations, left);
    left -= limit;
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
  const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.status);
  std::vector<std::int32_t> open;
  for (std::int32_t k = 0; k < static_cast<std::int32_t>(status.extent(0)); ++k)
    if (status(k) == static_cast<int>(Status::iteration_limit) ||
        status(k) == static_cast<int>(Status::precision_limit))
      open.push_back(k);
  if (open.empty()) return;

  const ExecutionSpace space;
  const Vector<const int, ExecutionSpace> which = upload_indices(open);
  Batch rest(kernels::select<ExecutionSpace>(space, batch.problems, which));
  kernels::gather_rows<ExecutionSpace>(space, which, batch.f, rest.f);
  method.solve(*this, rest, settings, max_iterations, counts, observer);

  const auto iterations =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.iterations);
  const auto more = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rest.iterations);
  const auto verdict = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rest.status);
  for (std::size_t s = 0; s < open.size(); ++s) {
    status(open[s]) = verdict(s);
    if (verdict(s) == static_cast<int>(Status::ended))  // further from its epsilon than it was
      Kokkos::deep_copy(Kokkos::subview(rest.f, s, Kokkos::ALL),
                        Kokkos::subview(batch.f, open[s], Kokkos::ALL));
    else
      iterations(open[s]) += more(s);
  }
  kernels::scatter_rows<ExecutionSpace>(space, which, rest.f, batch.f);
  Kokkos::deep_copy(batch.iterations, iterations);
  Kokkos::deep_copy(batch.status, status);
}

}  // namespace otfleet
