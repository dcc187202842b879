#include "src/families/linear/batch_solver.hpp"

#include <algorithm>
#include <limits>

#include "distributed/error.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/problems/selection.hpp"
#include "kernels/solvers/newton/newton.hpp"
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

kernels::SinkhornSettings sinkhorn_settings(const Job::Solver& solver, double epsilon,
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

kernels::UnbalancedSettings block_ascent_settings(const Job::Solver& solver, double epsilon) {
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

MethodChoice BatchSolver::choose(const Job::Solver& settings) const {
  return choose_method(cost_, epsilon_, source_support_, target_support_, settings);
}

void BatchSolver::sinkhorn(Batch& batch, const Job::Solver& solver, std::int64_t max_iterations,
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

void BatchSolver::newton(Batch& batch, const Job::Solver& solver, std::int64_t max_iterations,
                         kernels::IterationObserver* observer) const {
  const auto* cost = std::get_if<kernels::SeparableCost>(&cost_);
  if (cost == nullptr)
    throw UserError("solver.method = 'newton' needs a grid or a dense cost; use 'sinkhorn'");
  kernels::NewtonSettings settings;
  settings.epsilon = epsilon_;
  settings.threshold = solver.threshold;
  settings.max_iterations = static_cast<int>(max_iterations);
  settings.observer = observer;
  if (observer != nullptr) observer->set_leaves_a_start(false);
  kernels::newton(ExecutionSpace(), *cost, batch.problems, settings, batch.from_zeros, batch.f,
                  batch.iterations, batch.status);
  if (observer != nullptr) observer->set_leaves_a_start(true);
}

void BatchSolver::solve(Batch& batch, const Job::Solver& solver, SolveCounts& counts,
                        kernels::IterationObserver* observer) const {
  const MethodChoice choice = choose(solver);
  if (choice.plan == MethodChoice::Plan::newton) {
    newton(batch, solver, solver.max_iterations, observer);
    counts.newton += static_cast<std::int64_t>(batch.status.extent(0));
    return;
  }
  const bool newton_follows = choice.plan == MethodChoice::Plan::sinkhorn_then_newton;
  const std::int64_t limit =
      newton_follows ? std::min<std::int64_t>(choice.sinkhorn_iterations, solver.max_iterations)
                     : solver.max_iterations;
  sinkhorn(batch, solver, limit, {}, observer);
  const auto replaced = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.replaced);
  counts.replaced_starts += std::count(replaced.data(), replaced.data() + replaced.extent(0), 1);
  if (!newton_follows) return;

  const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.status);
  std::vector<std::int32_t> open;
  for (std::int32_t k = 0; k < static_cast<std::int32_t>(status.extent(0)); ++k)
    if (status(k) == static_cast<int>(Status::iteration_limit) ||
        status(k) == static_cast<int>(Status::precision_limit))
      open.push_back(k);
  if (open.empty()) return;
  counts.newton += static_cast<std::int64_t>(open.size());
  finish_with_newton(batch, open, solver, solver.max_iterations - limit, observer);
}

/// Newton's method for some instances, from where they stand; iterations add up.
void BatchSolver::finish_with_newton(Batch& batch, const std::vector<std::int32_t>& open,
                                     const Job::Solver& solver, std::int64_t max_iterations,
                                     kernels::IterationObserver* observer) const {
  const ExecutionSpace space;
  const Vector<const int, ExecutionSpace> which = upload_indices(open);
  Batch rest(kernels::select<ExecutionSpace>(space, batch.problems, which));
  kernels::gather_rows<ExecutionSpace>(space, which, batch.f, rest.f);
  newton(rest, solver, max_iterations, observer);

  const auto iterations =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.iterations);
  const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.status);
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
