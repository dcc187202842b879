#include "src/families/linear/cloud_population_solver.hpp"

#include <algorithm>

#include "distributed/error.hpp"
#include "kernels/outputs/barycentric_projection.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "src/families/linear/cloud_arrays.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// Work that a problem takes besides its pairs of points, in pairs: for each point, and once.
constexpr double work_of_point = 10, work_of_problem = 400;

kernels::CloudMeasures<ExecutionSpace> measures_of(
    const CloudPopulation& population, const CloudTable& table,
    const Matrix<const double, ExecutionSpace>& points) {
  try {
    return {ExecutionSpace(), weights_of(table), points, table.offsets, population.ground_cost};
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

using Clouds = kernels::CloudBatch<ExecutionSpace>;

void sinkhorn(const Clouds& problems, const SolverOptions& solver,
              const kernels::SinkhornSettings& settings, bool from_zeros,
              const Vector<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status) {
  if (solver.precision == Precision::in_float)
    kernels::sinkhorn<float>(ExecutionSpace(), problems, settings, from_zeros, f, iterations,
                             status);
  else
    kernels::sinkhorn<double>(ExecutionSpace(), problems, settings, from_zeros, f, iterations,
                              status);
}

/// A batch of clouds.
class CloudBlock final : public SolvedBlock {
 public:
  CloudBlock(const Clouds& problems, const SolverOptions& settings, double epsilon,
             const Vector<double, ExecutionSpace>& f)
      : problems_(problems),
        settings_(settings),
        epsilon_(epsilon),
        offsets_(problems.source_offsets()),
        f_(f) {}

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    Clouds some{problems_.source, problems_.target, {}, {}};
    for (const std::int32_t k : which) {
      some.source_index.push_back(problems_.source_index[static_cast<std::size_t>(k)]);
      some.target_index.push_back(problems_.target_index[static_cast<std::size_t>(k)]);
    }
    const bool all = which.size() == problems_.source_index.size();
    const auto offsets = some.source_offsets();
    const Vector<double, ExecutionSpace> f =
        all ? f_
            : Vector<double, ExecutionSpace>("otfleet::solver::f",
                                             static_cast<std::size_t>(offsets.back()));
    const auto part = [&](std::size_t s) {
      return Kokkos::subview(f, std::pair(offsets[s], offsets[s + 1]));
    };
    if (!all && !from_zeros_)
      for (std::size_t s = 0; s < which.size(); ++s) Kokkos::deep_copy(part(s), row(which[s]));
    const Vector<int, ExecutionSpace> made("otfleet::solver::iterations", which.size());
    const Vector<int, ExecutionSpace> verdict("otfleet::solver::status", which.size());
    auto limits = sinkhorn_settings(settings_, epsilon_, limit);
    limits.observer = &observer;
    sinkhorn(some, settings_, limits, from_zeros_, f, made, verdict);
    append(iterations, made);
    append(status, verdict);
    for (std::size_t s = 0; s < which.size(); ++s) {
      const bool untouched =
          iterations[s] == 0 && status[s] == static_cast<int>(kernels::Status::ended);
      if (untouched && from_zeros_) Kokkos::deep_copy(part(s), 0.0);
      if (!all) Kokkos::deep_copy(row(which[s]), part(s));
    }
    from_zeros_ = false;
  }

  std::vector<double> potential(std::int32_t problem) const override {
    std::vector<double> values;
    append(values, row(problem));
    return values;
  }

  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    if (from_zeros_) Kokkos::deep_copy(f_, 0.0);
    from_zeros_ = false;
    Kokkos::deep_copy(
        row(problem),
        Kokkos::View<const double*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
            values.data(), values.size()));
  }

 private:
  Vector<double, ExecutionSpace> row(std::int32_t problem) const {
    const auto k = static_cast<std::size_t>(problem);
    return Kokkos::subview(f_, std::pair(offsets_[k], offsets_[k + 1]));
  }

  const Clouds& problems_;
  const SolverOptions& settings_;
  double epsilon_;
  std::vector<std::int64_t> offsets_;
  Vector<double, ExecutionSpace> f_;
  bool from_zeros_ = true;
};

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

Solutions CloudPopulationSolver::solve(Shard rows, const SolverOptions& settings,
                                       const SolutionOptions& wanted, SolveSeconds& seconds,
                                       SolveControl* control) const {
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
  Vector<int, ExecutionSpace> iterations("otfleet::solver::iterations", count);
  Vector<int, ExecutionSpace> status("otfleet::solver::status", count);
  if (control != nullptr) {
    const StopWatch watch(seconds.iterate);
    CloudBlock block(problems, settings, epsilon_, f);
    std::vector<std::int32_t> made, verdict;
    control->solve(rows, settings.max_iterations, block, made, verdict);
    iterations = upload_indices(made);
    status = upload_indices(verdict);
  } else {
    const StopWatch watch(seconds.iterate);
    sinkhorn(problems, settings, sinkhorn_settings(settings, epsilon_, settings.max_iterations),
             true, f, iterations, status);
  }
  const auto at_once = control != nullptr ? control->may_end_at_once() : std::nullopt;
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
  all.set_status(settings.threshold, problems.source_offsets(), problems.target_offsets());
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

std::int64_t CloudPopulationSolver::most_bytes(const SolutionOptions& wanted) const {
  const std::int64_t per_source = 1 + (wanted.projection ? population_.dimension : 0);
  std::int64_t most = 0;
  for (std::int64_t k = 0; k < population_.problems(); ++k)
    most = std::max(most, population_.source_points(k) * per_source + population_.target_points(k));
  return most * static_cast<std::int64_t>(sizeof(double));
}

}  // namespace otfleet
