#include "src/families/linear/population_solver.hpp"

#include <algorithm>
#include <stdexcept>

#include "distributed/error.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/problems/selection.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/populations/feasibility.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

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

/// Rows of arrays on the device, one after the other, as one vector on the host, and back.
template <class Array>
void append_row(std::vector<double>& to, const Array& array, std::int32_t row) {
  append(to, Kokkos::subview(array, row, Kokkos::ALL));
}

template <class Array>
void take_row(const double*& from, const Array& array, std::int32_t row) {
  const Kokkos::View<const double*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>
      host(from, array.extent(1));
  Kokkos::deep_copy(Kokkos::subview(array, row, Kokkos::ALL), host);
  from += array.extent(1);
}

/// All of a block?
bool is_all(const std::vector<std::int32_t>& which, std::size_t count) {
  return which.size() == count;
}

void fetch(const Vector<int, ExecutionSpace>& from, std::vector<std::int32_t>& to) {
  to.clear();
  append(to, from);
}

/// A batch of balanced problems.
class BalancedBlock final : public SolvedBlock {
 public:
  BalancedBlock(const BatchSolver& solver, const SolverOptions& settings, Batch& batch,
                SolveCounts& counts)
      : solver_(solver), settings_(settings), batch_(batch), counts_(counts) {}

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    settings_.max_iterations = limit;
    if (is_all(which, batch_.status.extent(0))) {
      solver_.solve(batch_, settings_, counts_, &observer);
      fetch(batch_.iterations, iterations);
      fetch(batch_.status, status);
    } else {
      const ExecutionSpace space;
      const Vector<const int, ExecutionSpace> rows = upload_indices(which);
      Batch some(kernels::select<ExecutionSpace>(space, batch_.problems, rows));
      kernels::gather_rows<ExecutionSpace>(space, rows, batch_.f, some.f);
      solver_.solve(some, settings_, counts_, &observer);
      kernels::scatter_rows<ExecutionSpace>(space, rows, some.f, batch_.f);
      fetch(some.iterations, iterations);
      fetch(some.status, status);
    }
    if (batch_.from_zeros)
      for (std::size_t s = 0; s < which.size(); ++s)
        if (iterations[s] == 0 && status[s] == static_cast<int>(Status::ended))
          Kokkos::deep_copy(Kokkos::subview(batch_.f, which[s], Kokkos::ALL), 0.0);
    batch_.from_zeros = false;
  }

  std::vector<double> potential(std::int32_t problem) const override {
    std::vector<double> values;
    append_row(values, batch_.f, problem);
    return values;
  }

  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    if (batch_.from_zeros) Kokkos::deep_copy(batch_.f, 0.0);
    batch_.from_zeros = false;
    const double* from = values.data();
    take_row(from, batch_.f, problem);
  }

 private:
  const BatchSolver& solver_;
  SolverOptions settings_;
  Batch& batch_;
  SolveCounts& counts_;
};

