#include "src/solvers/population_solver.hpp"

#include <algorithm>
#include <stdexcept>

#include "distributed/error.hpp"
#include "kernels/clouds/cloud_solver.hpp"
#include "kernels/sinkhorn/certificate.hpp"
#include "kernels/unbalanced/unbalanced.hpp"
#include "src/solvers/append.hpp"
#include "src/solvers/initializers.hpp"
#include "src/solvers/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::Status;

/// Instances on the device at once: enough to fill it, little memory.
constexpr std::int64_t chunk_size = 4096;

Matrix<const double, ExecutionSpace> upload(const std::vector<double>& values, std::int64_t columns,
                                            const std::string& label) {
  if (values.empty()) return {};
  const auto rows = static_cast<std::int64_t>(values.size()) / columns;
  const Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace,
                     Kokkos::MemoryTraits<Kokkos::Unmanaged>>
      host(values.data(), rows, columns);
  const Matrix<double, ExecutionSpace> device(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::solver::" + label), rows, columns);
  Kokkos::deep_copy(device, host);
  return device;
}

template <class Body>
void for_chunks(Shard shard, const Body& body) {
  for (std::int64_t first = shard.begin; first < shard.end; first += chunk_size)
    body(Shard{first, std::min(first + chunk_size, shard.end)});
}

}  // namespace

PopulationSolver::PopulationSolver(const Population& population, double epsilon)
    : population_(population),
      solver_(population, epsilon),
      source_(ExecutionSpace(), upload(population.source_weights, population.geometry.n, "source")),
      target_(population.shared_measures
                  ? source_
                  : kernels::Measures<ExecutionSpace>(
                        ExecutionSpace(),
                        upload(population.target_weights, population.geometry.m, "target"))) {
  const Geometry& geometry = population.geometry;
  const auto points = geometry.points(true);
  if (points.empty()) return;
  source_points_ =
      upload(points, static_cast<std::int64_t>(points.size()) / geometry.n, "source_points");
  const auto others = geometry.points(false);
  target_points_ =
      upload(others, static_cast<std::int64_t>(others.size()) / geometry.m, "target_points");
}

std::string PopulationSolver::complaint(const std::string& initializer) const {
  return initializer_complaint(initializer, population_.geometry);
}

Predictor PopulationSolver::make_predictor(const PotentialModel& model) const {
  return Predictor(model, source_.weights, target_.weights);
}

Batch PopulationSolver::start(Shard rows, const Job::Solver& settings, const Predictor* predictor,
                              SolveSeconds& seconds) const {
  const auto count = static_cast<std::size_t>(rows.size());
  const auto sources = std::span(population_.source).subspan(rows.begin, count);
  const auto targets = std::span(population_.target).subspan(rows.begin, count);
  Batch batch({source_, target_, upload_indices(sources), upload_indices(targets)});
  const StopWatch watch(seconds.start);
  if (settings.initializer == "zeros")
    batch.from_zeros = true;
  else if (settings.initializer == "model")
    predictor->predict(sources, targets, solver_.epsilon(), batch.f);
  else
    compute_start(settings.initializer,
                  {population_.geometry, solver_.cost(), source_points_, target_points_,
                   solver_.epsilon(), settings.precision == "float"},
                  batch.problems, batch.f);
  Kokkos::fence();
  return batch;
}

void PopulationSolver::iterate(Batch& batch, const Job::Solver& settings, SolveSeconds& seconds,
                               SolveCounts& counts) const {
  const StopWatch watch(seconds.iterate);
  solver_.solve(batch, settings, counts);
}

Solutions PopulationSolver::solve(Shard shard, const Job::Solver& settings,
                                  const Predictor* predictor, const Job::Solution& wanted,
                                  SolveSeconds& seconds) const {
  Solutions all;
  for_chunks(shard, [&](Shard rows) {
    Batch batch = start(rows, settings, predictor, seconds);
    iterate(batch, settings, seconds, all.counts);
    const auto count = static_cast<int>(rows.size());
    kernels::Certificates<ExecutionSpace> certificates(count);
    Matrix<double, ExecutionSpace> g;
    {
      const StopWatch watch(seconds.certify);
      if (wanted.potentials || wants_plan(wanted))
        g = Matrix<double, ExecutionSpace>("otfleet::solver::g", count, population_.geometry.m);
      std::visit(
          [&](const auto& cost) {
            kernels::certify<ExecutionSpace>(ExecutionSpace(), cost, batch.problems,
                                             solver_.epsilon(), batch.f, g, certificates);
          },
          solver_.cost());
    }
    {
      const StopWatch watch(seconds.plan);
      append_plan_outputs(all.plan, solver_.cost(), batch.problems, solver_.epsilon(), batch.f, g,
                          target_points_, wanted);
    }
    if (wanted.potentials) {
      append(all.f, batch.f);
      append(all.g, g);
    }
    all.add(certificates, batch.iterations, batch.status);
  });
  all.judge(settings.threshold);
  return all;
}

