#include "src/families/barycenter/free_support_solver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>

#include "kernels/problems/exponents.hpp"
#include "kernels/problems/status.hpp"
#include "src/families/barycenter/initial_points.hpp"
#include "src/populations/device_problems.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::BarycenterSets;
using kernels::FreeSupportProgress;
using kernels::FreeSupportResult;
using kernels::Status;

kernels::FreeSupportSettings free_support_settings(const Job& job) {
  kernels::FreeSupportSettings settings;
  settings.epsilon = job.problem.epsilon;
  settings.threshold = job.solver.threshold;
  settings.inner_iterations = static_cast<int>(job.solver.inner_iterations);
  settings.max_iterations = static_cast<int>(job.solver.max_iterations);
  settings.momentum = job.solver.acceleration == Acceleration::momentum;
  settings.point_threshold = job.barycenter.point_threshold;
  return settings;
}

/// Throws std::invalid_argument, naming the problem, where exponents cannot hold the costs that the
/// box around its points allows.
void check_epsilon(const FreeSupportPopulation& population, double epsilon) {
  const auto d = static_cast<std::size_t>(population.dimension);
  const auto& sets = population.sets;
  for (std::int64_t k = 0; k < sets.problems(); ++k) {
    std::vector<double> low(d, std::numeric_limits<double>::infinity()), high(d, -low[0]);
    const auto widen = [&](const std::vector<double>& points, std::int64_t first,
                           std::int64_t count) {
      const double* x = points.data() + static_cast<std::size_t>(first) * d;
      for (std::int64_t i = 0; i < count; ++i, x += d)
        for (std::size_t c = 0; c < d; ++c) {
          low[c] = std::min(low[c], x[c]);
          high[c] = std::max(high[c], x[c]);
        }
    };
    const auto& measures = population.measures;
    for (std::int64_t at = sets.offsets[k]; at < sets.offsets[k + 1]; ++at) {
      const std::int32_t one = sets.measures[static_cast<std::size_t>(at)];
      widen(measures.points, measures.offsets[one], measures.size(one));
    }
    if (!population.start.empty())
      widen(population.start, k * population.points, population.points);
    double diagonal = 0;
    for (std::size_t c = 0; c < d; ++c) diagonal += (high[c] - low[c]) * (high[c] - low[c]);
    kernels::check_exponents("problem " + std::to_string(k) + ": ", diagonal, epsilon);
  }
}

/// Problems side by side, and where they stand. What there is to save of one are its points,
/// where its last move went, its potentials and four figures: between moves it goes on from these
/// as if nothing had happened.
class FreeSupportBlock final : public SolvedBlock {
 public:
  /// The problems `rows`.
  FreeSupportBlock(const kernels::Problems& measures, const FreeSupportPopulation& population,
                   Shard rows, const Job& job)
      : measures_(measures),
        sets_(population.sets.part(rows)),
        settings_(free_support_settings(job)),
        progress_(static_cast<std::size_t>(rows.size())),
        offsets_(kernels::free_support_offsets(measures, sets_)),
        length_(static_cast<std::size_t>(population.points * population.dimension)) {
    const auto count = static_cast<std::size_t>(rows.size()),
               n = static_cast<std::size_t>(population.points);
    std::vector<double> points, weights;
    for (std::int64_t k = rows.begin; k < rows.end; ++k) {
      const auto first = static_cast<std::size_t>(k);
      if (population.start.empty()) {
        const auto drawn = draw_initial_points(population, k, population.points, job.seed);
        points.insert(points.end(), drawn.begin(), drawn.end());
      } else {
        const auto from = population.start.begin() + static_cast<std::ptrdiff_t>(first * length_);
        points.insert(points.end(), from, from + static_cast<std::ptrdiff_t>(length_));
      }
      if (population.support_weights.empty()) {
        weights.insert(weights.end(), n, 1 / static_cast<double>(n));
        continue;
      }
      const auto from = population.support_weights.begin() + static_cast<std::ptrdiff_t>(first * n);
      const double sum = std::accumulate(from, from + static_cast<std::ptrdiff_t>(n), 0.0);
      for (std::size_t i = 0; i < n; ++i)
        weights.push_back(from[static_cast<std::ptrdiff_t>(i)] / sum);
    }
    result_.points = upload<double>("otfleet::barycenter::points", points, count * n,
                                    static_cast<std::size_t>(population.dimension));
    result_.last = DeviceArray<double, 2>("otfleet::barycenter::last", count * n,
                                          static_cast<std::size_t>(population.dimension));
    result_.weights = upload<double>("otfleet::barycenter::weights", weights, count, n);
    result_.f = DeviceArray<double>("otfleet::barycenter::potentials",
                                    static_cast<std::size_t>(offsets_.back()));
  }

  const BarycenterSets& sets() const { return sets_; }
  const FreeSupportResult& result() const { return result_; }
  const FreeSupportProgress& progress() const { return progress_; }

