#include "src/families/linear/sharded_cloud_solver.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

#include "distributed/error.hpp"
#include "kernels/outputs/barycentric_projection.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "src/families/linear/cloud_arrays.hpp"
#include "src/interruption.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {

using distributed::Reduction;
using distributed::Shard;

namespace {

/// Says how far a problem is; the ranks agree elsewhere on when to end.
class Reporter final : public kernels::IterationObserver {
 public:
  Reporter(std::int64_t before, const ShardedCloudSolver::Tell& tell)
      : before_(before), tell_(tell) {}

 private:
  bool observe(int, int iterations, double error) noexcept override {
    tell_(before_ + iterations, error);
    return true;
  }

  std::int64_t before_;
  const ShardedCloudSolver::Tell& tell_;
};

}  // namespace

void RingCommunicator::sum(std::span<double> values) {
  communicator_.all_reduce(values, Reduction::sum);
}

void RingCommunicator::max(std::span<double> values) {
  communicator_.all_reduce(values, Reduction::max);
}

void RingCommunicator::exchange(std::size_t bytes, const Fill& fill, const Visit& visit) {
  ring_.exchange(bytes, fill, visit);
}

ShardedCloudSolver::ShardedCloudSolver(const CloudPopulationRows& population, double epsilon,
                                       const distributed::Communicator& communicator)
    : population_(population),
      epsilon_(epsilon),
      communicator_(communicator),
      point_communicator_(communicator) {}

ShardedCloudSolver::DistributedProblem ShardedCloudSolver::load(std::int64_t problem) {
  const ExecutionSpace space;
  const auto& outline = population_.outline();
  const auto at = static_cast<std::size_t>(problem);
  const auto share = [&](std::int64_t points) {
    return distributed::block_shard(points, communicator_.rank(), communicator_.size());
  };
  DistributedProblem loaded;
  loaded.sources = share(outline.source_points(problem));
  loaded.targets = share(outline.target_points(problem));
  communicator_.agree([&] {
    loaded.source_table = population_.read(true, outline.source[at], loaded.sources);
    loaded.target_table = population_.read(false, outline.target[at], loaded.targets);
  });
  loaded.target_points = points_of(loaded.target_table, outline.dimension);
  const auto measure = [&](const char* side, std::int32_t index, const CloudTable& table,
                           const Matrix<const double, ExecutionSpace>& points, Shard shard) {
    try {
      return kernels::CloudMeasures<ExecutionSpace>(space, point_communicator_, weights_of(table),
                                                    points, shard.begin, outline.ground_cost);
    } catch (const std::invalid_argument& error) {
      // To the kernels it is the only measure.
      const std::string text = error.what(), own = "measure 0";
      throw UserError(fmt::format("{}: /measures: {} measure {}{}", population_.path().string(),
                                  side, index,
                                  text.starts_with(own) ? text.substr(own.size()) : ": " + text));
    }
  };
  auto& batch = loaded.problem;
  batch.source_index = batch.target_index = {0};
  batch.source = measure("source", outline.source[at], loaded.source_table,
                         points_of(loaded.source_table, outline.dimension), loaded.sources);
  batch.target = measure("target", outline.target[at], loaded.target_table, loaded.target_points,
                         loaded.targets);
  return loaded;
}

ShardedCloudSolver::Part ShardedCloudSolver::solve(std::int64_t problem,
                                                   const SolverOptions& settings,
                                                   const SolutionOptions& wanted,
                                                   SolveSeconds& seconds, SolveStore* store,
                                                   const Tell& tell) {
  const ExecutionSpace space;
  const DistributedProblem loaded = load(problem);
  const auto& problems = loaded.problem;
  Part part{loaded.sources, loaded.targets, {}};

  std::vector<double> start(static_cast<std::size_t>(part.sources.size()));
  const std::int64_t before = store ? store->load_potentials(problem, part.sources, start) : 0;
  const Vector<double, ExecutionSpace> f("otfleet::solver::f", start.size());
  const Kokkos::View<double*, Kokkos::HostSpace> host(start.data(), start.size());
  Kokkos::deep_copy(f, host);
  const Vector<int, ExecutionSpace> iterations("otfleet::solver::iterations", 1);
  const Vector<int, ExecutionSpace> status("otfleet::solver::status", 1);
  const auto save = [&](std::int64_t made) {
    Kokkos::deep_copy(host, f);
    store->save_potentials(problem, part.sources, start, before + made);
  };
  kernels::IterationWatch watch;
  if (store)
    watch = [&](int made, const std::function<void()>& fetch) {
      const auto due = store->due();
      if (due == SolveStore::Due::nothing) return true;
      fetch();
      save(made);
      part.ended = due == SolveStore::Due::end;
      return !part.ended;
    };
  {
    const StopWatch timer(seconds.iterate);
    Reporter reporter(before, tell);
    auto limits = sinkhorn_settings(settings, epsilon_,
                                    std::max<std::int64_t>(settings.max_iterations - before, 0));
    if (tell) limits.observer = &reporter;
    if (settings.precision == Precision::in_float)
      kernels::sinkhorn<float>(space, problems, limits, before == 0, f, iterations, status, {}, {},
                               watch);
    else
      kernels::sinkhorn<double>(space, problems, limits, before == 0, f, iterations, status, {}, {},
                                watch);
  }
  if (part.ended) return part;
  int made = 0;
  Kokkos::deep_copy(made, Kokkos::subview(iterations, 0));
  std::optional<EndAtOnce> at_once;  // nothing is lost from here on
  if (store && made > 0) {
    save(made);
    at_once.emplace();
  }
  const kernels::Certificates<ExecutionSpace> certificates(1);
  const Vector<double, ExecutionSpace> g("otfleet::solver::g",
                                         static_cast<std::size_t>(part.targets.size()));
  {
    const StopWatch watch(seconds.certify);
    kernels::certify<ExecutionSpace>(space, problems, epsilon_, f, g, certificates);
  }
  auto& solutions = part.solutions;
  if (wanted.projection) {
    const StopWatch watch(seconds.plan);
    const Vector<double, ExecutionSpace> projection(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::solver::projection"),
        f.extent(0) * loaded.target_points.extent(1));
    kernels::barycentric_projection<ExecutionSpace>(space, problems, epsilon_,
                                                    kernels::Projection::to_target, g,
                                                    loaded.target_points, projection);
    append(solutions.plan.projection, projection);
  }
  if (wanted.potentials) {
    append(solutions.f, f);
    append(solutions.g, g);
  }
  solutions.add(certificates, iterations, status);
  solutions.iterations[0] += static_cast<std::int32_t>(before);
  solutions.set_status(settings.threshold);
  return part;
}

}  // namespace otfleet