Solutions PopulationSolver::solve_unbalanced(Shard shard, const Job::Problem& problem,
                                             const Job::Solver& solver, bool potentials,
                                             SolveSeconds& seconds) const {
  kernels::UnbalancedSettings settings;
  settings.epsilon = solver_.epsilon();
  settings.tau_a = problem.tau_a;
  settings.tau_b = problem.tau_b;
  if (problem.transported_share > 0) settings.transported_share = problem.transported_share;
  settings.threshold = solver.threshold;
  settings.inner_iterations = static_cast<int>(solver.inner_iterations);
  settings.max_iterations = static_cast<int>(solver.max_iterations);
  Solutions all;
  for_chunks(shard, [&](Shard rows) {
    const StopWatch watch(seconds.iterate);
    const auto count = static_cast<std::size_t>(rows.size());
    const kernels::ProblemBatch<ExecutionSpace> problems{
        source_, target_, upload_indices(std::span(population_.source).subspan(rows.begin, count)),
        upload_indices(std::span(population_.target).subspan(rows.begin, count))};
    const kernels::UnbalancedSolution<ExecutionSpace> solution(
        problems.size(), static_cast<int>(population_.geometry.n),
        static_cast<int>(population_.geometry.m));
    try {
      std::visit(
          [&](const auto& cost) {
            kernels::solve_unbalanced(ExecutionSpace(), cost, problems, settings, solution);
          },
          solver_.cost());
    } catch (const std::invalid_argument& error) {
      throw UserError(std::string("/measures: ") + error.what());
    }
    if (potentials) {
      append(all.f, solution.f);
      append(all.g, solution.g);
    }
    append(all.dual_value, solution.dual_value);
    append(all.primal_value, solution.primal_value);
    append(all.transport_cost, solution.transport_cost);
    append(all.transported_mass, solution.transported_mass);
    append(all.mass_potential, solution.mass_potential);
    append(all.residual, solution.residual);
    append(all.iterations, solution.iterations);
    append(all.status, solution.status);
  });
  return all;
}

std::vector<std::int32_t> PopulationSolver::count_iterations(
    Shard shard, const Job::Solver& settings, const Predictor* predictor, SolveSeconds& seconds,
    std::int64_t& converged, SolveCounts& counts) const {
  std::vector<std::int32_t> iterations, status;
  for_chunks(shard, [&](Shard rows) {
    Batch batch = start(rows, settings, predictor, seconds);
    iterate(batch, settings, seconds, counts);
    append(iterations, batch.iterations);
    append(status, batch.status);
  });
  converged = std::count(status.begin(), status.end(), static_cast<int>(Status::converged));
  return iterations;
}

std::vector<double> PopulationSolver::error_sums(Shard shard, Job::Solver settings,
                                                 const Predictor* predictor,
                                                 std::int64_t length) const {
  std::vector<double> sums(static_cast<std::size_t>(length), 0.0);
  SolveSeconds ignored;
  settings.threshold = 1e-300;  // never: every instance runs its whole trace
  for_chunks(shard, [&](Shard rows) {
    Batch batch = start(rows, settings, predictor, ignored);
    const Matrix<double, ExecutionSpace> trace("otfleet::solver::trace",
                                               static_cast<std::size_t>(rows.size()),
                                               static_cast<std::size_t>(length));
    solver_.sinkhorn(batch, settings, length - 1, trace);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trace);
    for (std::size_t k = 0; k < host.extent(0); ++k)
      for (std::size_t t = 0; t < host.extent(1); ++t) sums[t] += host(k, t);
  });
  return sums;
}

}  // namespace otfleet