/// A batch of problems that are not balanced. A state is f, g and the mass potential.
class UnbalancedBlock final : public SolvedBlock {
 public:
  UnbalancedBlock(const Cost& cost, const kernels::ProblemBatch<ExecutionSpace>& problems,
                  const kernels::UnbalancedSettings& settings,
                  const kernels::UnbalancedSolution<ExecutionSpace>& solution)
      : cost_(cost), problems_(problems), settings_(settings), solution_(solution) {}

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    settings_.max_iterations = static_cast<int>(limit);
    settings_.observer = &observer;
    if (is_all(which, static_cast<std::size_t>(solution_.size()))) {
      solve(problems_, solution_);
      fetch(solution_.iterations, iterations);
      fetch(solution_.status, status);
    } else {
      const ExecutionSpace space;
      const Vector<const int, ExecutionSpace> rows = upload_indices(which);
      const kernels::UnbalancedSolution<ExecutionSpace> some(
          static_cast<int>(which.size()), static_cast<int>(solution_.f.extent(1)),
          static_cast<int>(solution_.g.extent(1)));
      for (std::size_t s = 0; s < which.size(); ++s)
        copy(solution_, which[s], some, static_cast<std::int32_t>(s));
      solve(kernels::select<ExecutionSpace>(space, problems_, rows), some);
      for (std::size_t s = 0; s < which.size(); ++s)
        copy(some, static_cast<std::int32_t>(s), solution_, which[s]);
      fetch(some.iterations, iterations);
      fetch(some.status, status);
    }
    settings_.from_solution = true;
  }

  std::vector<double> potential(std::int32_t problem) const override {
    std::vector<double> values;
    append_row(values, solution_.f, problem);
    append_row(values, solution_.g, problem);
    append(values, Kokkos::subview(solution_.mass_potential, std::pair(problem, problem + 1)));
    return values;
  }

  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    if (!settings_.from_solution) start_all();
    const double* from = values.data();
    take_row(from, solution_.f, problem);
    take_row(from, solution_.g, problem);
    Kokkos::deep_copy(Kokkos::subview(solution_.mass_potential, problem), *from);
  }

 private:
  using Solution = kernels::UnbalancedSolution<ExecutionSpace>;

  void solve(const kernels::ProblemBatch<ExecutionSpace>& problems,
             const Solution& solution) const {
    std::visit(
        [&](const auto& cost) {
          kernels::solve_unbalanced(ExecutionSpace(), cost, problems, settings_, solution);
        },
        cost_);
  }

  /// Every problem as the solver would begin: with none left to iterate, that is all it does.
  void start_all() {
    auto no_iterations = settings_;
    no_iterations.max_iterations = 0;
    std::swap(settings_, no_iterations);
    solve(problems_, solution_);
    std::swap(settings_, no_iterations);
    settings_.from_solution = true;
  }

  static void copy(const Solution& from, std::int32_t row, const Solution& to, std::int32_t at) {
    for (const auto matrix : {&Solution::f, &Solution::g})
      Kokkos::deep_copy(Kokkos::subview(to.*matrix, at, Kokkos::ALL),
                        Kokkos::subview(from.*matrix, row, Kokkos::ALL));
    for (const auto figure :
         {&Solution::mass_potential, &Solution::dual_value, &Solution::primal_value,
          &Solution::transport_cost, &Solution::transported_mass, &Solution::residual})
      Kokkos::deep_copy(Kokkos::subview(to.*figure, at), Kokkos::subview(from.*figure, row));
  }

  const Cost& cost_;
  kernels::ProblemBatch<ExecutionSpace> problems_;
  kernels::UnbalancedSettings settings_;
  Solution solution_;
};

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
  return initializer_named(initializer).complaint(population_.geometry);
}

void PopulationSolver::check_feasible(const std::string& name, std::int64_t first,
                                      std::int64_t step) const {
  otfleet::check_feasible(name, population_, solver_.cost(), first, step);
}

StartPredictor PopulationSolver::make_predictor(const PotentialModel& model) const {
  return StartPredictor(model, kernels::array_of(source_.weights),
                        kernels::array_of(target_.weights));
}

Batch PopulationSolver::start(Shard rows, const SolverOptions& settings,
                              const StartPredictor* predictor, SolveSeconds& seconds) const {
  const auto count = static_cast<std::size_t>(rows.size());
  const auto sources = std::span(population_.source).subspan(rows.begin, count);
  const auto targets = std::span(population_.target).subspan(rows.begin, count);
  Batch batch({source_, target_, upload_indices(sources), upload_indices(targets)});
  const StopWatch watch(seconds.start);
  const Initializer& initializer = initializer_named(settings.initializer);
  batch.from_zeros = initializer.is_zero();
  if (!batch.from_zeros)
    initializer.compute(
        {population_.geometry, solver_.cost(), source_points_, target_points_, solver_.epsilon(),
         settings.precision == Precision::in_float, batch.problems,
         [&](const Matrix<double, ExecutionSpace>& f) {
           predictor->predict(sources, targets, solver_.epsilon(), kernels::array_of(f));
         }},
        batch.f);
  Kokkos::fence();
  return batch;
}

