#include "src/solvers/cloud_population_solver.hpp"

#include <algorithm>

#include "distributed/error.hpp"
#include "kernels/clouds/cloud_solver.hpp"
#include "kernels/plan/barycentric_projection.hpp"
#include "src/problems/ground_cost.hpp"
#include "src/solvers/append.hpp"
#include "src/solvers/cloud_arrays.hpp"
#include "src/solvers/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// Work that a problem takes besides its pairs of points, in pairs: for each point, and once.
constexpr double work_of_point = 10, work_of_problem = 400;

kernels::CloudMeasures<ExecutionSpace> measures_of(
    const CloudPopulation& population, const CloudTable& table,
    const Matrix<const double, ExecutionSpace>& points) {
  try {
    return {ExecutionSpace(),
            weights_of(table),
            points,
            table.offsets,
            ground_cost_kind("/geometry, attribute cost", population.cost_name),
            population.power,
            population.great_circle_divisor};
  } catch (const std::invalid_argument& error) {
    throw UserError(std::string("/measures: ") + error.what());
  }
}

std::vector<double> supports(const CloudTable& table) {
  std::vector<double> counts;
  for (std::int64_t s = 0; s < table.count(); ++s)
    counts.push_back(static_cast<double>(std::count_if(table.weights.begin() + table.offsets[s],
                                                       table.weights.begin() + table.offsets[s + 1],
                                                       [](double w) { return w > 0; })));
  return counts;
}

}  // namespace

CloudPopulationSolver::CloudPopulationSolver(const CloudPopulation& population, double epsilon)
    : population_(population), epsilon_(epsilon) {
  const auto source_points = points_of(population.sources, population.dimension);
  source_ = measures_of(population, population.sources, source_points);
  target_points_ = population.shared_measures ? source_points
                                              : points_of(population.targets, population.dimension);
  target_ = population.shared_measures
                ? source_
                : measures_of(population, population.targets, target_points_);
  const auto sources = supports(population.sources);
  const auto own_targets =
      population.shared_measures ? std::vector<double>() : supports(population.targets);
  const auto& targets = population.shared_measures ? sources : own_targets;
  work_before_ = {0};
  for (std::int64_t k = 0; k < population.problems(); ++k) {
    const double n = sources[population.source[k]], m = targets[population.target[k]];
    work_before_.push_back(work_before_.back() + n * m + work_of_point * (n + m) + work_of_problem);
  }
}

Solutions CloudPopulationSolver::solve(Shard rows, const Job::Solver& settings,
                                       const Job::Solution& wanted, SolveSeconds& seconds) const {
  Solutions all;
  if (rows.size() == 0) return all;
  const ExecutionSpace space;
  const auto slice = [&](const std::vector<std::int32_t>& index) {
    return std::vector<int>(index.begin() + rows.begin, index.begin() + rows.end);
  };
  const kernels::CloudBatch<ExecutionSpace> problems{source_, target_, slice(population_.source),
                                                     slice(population_.target)};
  const auto count = static_cast<std::size_t>(rows.size());
  const auto sources = static_cast<std::size_t>(problems.source_offsets().back());
  const auto targets = static_cast<std::size_t>(problems.target_offsets().back());
  const Vector<double, ExecutionSpace> f(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::solver::f"), sources);
  const Vector<int, ExecutionSpace> iterations("otfleet::solver::iterations", count);
  const Vector<int, ExecutionSpace> status("otfleet::solver::status", count);
  {
    const StopWatch watch(seconds.iterate);
    const auto limits = sinkhorn_settings(settings, epsilon_, settings.max_iterations);
    if (settings.precision == "float")
      kernels::sinkhorn<float>(space, problems, limits, true, f, iterations, status);
    else
      kernels::sinkhorn<double>(space, problems, limits, true, f, iterations, status);
  }
  const kernels::Certificates<ExecutionSpace> certificates(static_cast<int>(count));
  Vector<double, ExecutionSpace> g;
  {
    const StopWatch watch(seconds.certify);
    if (wanted.potentials || wanted.projection)
      g = Vector<double, ExecutionSpace>("otfleet::solver::g", targets);
    kernels::certify<ExecutionSpace>(space, problems, epsilon_, f, g, certificates);
  }
  if (wanted.projection) {
    const StopWatch watch(seconds.plan);
    const Vector<double, ExecutionSpace> projection(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::solver::projection"),
        sources * static_cast<std::size_t>(population_.dimension));
    kernels::barycentric_projection<ExecutionSpace>(
        space, problems, epsilon_, kernels::Projection::to_target, g, target_points_, projection);
    append(all.plan.projection, projection);
  }
  if (wanted.potentials) {
    append(all.f, f);
    append(all.g, g);
  }
  all.add(certificates, iterations, status);
  all.judge(settings.threshold, problems.source_offsets(), problems.target_offsets());
  if (wanted.derives_values()) {
    const StopWatch watch(seconds.certify);
    if (!derived_) derived_.emplace(population_);
    derived_->add(rows, block_ascent_settings(settings, epsilon_), wanted, all);
  }
  return all;
}

double CloudPopulationSolver::work(Shard rows) const {
  return work_before_[rows.end] - work_before_[rows.begin];
}

std::int64_t CloudPopulationSolver::most_bytes(const Job::Solution& wanted) const {
  const std::int64_t per_source = 1 + (wanted.projection ? population_.dimension : 0);
  std::int64_t most = 0;
  for (std::int64_t k = 0; k < population_.problems(); ++k)
    most = std::max(most, population_.source_points(k) * per_source + population_.target_points(k));
  return most * static_cast<std::int64_t>(sizeof(double));
}

}  // namespace otfleet
