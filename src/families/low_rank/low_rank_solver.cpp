#include "src/families/low_rank/low_rank_solver.hpp"

#include <spdlog/fmt/fmt.h>

#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::LowRankProblem;

kernels::LowRankSettings settings_of(const Job& job) {
  kernels::LowRankSettings settings;
  settings.objective = job.low_rank.objective;
  settings.rank = static_cast<int>(job.low_rank.rank);
  settings.threshold = job.solver.threshold;
  return settings;
}

kernels::WeightedPoints points_of(const CloudTable& table, std::int32_t measure, std::size_t d) {
  const auto at = static_cast<std::size_t>(measure);
  const auto begin = static_cast<std::size_t>(table.offsets[at]),
             count = static_cast<std::size_t>(table.offsets[at + 1]) - begin;
  return {std::span(table.weights).subspan(begin, count),
          std::span(table.points).subspan(begin * d, count * d)};
}

class LowRankBlock final : public SolvedBlock {
 public:
  LowRankBlock(const CloudPopulation& population, Shard rows, const Job& job) {
    const auto d = static_cast<std::size_t>(population.dimension);
    for (std::int64_t k = rows.begin; k < rows.end; ++k) {
      const auto at = static_cast<std::size_t>(k);
      try {
        problems_.emplace_back(population.ground_cost, static_cast<int>(d),
                               points_of(population.sources, population.source[at], d),
                               points_of(population.target_table(), population.target[at], d),
                               settings_of(job), static_cast<std::uint64_t>(job.seed),
                               static_cast<std::uint64_t>(k));
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(fmt::format("problem {}: {}", k, error.what()));
      }
    }
  }

  const LowRankProblem& problem(std::size_t k) const { return problems_[k]; }

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    iterations.clear();
    status.clear();
    for (std::size_t s = 0; s < which.size(); ++s) {
      const auto& one = problems_[static_cast<std::size_t>(which[s])];
      const int before = one.iterations();
      one.run(static_cast<int>(limit), &observer, static_cast<int>(s));
      iterations.push_back(one.iterations() - before);
      status.push_back(one.status());
    }
  }
  std::vector<double> potential(std::int32_t problem) const override {
    return problems_[static_cast<std::size_t>(problem)].progress();
  }
  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    problems_[static_cast<std::size_t>(problem)].set_progress(values);
  }

 private:
  std::vector<LowRankProblem> problems_;
};

}  // namespace

double LowRankSolver::self_cost(const CloudTable& measures, std::int32_t measure) {
  const auto [at, is_new] = self_costs_.try_emplace({&measures, measure}, 0.0);
  if (!is_new) return at->second;
  const auto d = static_cast<std::size_t>(population_.dimension);
  const auto points = points_of(measures, measure, d);
  // A stream that no problem of a population has.
  const LowRankProblem problem(
      population_.ground_cost, static_cast<int>(d), points, points, settings_of(job_),
      static_cast<std::uint64_t>(job_.seed),
      std::numeric_limits<std::uint64_t>::max() - static_cast<std::uint64_t>(measure));
  problem.run(static_cast<int>(job_.solver.max_iterations), nullptr, 0);
  return at->second = problem.result({false, false}).cost;
}

LowRankSolutions LowRankSolver::solve(Shard rows, SolveSeconds& seconds, SolveControl& control) {
  LowRankSolutions all;
  std::optional<LowRankBlock> begun;
  {
    const StopWatch watch(seconds.start);
    begun.emplace(population_, rows, job_);
  }
  {
    const StopWatch watch(seconds.iterate);
    control.solve(rows, job_.solver.max_iterations, *begun, all.iterations, all.status);
  }
  const auto at_once = control.may_end_at_once();
  for (std::int64_t k = rows.begin; k < rows.end; ++k) {
    const auto& problem = begun->problem(static_cast<std::size_t>(k - rows.begin));
    const auto at = static_cast<std::size_t>(k);
    const double mass = population_.sources.mass(population_.source[at]);
    const bool shapes = job_.low_rank.objective == kernels::LowRankObjective::gromov_wasserstein;
    const double cost_unit = shapes ? mass * mass : mass;
    kernels::LowRankResult result;
    {
      const StopWatch watch(seconds.certify);
      result = problem.result({true, job_.solution.projection});
      if (job_.solution.divergence)
        all.divergence.push_back(
            cost_unit *
            (result.cost - (self_cost(population_.sources, population_.source[at]) +
                            self_cost(population_.target_table(), population_.target[at])) /
                               2));
    }
    all.transport_cost.push_back(cost_unit * result.cost);
    all.upper_bound.push_back(cost_unit * result.upper_bound);
    all.lower_bound.push_back(cost_unit * result.lower_bound);
    all.bound_failure.push_back(result.bound_failure);
    all.marginal_error.push_back(result.marginal_error);
    all.residual.push_back(problem.residual());
    all.clusters.push_back(result.rank);
    for (double& one : result.masses) one *= mass;
    append(all.masses, result.masses);
    append(all.source_centers, result.source_centers);
    append(all.target_centers, result.target_centers);
    append(all.source_slopes, result.source_slopes);
    append(all.target_slopes, result.target_slopes);
    append(all.source_offsets, result.source_offsets);
    append(all.target_offsets, result.target_offsets);
    append(all.source_squares, result.source_squares);
    append(all.target_squares, result.target_squares);
    append(all.plan.projection, result.projection);
  }
  return all;
}

double LowRankSolver::bytes(std::int64_t k) const {
  const std::int64_t n = population_.source_points(k), m = population_.target_points(k);
  return LowRankProblem::bytes(n, m, static_cast<int>(population_.dimension),
                               static_cast<int>(job_.low_rank.rank)) +
         static_cast<double>(plan_output_bytes(job_.solution, n, m, population_.dimension));
}

}  // namespace otfleet