void PopulationSolver::iterate(Batch& batch, const SolverOptions& settings, SolveSeconds& seconds,
                               SolveCounts& counts) const {
  const StopWatch watch(seconds.iterate);
  solver_.solve(batch, settings, counts);
}

void PopulationSolver::iterate(Batch& batch, Shard rows, const SolverOptions& settings,
                               SolveSeconds& seconds, SolveCounts& counts,
                               SolveControl& control) const {
  const StopWatch watch(seconds.iterate);
  BalancedBlock block(solver_, settings, batch, counts);
  std::vector<std::int32_t> iterations, status;
  control.solve(rows, settings.max_iterations, block, iterations, status);
  batch.iterations = upload_indices(iterations);
  batch.status = upload_indices(status);
}

Solutions PopulationSolver::solve(Shard shard, const SolverOptions& settings,
                                  const StartPredictor* predictor, const SolutionOptions& wanted,
                                  SolveSeconds& seconds, SolveControl* control) const {
  Solutions all;
  for_chunks(shard, [&](Shard rows) {
    Batch batch = start(rows, settings, predictor, seconds);
    if (control != nullptr)
      iterate(batch, rows, settings, seconds, all.counts, *control);
    else
      iterate(batch, settings, seconds, all.counts);
    const auto at_once = control != nullptr ? control->may_end_at_once() : std::nullopt;
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
  all.set_status(settings.threshold);
  derive(shard, block_ascent_settings(settings, solver_.epsilon()), wanted, all, seconds);
  return all;
}

void PopulationSolver::derive(Shard shard, const kernels::UnbalancedSettings& settings,
                              const SolutionOptions& wanted, Solutions& all,
                              SolveSeconds& seconds) const {
  if (!wanted.derives_values()) return;
  const StopWatch watch(seconds.certify);
  if (!derived_) derived_.emplace(population_);
  derived_->add(shard, settings, wanted, all);
}

Solutions PopulationSolver::solve_unbalanced(Shard shard, const ProblemOptions& problem,
                                             const SolverOptions& solver,
                                             const SolutionOptions& wanted, SolveSeconds& seconds,
                                             SolveControl* control) const {
  auto settings = block_ascent_settings(solver, solver_.epsilon());
  settings.tau_a = problem.tau_a;
  settings.tau_b = problem.tau_b;
  if (problem.transported_share > 0) settings.transported_share = problem.transported_share;
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
    std::vector<std::int32_t> iterations, status;
    if (control != nullptr) {
      UnbalancedBlock block(solver_.cost(), problems, settings, solution);
      control->solve(rows, settings.max_iterations, block, iterations, status);
    } else {
      std::visit(
          [&](const auto& cost) {
            kernels::solve_unbalanced(ExecutionSpace(), cost, problems, settings, solution);
          },
          solver_.cost());
      fetch(solution.iterations, iterations);
      fetch(solution.status, status);
    }
    if (wanted.potentials) {
      append(all.f, solution.f);
      append(all.g, solution.g);
    }
    append(all.dual_value, solution.dual_value);
    append(all.primal_value, solution.primal_value);
    append(all.transport_cost, solution.transport_cost);
    append(all.transported_mass, solution.transported_mass);
    append(all.mass_potential, solution.mass_potential);
    append(all.residual, solution.residual);
    all.iterations.insert(all.iterations.end(), iterations.begin(), iterations.end());
    all.status.insert(all.status.end(), status.begin(), status.end());
  });
  derive(shard, settings, wanted, all, seconds);
  return all;
}

std::vector<std::int32_t> PopulationSolver::count_iterations(
    Shard shard, const SolverOptions& settings, const StartPredictor* predictor,
    SolveSeconds& seconds, StatusCounts& statuses, SolveCounts& counts) const {
  std::vector<std::int32_t> iterations, status;
  for_chunks(shard, [&](Shard rows) {
    Batch batch = start(rows, settings, predictor, seconds);
    iterate(batch, settings, seconds, counts);
    append(iterations, batch.iterations);
    append(status, batch.status);
  });
  statuses.add(status);
  return iterations;
}

std::vector<double> PopulationSolver::error_sums(Shard shard, SolverOptions settings,
                                                 const StartPredictor* predictor,
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
