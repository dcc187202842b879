#include "src/solvers/population_solver.hpp"

#include <algorithm>
#include <chrono>

#include "distributed/error.hpp"
#include "kernels/clouds/cloud_solver.hpp"
#include "kernels/initializers/gaussian.hpp"
#include "kernels/newton/newton.hpp"
#include "kernels/sinkhorn/certificate.hpp"
#include "kernels/sinkhorn/selection.hpp"
#include "kernels/unbalanced/unbalanced.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::Status;

/// Instances on the device at once: enough to fill it, little memory.
constexpr std::int64_t chunk_size = 4096;

class StopWatch {
 public:
  explicit StopWatch(double& seconds) : seconds_(seconds), begin_(Clock::now()) {}
  ~StopWatch() { seconds_ += std::chrono::duration<double>(Clock::now() - begin_).count(); }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& seconds_;
  Clock::time_point begin_;
};

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

template <class Value>
void append(std::vector<Value>& to, const auto& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  to.insert(to.end(), host.data(), host.data() + host.size());
}

Vector<int, ExecutionSpace> upload(std::span<const std::int32_t> indices) {
  const Vector<int, ExecutionSpace> device("otfleet::solver::indices", indices.size());
  const auto host = Kokkos::create_mirror_view(device);
  std::copy(indices.begin(), indices.end(), host.data());
  Kokkos::deep_copy(device, host);
  return device;
}

double mean_support(const std::vector<double>& weights, std::int64_t measures) {
  const auto positive =
      std::count_if(weights.begin(), weights.end(), [](double weight) { return weight > 0; });
  return static_cast<double>(positive) / static_cast<double>(measures);
}

template <class Body>
void for_chunks(Shard shard, const Body& body) {
  for (std::int64_t first = shard.begin; first < shard.end; first += chunk_size)
    body(Shard{first, std::min(first + chunk_size, shard.end)});
}

}  // namespace

/// Instances on the device: their problems and where they stand.
struct PopulationSolver::Chunk {
  kernels::ProblemBatch<ExecutionSpace> problems;
  bool from_zeros = false;
  Matrix<double, ExecutionSpace> f;
  Vector<int, ExecutionSpace> iterations, status, replaced;
};

PopulationSolver::PopulationSolver(const Population& population, double epsilon)
    : population_(population),
      epsilon_(epsilon),
      cost_(make_cost(population.geometry)),
      source_(ExecutionSpace(), upload(population.source_weights, population.geometry.n, "source")),
      target_(population.shared_measures
                  ? source_
                  : kernels::Measures<ExecutionSpace>(
                        ExecutionSpace(),
                        upload(population.target_weights, population.geometry.m, "target"))) {
  source_support_ = mean_support(population.source_weights, population.source_measures);
  target_support_ = population.shared_measures
                        ? source_support_
                        : mean_support(population.target_weights, population.target_measures);
  const Geometry& geometry = population.geometry;
  const auto points = geometry.points(true);
  if (points.empty()) return;
  source_points_ =
      upload(points, static_cast<std::int64_t>(points.size()) / geometry.n, "source_points");
  const auto others = geometry.points(false);
  target_points_ =
      upload(others, static_cast<std::int64_t>(others.size()) / geometry.m, "target_points");
}

bool PopulationSolver::supports(const std::string& initializer) const {
  if (initializer != "gaussian") return true;
  return population_.geometry.cost_name == "squared_euclidean" && source_points_.extent(0) > 0 &&
         source_points_.extent(1) <= 3;
}

Predictor PopulationSolver::make_predictor(const PotentialModel& model, Shard shard) const {
  const auto count = static_cast<std::size_t>(shard.size());
  return Predictor(model, source_.weights, target_.weights,
                   std::span(population_.source).subspan(shard.begin, count),
                   std::span(population_.target).subspan(shard.begin, count));
}

PopulationSolver::Chunk PopulationSolver::start(Shard rows, const std::string& initializer,
                                                const Predictor* predictor,
                                                SolveSeconds& seconds) const {
  const auto count = static_cast<std::size_t>(rows.size());
  const auto sources = std::span(population_.source).subspan(rows.begin, count);
  const auto targets = std::span(population_.target).subspan(rows.begin, count);
  Chunk chunk;
  chunk.problems = {source_, target_, upload(sources), upload(targets)};
  chunk.f = Matrix<double, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::solver::f"), count,
      static_cast<std::size_t>(population_.geometry.n));
  chunk.iterations = Vector<int, ExecutionSpace>("otfleet::solver::iterations", count);
  chunk.status = Vector<int, ExecutionSpace>("otfleet::solver::status", count);
  chunk.replaced = Vector<int, ExecutionSpace>("otfleet::solver::replaced", count);
  const StopWatch watch(seconds.start);
  if (initializer == "zeros")
    chunk.from_zeros = true;
  else if (initializer == "gaussian")
    kernels::gaussian_initializer<ExecutionSpace>(ExecutionSpace(), source_points_, target_points_,
                                                  chunk.problems, chunk.f);
  else
    predictor->predict(sources, targets, epsilon_, chunk.f);
  Kokkos::fence();
  return chunk;
}

