#include "src/families/gromov_wasserstein/gromov_wasserstein_solver.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

#include "distributed/error.hpp"
#include "kernels/api/gromov_wasserstein.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::GromovWassersteinProblems;

GromovWassersteinProblems::Kind kind_of(const ShapeProblems& population, const Job& job) {
  GromovWassersteinProblems::Kind kind;
  kind.cost = population.cost();
  kind.coordinates = static_cast<int>(population.coordinates());
  kind.features = static_cast<int>(population.features(job));
  kind.starts = static_cast<int>(job.gromov_wasserstein.starts);
  kind.seed = static_cast<std::uint64_t>(job.seed);
  return kind;
}

kernels::GromovWassersteinSettings settings_of(const Job& job) {
  kernels::GromovWassersteinSettings settings;
  settings.epsilon = job.problem.epsilon;
  settings.alpha = job.gromov_wasserstein.alpha;
  settings.threshold = job.solver.threshold;
  return settings;
}

class GromovWassersteinBlock final : public SolvedBlock {
 public:
  GromovWassersteinBlock(const ShapeProblems& population, Shard rows, const Job& job)
      : problems_(begin(population, rows, job)) {}

  const GromovWassersteinProblems& problems() const { return problems_; }

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    problems_.run(which, static_cast<int>(limit), &observer);
    iterations.clear();
    status.clear();
    for (const std::int32_t one : which) {
      iterations.push_back(problems_.iterations(one));
      status.push_back(problems_.status(one));
    }
  }
  std::vector<double> potential(std::int32_t problem) const override {
    return problems_.progress(problem);
  }
  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    problems_.set_progress(problem, values);
  }

 private:
  static GromovWassersteinProblems begin(const ShapeProblems& population, Shard rows,
                                         const Job& job) {
    const auto first = static_cast<std::size_t>(rows.begin),
               count = static_cast<std::size_t>(rows.size());
    std::vector<std::int64_t> streams(count);
    std::iota(streams.begin(), streams.end(), rows.begin);
    return {kind_of(population, job),
            settings_of(job),
            population.sources(),
            population.targets(),
            std::span(population.source()).subspan(first, count),
            std::span(population.target()).subspan(first, count),
            streams};
  }

  GromovWassersteinProblems problems_;
};

/// Appends the entries of a plan [n, m] that the job wants.
void append_entries(PlanEntries& to, const std::vector<double>& plan, std::size_t m,
                    const SolutionOptions& wanted) {
  const std::size_t n = plan.size() / m;
  double kept = 0;
  std::vector<std::int32_t> order(m);
  to.offsets.push_back(static_cast<std::int64_t>(to.columns.size()));
  for (std::size_t i = 0; i < n; ++i) {
    const double* const row = plan.data() + i * m;
    const double sum = std::accumulate(row, row + m, 0.0);
    std::iota(order.begin(), order.end(), 0);
    std::size_t count = m;
    if (wanted.plan == PlanRule::top_k) {
      count = std::min(m, static_cast<std::size_t>(wanted.top_k));
      const auto larger = [row](std::int32_t j, std::int32_t l) {
        return row[j] != row[l] ? row[j] > row[l] : j < l;
      };
      std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                        order.end(), larger);
      std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
    }
    for (std::size_t at = 0; at < count; ++at) {
      const std::int32_t j = order[at];
      if (!(row[j] > 0)) continue;
      if (wanted.plan == PlanRule::threshold && row[j] < wanted.plan_threshold * sum) continue;
      to.columns.push_back(j);
      to.values.push_back(row[j]);
      kept += row[j];
    }
    to.offsets.push_back(static_cast<std::int64_t>(to.columns.size()));
  }
  to.kept_mass.push_back(kept / std::accumulate(plan.begin(), plan.end(), 0.0));
}

/// Appends means of the target's points under the rows of a plan; NaN where a row has no mass.
void append_projection(std::vector<double>& to, const std::vector<double>& plan,
                       std::span<const double> points, std::size_t d) {
  const std::size_t m = points.size() / d, n = plan.size() / m;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> mean(d, 0.0);
    double sum = 0;
    for (std::size_t j = 0; j < m; ++j) {
      sum += plan[i * m + j];
      for (std::size_t c = 0; c < d; ++c) mean[c] += plan[i * m + j] * points[j * d + c];
    }
    for (const double one : mean) to.push_back(one / sum);
  }
}

}  // namespace

GromovWassersteinSolver::GromovWassersteinSolver(const ShapeProblems& population, const Job& job)
    : population_(population), job_(job) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(population.problems()));
  std::iota(all.begin(), all.end(), 0);
  GromovWassersteinProblems::check(kind_of(population, job), settings_of(job), population.sources(),
                                   population.targets(), population.source(), population.target(),
                                   all);
}

GromovWassersteinSolutions GromovWassersteinSolver::solve(Shard rows, SolveSeconds& seconds,
                                                          SolveControl& control) const {
  GromovWassersteinSolutions all;
  std::optional<GromovWassersteinBlock> begun;
  {
    const StopWatch watch(seconds.start);
    begun.emplace(population_, rows, job_);
  }
  {
    const StopWatch watch(seconds.iterate);
    control.solve(rows, job_.solver.max_iterations, *begun, all.iterations, all.status);
  }
  const auto at_once = control.may_end_at_once();
  const auto& problems = begun->problems();
  {
    const StopWatch watch(seconds.certify);
    auto found = problems.results();
    all.transport_cost = std::move(found.cost);
    all.upper_bound = std::move(found.upper_bound);
    all.lower_bound = std::move(found.lower_bound);
    all.regularized_value = std::move(found.regularized_value);
    all.marginal_error = std::move(found.marginal_error);
    all.residual = std::move(found.residual);
    all.start = std::move(found.start);
    all.inner_iterations = std::move(found.inner_iterations);
    all.status = std::move(found.status);
  }
  const StopWatch watch(seconds.plan);
  const auto d = static_cast<std::size_t>(population_.coordinates());
  const auto targets = population_.targets();
  for (std::int64_t k = rows.begin; k < rows.end; ++k) {
    const auto at = static_cast<std::size_t>(k - rows.begin);
    const double mass = population_.mass(k);
    for (auto* figures :
         {&all.transport_cost, &all.upper_bound, &all.lower_bound, &all.regularized_value})
      (*figures)[at] *= mass * mass;
    if (!wants_plan(job_.solution)) continue;
    auto plan = problems.plan(static_cast<std::int32_t>(at), all.start[at]);
    for (double& entry : plan) entry *= mass;
    const auto m = static_cast<std::size_t>(population_.target_points(k));
    if (wants_entries(job_.solution)) append_entries(all.plan.entries, plan, m, job_.solution);
    if (!job_.solution.projection) continue;
    const auto target = static_cast<std::size_t>(population_.target()[static_cast<std::size_t>(k)]);
    append_projection(
        all.plan.projection, plan,
        targets.points.subspan(static_cast<std::size_t>(targets.offsets[target]) * d, m * d), d);
  }
  return all;
}

double GromovWassersteinSolver::bytes(std::int64_t k) const {
  const std::int64_t n = population_.source_points(k), m = population_.target_points(k);
  return GromovWassersteinProblems::bytes(n, m, static_cast<int>(job_.gromov_wasserstein.starts)) +
         static_cast<double>(plan_output_bytes(job_.solution, n, m, population_.coordinates()));
}

double GromovWassersteinSolver::work(std::int64_t k) const {
  const auto n = static_cast<double>(population_.source_points(k)),
             m = static_cast<double>(population_.target_points(k));
  return n * m * (n + m + 20);
}

}  // namespace otfleet
