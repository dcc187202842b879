#include "src/families/linear/sharded_cloud_solver.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

#include "distributed/error.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/method_choice.hpp"
#include "src/interruption.hpp"
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

ShardedCloudSolver::ShardedCloudSolver(const PopulationRows& population, double epsilon,
                                       const distributed::Communicator& communicator)
    : population_(population),
      epsilon_(epsilon),
      communicator_(communicator),
      point_communicator_(communicator) {}

ShardedCloudSolver::DistributedProblem ShardedCloudSolver::load(std::int64_t problem) {
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
  const auto side = [](const CloudTable& table, Shard shard) {
    return kernels::DistributedSide{table.weights, table.points, shard.begin};
  };
  try {
    loaded.problem = kernels::Problems::distributed(
        point_communicator_, outline.ground_cost, outline.dimension,
        side(loaded.source_table, loaded.sources), side(loaded.target_table, loaded.targets));
  } catch (const std::invalid_argument& error) {
    // To the kernels it is the only measure of its side.
    const std::string text = error.what();
    const std::string name = text.starts_with("source ") ? "source" : "target";
    const std::string rest = text.substr(name.size() + 1), own = "measure 0";
    throw UserError(fmt::format("{}: /measures: {} measure {}{}", population_.path().string(), name,
                                name == "source" ? outline.source[at] : outline.target[at],
                                rest.starts_with(own) ? rest.substr(own.size()) : ": " + rest));
  }
  return loaded;
}

ShardedCloudSolver::Part ShardedCloudSolver::solve(std::int64_t problem, const ProblemOptions& kind,
                                                   const SolverOptions& settings,
                                                   const SolutionOptions& wanted,
                                                   SolveSeconds& seconds, SolveStore* store,
                                                   const Tell& tell) {
  const Method& method = *choose_method(population_, settings).stages.front().method;
  const DistributedProblem loaded = load(problem);
  Part part{loaded.sources, loaded.targets, {}};

  std::vector<double> start(static_cast<std::size_t>(part.sources.size()));
  const std::int64_t before = store ? store->load_potentials(problem, part.sources, start) : 0;
  Batch batch(loaded.problem);
  batch.f.upload(start);
  batch.from_zeros = before == 0;
  const Initializer& initializer = initializer_named(settings.initializer);
  if (batch.from_zeros && !initializer.is_zero()) {
    const StopWatch timer(seconds.start);
    const auto facts = PopulationView(population_.outline()).geometry();
    initializer.compute({facts, epsilon_, arithmetic_of(settings), batch.problems}, batch.f);
    batch.from_zeros = false;
  }
  std::optional<kernels::UnbalancedResult> unbalanced;
  if (!kind.balanced()) unbalanced = unbalanced_start(batch);
  const auto& potential = unbalanced ? unbalanced->f : batch.f;
  const auto save = [&](std::int64_t made) {
    store->save_potentials(problem, part.sources, potential.download(), before + made);
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
    const std::int64_t left = std::max<std::int64_t>(settings.max_iterations - before, 0);
    kernels::IterationObserver* const observer = tell ? &reporter : nullptr;
    if (unbalanced) {
      auto limits = unbalanced_settings(kind, settings, epsilon_);
      limits.max_iterations = static_cast<int>(left);
      limits.from_solution = limits.from_f_alone = !batch.from_zeros;
      limits.observer = observer;
      kernels::solve_unbalanced(loaded.problem, limits, *unbalanced, watch);
    } else {
      const BatchSolver solver(loaded.problem, epsilon_, MeanSupports());
      SolveCounts counts;
      method.solve(solver, batch, settings, left, counts, observer, watch);
      part.solutions.counts.add(counts);
    }
  }
  if (part.ended) return part;
  const auto& iterations = unbalanced ? unbalanced->iterations : batch.progress.iterations;
  const int made = iterations.download().front();
  std::optional<EndAtOnce> at_once;  // nothing is lost from here on
  if (store && made > 0) {
    save(made);
    at_once.emplace();
  }
  if (unbalanced) {
    part.solutions.add(*unbalanced, wanted, iterations.download(), unbalanced->status.download());
  } else {
    part.solutions.add(batch, epsilon_, wanted, seconds, method.most_left_out(settings));
    part.solutions.set_status(settings.threshold);
  }
  part.solutions.iterations[0] += static_cast<std::int32_t>(before);
  return part;
}

}  // namespace otfleet