MethodChoice PopulationSolver::choose(const Job::Solver& settings) const {
  return choose_method(cost_, epsilon_, source_support_, target_support_, settings);
}

void PopulationSolver::run_sinkhorn(Chunk& chunk, const Job::Solver& solver,
                                    std::int64_t max_iterations,
                                    const Matrix<double, ExecutionSpace>& trace) const {
  kernels::SinkhornSettings settings;
  settings.epsilon = epsilon_;
  settings.threshold = solver.threshold;
  settings.inner_iterations = static_cast<int>(solver.inner_iterations);
  settings.max_iterations = static_cast<int>(max_iterations);
  settings.acceleration = solver.acceleration == "momentum" ? kernels::Acceleration::momentum
                                                            : kernels::Acceleration::none;
  // A prediction may fail; closed forms do not, and the comparison costs two half-steps.
  if (solver.initializer == "model") settings.doubtful_error = solver.doubtful_error;
  std::visit(
      [&](const auto& cost) {
        if (solver.precision == "float")
          kernels::sinkhorn<float>(ExecutionSpace(), cost, chunk.problems, settings,
                                   chunk.from_zeros, chunk.f, chunk.iterations, chunk.status, trace,
                                   chunk.replaced);
        else
          kernels::sinkhorn<double>(ExecutionSpace(), cost, chunk.problems, settings,
                                    chunk.from_zeros, chunk.f, chunk.iterations, chunk.status,
                                    trace, chunk.replaced);
      },
      cost_);
}

void PopulationSolver::run_newton(Chunk& chunk, const Job::Solver& solver) const {
  const auto* cost = std::get_if<kernels::SeparableCost>(&cost_);
  if (cost == nullptr)
    throw UserError("solver.method = 'newton' needs a grid or a dense cost; use 'sinkhorn'");
  kernels::NewtonSettings settings;
  settings.epsilon = epsilon_;
  settings.threshold = solver.threshold;
  settings.max_iterations = static_cast<int>(solver.max_iterations);
  kernels::newton(ExecutionSpace(), *cost, chunk.problems, settings, chunk.from_zeros, chunk.f,
                  chunk.iterations, chunk.status);
}

void PopulationSolver::solve_chunk(Chunk& chunk, const Job::Solver& solver, SolveSeconds& seconds,
                                   SolveCounts& counts) const {
  const StopWatch watch(seconds.iterate);
  const MethodChoice choice = choose(solver);
  if (choice.plan == MethodChoice::Plan::newton) {
    run_newton(chunk, solver);
    counts.newton += static_cast<std::int64_t>(chunk.status.extent(0));
    return;
  }
  const bool newton_follows = choice.plan == MethodChoice::Plan::sinkhorn_then_newton;
  run_sinkhorn(chunk, solver, newton_follows ? choice.sinkhorn_iterations : solver.max_iterations,
               {});
  const auto replaced = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chunk.replaced);
  counts.replaced_starts += std::count(replaced.data(), replaced.data() + replaced.extent(0), 1);
  if (!newton_follows) return;

  const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chunk.status);
  std::vector<std::int32_t> open;
  for (std::int32_t k = 0; k < static_cast<std::int32_t>(status.extent(0)); ++k)
    if (status(k) == static_cast<int>(Status::iteration_limit)) open.push_back(k);
  if (open.empty()) return;
  counts.newton += static_cast<std::int64_t>(open.size());
  finish_with_newton(chunk, open, solver);
}

