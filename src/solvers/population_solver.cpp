#include "src/solvers/population_solver.hpp"

#include <algorithm>
#include <chrono>

#include "kernels/initializers/gaussian.hpp"
#include "kernels/sinkhorn/certificate.hpp"
#include "src/problems/cost.hpp"

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
  Vector<int, ExecutionSpace> iterations, status;
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
      static_cast<std::size_t>(cost_.n()));
  chunk.iterations = Vector<int, ExecutionSpace>("otfleet::solver::iterations", count);
  chunk.status = Vector<int, ExecutionSpace>("otfleet::solver::status", count);
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

void PopulationSolver::iterate(Chunk& chunk, const Job::Solver& solver,
                               const Matrix<double, ExecutionSpace>& trace,
                               SolveSeconds& seconds) const {
  kernels::SinkhornSettings settings;
  settings.epsilon = epsilon_;
  settings.threshold = solver.threshold;
  settings.inner_iterations = static_cast<int>(solver.inner_iterations);
  settings.max_iterations = static_cast<int>(solver.max_iterations);
  const StopWatch watch(seconds.iterate);
  const auto run = solver.precision == "float" ? kernels::sinkhorn<float, ExecutionSpace>
                                               : kernels::sinkhorn<double, ExecutionSpace>;
  run(ExecutionSpace(), cost_, chunk.problems, settings, chunk.from_zeros, chunk.f,
      chunk.iterations, chunk.status, trace);
}

Solutions PopulationSolver::solve(Shard shard, const Job::Solver& settings,
                                  const Predictor* predictor, bool potentials,
                                  SolveSeconds& seconds) const {
  Solutions all;
  for_chunks(shard, [&](Shard rows) {
    Chunk chunk = start(rows, settings.initializer, predictor, seconds);
    iterate(chunk, settings, {}, seconds);
    const auto count = static_cast<int>(rows.size());
    kernels::Certificates<ExecutionSpace> certificates(count);
    Matrix<double, ExecutionSpace> g;
    {
      const StopWatch watch(seconds.certify);
      if (potentials) g = Matrix<double, ExecutionSpace>("otfleet::solver::g", count, cost_.m());
      kernels::certify<ExecutionSpace>(ExecutionSpace(), cost_, chunk.problems, epsilon_, chunk.f,
                                       g, certificates);
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

std::vector<std::int32_t> PopulationSolver::count_iterations(Shard shard,
                                                             const Job::Solver& settings,
                                                             const Predictor* predictor,
                                                             SolveSeconds& seconds,
                                                             std::int64_t& converged) const {
  std::vector<std::int32_t> iterations, status;
  for_chunks(shard, [&](Shard rows) {
    Chunk chunk = start(rows, settings.initializer, predictor, seconds);
    iterate(chunk, settings, {}, seconds);
    append(iterations, chunk.iterations);
    append(status, chunk.status);
  });
  converged = std::count(status.begin(), status.end(), static_cast<int>(Status::converged));
  return iterations;
}

std::vector<double> PopulationSolver::error_sums(Shard shard, const std::string& initializer,
                                                 const Predictor* predictor,
                                                 std::int64_t length) const {
  std::vector<double> sums(static_cast<std::size_t>(length), 0.0);
  SolveSeconds ignored;
  Job::Solver settings;
  settings.threshold = 1e-300;  // never: every instance runs its whole trace
  settings.max_iterations = length - 1;
  for_chunks(shard, [&](Shard rows) {
    Chunk chunk = start(rows, initializer, predictor, ignored);
    const Matrix<double, ExecutionSpace> trace("otfleet::solver::trace",
                                               static_cast<std::size_t>(rows.size()),
                                               static_cast<std::size_t>(length));
    iterate(chunk, settings, trace, ignored);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trace);
    for (std::size_t k = 0; k < host.extent(0); ++k)
      for (std::size_t t = 0; t < host.extent(1); ++t) sums[t] += host(k, t);
  });
  return sums;
}

}  // namespace otfleet