  /// Iterations are moves.
  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    settings_.max_moves = static_cast<int>(limit);
    settings_.observer = &observer;
    kernels::solve_free_supports(measures_, sets_, settings_, which, result_, progress_);
    iterations.clear();
    status.clear();
    for (const std::int32_t one : which) {
      const auto k = static_cast<std::size_t>(one);
      iterations.push_back(progress_.moves[k]);
      status.push_back(progress_.status[k]);
    }
  }

  std::vector<double> potential(std::int32_t problem) const override {
    const auto k = static_cast<std::size_t>(problem);
    auto values = part(result_.points, k).download();
    append(values, part(result_.last, k));
    append(values, potentials(k));
    values.insert(values.end(), {progress_.accuracy[k], progress_.residual[k],
                                 static_cast<double>(progress_.iterations[k]),
                                 static_cast<double>(progress_.ascents[k])});
    return values;
  }

  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    const auto k = static_cast<std::size_t>(problem);
    const auto f = potentials(k);
    const std::span<const double> all(values);
    part(result_.points, k).upload(all.first(length_));
    part(result_.last, k).upload(all.subspan(length_, length_));
    f.upload(all.subspan(2 * length_, f.size()));
    const auto figures = all.last(4);
    progress_.accuracy[k] = figures[0];
    progress_.residual[k] = figures[1];
    progress_.iterations[k] = static_cast<std::int64_t>(figures[2]);
    progress_.ascents[k] = static_cast<int>(figures[3]);
  }

 private:
  DeviceArray<double> part(const DeviceArray<double, 2>& points, std::size_t k) const {
    return points.flat().rows(k * length_, (k + 1) * length_);
  }
  DeviceArray<double> potentials(std::size_t k) const {
    return result_.f.rows(static_cast<std::size_t>(offsets_[k]),
                          static_cast<std::size_t>(offsets_[k + 1]));
  }

  const kernels::Problems& measures_;
  BarycenterSets sets_;
  kernels::FreeSupportSettings settings_;
  FreeSupportProgress progress_;
  std::vector<std::int64_t> offsets_;  ///< of potentials
  std::size_t length_;                 ///< numbers of a problem's points
  FreeSupportResult result_;
};

}  // namespace

FreeSupportSolver::FreeSupportSolver(const FreeSupportPopulation& population, const Job& job)
    : population_(population),
      job_(job),
      measures_(device_measures(kernels::SquaredEuclideanCost{}, population.dimension,
                                population.measures)) {
  check_epsilon(population, job.problem.epsilon);
}

FreeSupportBarycenters FreeSupportSolver::solve(Shard rows, SolveSeconds& seconds,
                                                SolveControl& control) const {
  FreeSupportBarycenters all;
  const auto count = static_cast<std::size_t>(rows.size()),
             n = static_cast<std::size_t>(population_.points);
  std::optional<FreeSupportBlock> begun;
  {
    const StopWatch watch(seconds.start);
    begun.emplace(measures_, population_, rows, job_);
  }
  FreeSupportBlock& block = *begun;
  {
    const StopWatch watch(seconds.iterate);
    control.solve(rows, job_.barycenter.max_moves, block, all.moves, all.status);
  }
  const auto at_once = control.may_end_at_once();
  const StopWatch watch(seconds.certify);
  const auto& result = block.result();
  const auto& sets = block.sets();
  const DeviceArray<double, 2> potentials =
      job_.solution.potentials
          ? DeviceArray<double, 2>("otfleet::barycenter::own_potentials", sets.measures.size(), n)
          : DeviceArray<double, 2>();
  auto figures =
      kernels::certify_free_supports(measures_, sets, job_.problem.epsilon, result, potentials);
  all.points = result.points.download();
  all.weights = result.weights.download();
  all.f = potentials.download();
  all.residual = block.progress().residual;
  for (std::size_t k = 0; k < count; ++k) {
    const std::int32_t first = sets.measures[static_cast<std::size_t>(sets.offsets[k])];
    const double mass = population_.measures.mass(first);
    for (std::size_t i = 0; i < n; ++i) all.weights[k * n + i] *= mass;
    all.iterations.push_back(static_cast<std::int32_t>(std::min<std::int64_t>(
        block.progress().iterations[k], std::numeric_limits<std::int32_t>::max())));
    bool finite = true;
    for (const auto* figure : {&figures.dual_value, &figures.transport_cost, &figures.upper_bound,
                               &figures.lower_bound, &figures.marginal_error})
      finite = finite && std::isfinite((*figure)[k]);
    const auto why = static_cast<Status>(all.status[k]);
    // What its points stopped for stands, unless its plans are worse.
    if (!finite || why == Status::converged)
      all.status[k] = static_cast<std::int32_t>(
          kernels::final_status(why, figures.marginal_error[k], job_.solver.threshold, finite));
  }
  all.dual_value = std::move(figures.dual_value);
  all.transport_cost = std::move(figures.transport_cost);
  all.upper_bound = std::move(figures.upper_bound);
  all.lower_bound = std::move(figures.lower_bound);
  all.marginal_error = std::move(figures.marginal_error);
  return all;
}

}  // namespace otfleet