/// Newton's method for some instances, from where they stand; iterations add up.
void PopulationSolver::finish_with_newton(Chunk& chunk, const std::vector<std::int32_t>& open,
                                          const Job::Solver& solver) const {
  const ExecutionSpace space;
  const Vector<const int, ExecutionSpace> which = upload(open);
  Chunk rest;
  rest.problems = kernels::select<ExecutionSpace>(space, chunk.problems, which);
  rest.f = Matrix<double, ExecutionSpace>("otfleet::solver::f", open.size(), chunk.f.extent(1));
  rest.iterations = Vector<int, ExecutionSpace>("otfleet::solver::iterations", open.size());
  rest.status = Vector<int, ExecutionSpace>("otfleet::solver::status", open.size());
  kernels::gather_rows<ExecutionSpace>(space, which, chunk.f, rest.f);
  run_newton(rest, solver);
  kernels::scatter_rows<ExecutionSpace>(space, which, rest.f, chunk.f);

  const auto iterations =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chunk.iterations);
  const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chunk.status);
  const auto more = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rest.iterations);
  const auto verdict = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rest.status);
  for (std::size_t s = 0; s < open.size(); ++s) {
    iterations(open[s]) += more(s);
    status(open[s]) = verdict(s);
  }
  Kokkos::deep_copy(chunk.iterations, iterations);
  Kokkos::deep_copy(chunk.status, status);
}

Solutions PopulationSolver::solve(Shard shard, const Job::Solver& settings,
                                  const Predictor* predictor, bool potentials,
                                  SolveSeconds& seconds) const {
  Solutions all;
  for_chunks(shard, [&](Shard rows) {
    Chunk chunk = start(rows, settings.initializer, predictor, seconds);
    solve_chunk(chunk, settings, seconds, all.counts);
    const auto count = static_cast<int>(rows.size());
    kernels::Certificates<ExecutionSpace> certificates(count);
    Matrix<double, ExecutionSpace> g;
    {
      const StopWatch watch(seconds.certify);
      if (potentials)
        g = Matrix<double, ExecutionSpace>("otfleet::solver::g", count, population_.geometry.m);
      std::visit(
          [&](const auto& cost) {
            kernels::certify<ExecutionSpace>(ExecutionSpace(), cost, chunk.problems, epsilon_,
                                             chunk.f, g, certificates);
          },
          cost_);
    }
    if (potentials) {
      append(all.f, chunk.f);
      append(all.g, g);
    }
    append(all.dual_value, certificates.dual_value);
    append(all.transport_cost, certificates.transport_cost);
    append(all.upper_bound, certificates.upper_bound);
    append(all.lower_bound, certificates.lower_bound);
    append(all.marginal_error, certificates.marginal_error);
    append(all.iterations, chunk.iterations);
    append(all.status, chunk.status);
  });
  // The certificate has the last word, but for the rounding of its own sums.
  const double limit = settings.threshold * (1 + 1e-6);
  for (std::size_t k = 0; k < all.status.size(); ++k)
    if (all.status[k] == static_cast<int>(Status::converged) && !(all.marginal_error[k] < limit))
      all.status[k] = static_cast<int>(Status::precision_limit);
  return all;
}

Solutions PopulationSolver::solve_unbalanced(Shard shard, const Job::Problem& problem,
                                             const Job::Solver& solver, bool potentials,
                                             SolveSeconds& seconds) const {
  kernels::UnbalancedSettings settings;
  settings.epsilon = epsilon_;
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
        source_, target_, upload(std::span(population_.source).subspan(rows.begin, count)),
        upload(std::span(population_.target).subspan(rows.begin, count))};
    const kernels::UnbalancedSolution<ExecutionSpace> solution(
        problems.size(), static_cast<int>(population_.geometry.n),
        static_cast<int>(population_.geometry.m));
    std::visit(
        [&](const auto& cost) {
          kernels::solve_unbalanced(ExecutionSpace(), cost, problems, settings, solution);
        },
        cost_);
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
    Chunk chunk = start(rows, settings.initializer, predictor, seconds);
    solve_chunk(chunk, settings, seconds, counts);
    append(iterations, chunk.iterations);
    append(status, chunk.status);
  });
  converged = std::count(status.begin(), status.end(), static_cast<int>(Status::converged));
  return iterations;
}

std::vector<double> PopulationSolver::error_sums(Shard shard, Job::Solver settings,
                                                 const std::string& initializer,
                                                 const Predictor* predictor,
                                                 std::int64_t length) const {
  std::vector<double> sums(static_cast<std::size_t>(length), 0.0);
  SolveSeconds ignored;
  settings.threshold = 1e-300;  // never: every instance runs its whole trace
  for_chunks(shard, [&](Shard rows) {
    Chunk chunk = start(rows, initializer, predictor, ignored);
    const Matrix<double, ExecutionSpace> trace("otfleet::solver::trace",
                                               static_cast<std::size_t>(rows.size()),
                                               static_cast<std::size_t>(length));
    run_sinkhorn(chunk, settings, length - 1, trace);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trace);
    for (std::size_t k = 0; k < host.extent(0); ++k)
      for (std::size_t t = 0; t < host.extent(1); ++t) sums[t] += host(k, t);
  });
  return sums;
}

}  // namespace otfleet
