#include "src/families/semidiscrete/semidiscrete_solver.hpp"

#include <spdlog/fmt/fmt.h>

#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/api/semidiscrete.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::SemidiscreteProblem;

kernels::SemidiscreteSettings settings_of(const Job& job) {
  kernels::SemidiscreteSettings settings;
  settings.noise = {job.semidiscrete.noise, job.semidiscrete.scale};
  settings.epsilon = job.semidiscrete.epsilon;
  settings.threshold = job.solver.threshold;
  settings.warm_start_coordinates = static_cast<int>(job.semidiscrete.warm_start_coordinates);
  settings.certificate_samples = job.semidiscrete.certificate_samples;
  return settings;
}

class SemidiscreteBlock final : public SolvedBlock {
 public:
  SemidiscreteBlock(const CloudPopulation& population, Shard rows, const Job& job) {
    const auto& targets = population.target_table();
    const auto d = static_cast<std::size_t>(population.dimension);
    for (std::int64_t k = rows.begin; k < rows.end; ++k) {
      const auto measure = static_cast<std::size_t>(population.target[static_cast<std::size_t>(k)]);
      const auto begin = static_cast<std::size_t>(targets.offsets[measure]),
                 count = static_cast<std::size_t>(targets.offsets[measure + 1]) - begin;
      try {
        problems_.emplace_back(
            static_cast<int>(d),
            kernels::WeightedPoints{std::span(targets.weights).subspan(begin, count),
                                    std::span(targets.points).subspan(begin * d, count * d)},
            settings_of(job), static_cast<std::uint64_t>(job.seed), static_cast<std::uint64_t>(k));
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(fmt::format("problem {}: {}", k, error.what()));
      }
    }
  }

  const SemidiscreteProblem& problem(std::size_t k) const { return problems_[k]; }

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
  std::vector<SemidiscreteProblem> problems_;
};

}  // namespace

SemidiscreteSolutions SemidiscreteSolver::solve(Shard rows, SolveSeconds& seconds,
                                                SolveControl& control) const {
  SemidiscreteSolutions all;
  SemidiscreteBlock block = [&] {
    const StopWatch watch(seconds.start);
    return SemidiscreteBlock(population_, rows, job_);
  }();
  {
    const StopWatch watch(seconds.iterate);
    control.solve(rows, job_.solver.max_iterations, block, all.iterations, all.status);
  }
  all.status.clear();
  const auto at_once = control.may_end_at_once();
  for (std::int64_t k = rows.begin; k < rows.end; ++k) {
    const auto& problem = block.problem(static_cast<std::size_t>(k - rows.begin));
    const double mass =
        population_.target_table().mass(population_.target[static_cast<std::size_t>(k)]);
    const StopWatch watch(seconds.certify);
    auto result = problem.result();
    all.transport_cost.push_back(mass * result.transport_cost);
    all.transport_error.push_back(mass * result.transport_error);
    all.dual_value.push_back(mass * result.dual_value);
    all.upper_bound.push_back(mass * result.upper_bound);
    all.lower_bound.push_back(mass * result.lower_bound);
    all.bound_failure.push_back(result.failure);
    all.marginal_error.push_back(result.marginal_error);
    all.marginal_lower.push_back(result.marginal_lower);
    all.marginal_upper.push_back(result.marginal_upper);
    all.samples.push_back(result.samples);
    all.status.push_back(result.status);
    append(all.potential, result.potential);
    if (job_.semidiscrete.assignments == 0) continue;
    const auto drawn =
        problem.assign(0, job_.semidiscrete.assignments, job_.semidiscrete.store_noise);
    append(all.assignments, drawn.point);
    append(all.noise, drawn.noise);
  }
  return all;
}

double SemidiscreteSolver::bytes(std::int64_t k) const {
  const auto& options = job_.semidiscrete;
  const double each =
      4 + (options.store_noise ? 8 * static_cast<double>(population_.dimension) : 0);
  return SemidiscreteProblem::bytes(population_.target_points(k),
                                    static_cast<int>(population_.dimension)) +
         each * static_cast<double>(options.assignments);
}

}  // namespace otfleet
