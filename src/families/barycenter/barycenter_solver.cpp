#include "src/families/barycenter/barycenter_solver.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>

#include "distributed/error.hpp"
#include "kernels/api/solvers.hpp"
#include "src/populations/device_problems.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::BarycenterMeasures;
using kernels::BarycenterResult;
using kernels::BarycenterSets;

kernels::BarycenterSettings barycenter_settings(const Job& job) {
  kernels::BarycenterSettings settings;
  settings.epsilon = job.problem.epsilon;
  settings.threshold = job.solver.threshold;
  settings.inner_iterations = static_cast<int>(job.solver.inner_iterations);
  settings.tau = job.problem.tau_a;
  settings.debiased = job.barycenter.debiased;
  settings.momentum = job.solver.acceleration == Acceleration::momentum;
  settings.from_solution = true;  // potentials of 0 are the usual start
  return settings;
}

/// Problems side by side, and where they stand. What there is to save of one are its potentials
/// and its blur.
class BarycenterBlock final : public SolvedBlock {
 public:
  /// The problems `rows` of `sets`.
  BarycenterBlock(const BarycenterMeasures& measures, const MeasureSets& sets, Shard rows,
                  const kernels::BarycenterSettings& settings)
      : measures_(measures), sets_(sets), first_(rows.begin), settings_(settings) {
    block_ = sets.part(rows);
    result_ = BarycenterResult(block_.size(), measures.points(), block_.offsets.back());
  }

  const BarycenterResult& result() const { return result_; }

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    settings_.max_iterations = static_cast<int>(limit);
    settings_.observer = &observer;
    if (static_cast<int>(which.size()) == block_.size()) {
      kernels::solve_barycenters(measures_, block_, settings_, result_);
      iterations = result_.iterations.download();
      status = result_.status.download();
      return;
    }
    const BarycenterSets some = sets_.some(first_, which);
    const BarycenterResult found(some.size(), measures_.points(), some.offsets.back());
    for (std::size_t s = 0; s < which.size(); ++s) copy(result_, block_, which[s], found, some, s);
    kernels::solve_barycenters(measures_, some, settings_, found);
    for (std::size_t s = 0; s < which.size(); ++s) copy(found, some, s, result_, block_, which[s]);
    iterations = found.iterations.download();
    status = found.status.download();
  }

  std::vector<double> potential(std::int32_t problem) const override {
    const auto k = static_cast<std::size_t>(problem);
    auto values = potentials(result_, block_, k).download();
    const auto blur = result_.log_blur.row(k).download();
    values.insert(values.end(), blur.begin(), blur.end());
    return values;
  }

  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    const auto k = static_cast<std::size_t>(problem);
    const auto f = potentials(result_, block_, k);
    const std::span<const double> all(values);
    f.upload(all.first(f.size()));
    result_.log_blur.row(k).upload(all.subspan(f.size()));
  }

 private:
  /// Of all measures of a problem.
  static DeviceArray<double, 2> potentials(const BarycenterResult& result,
                                           const BarycenterSets& sets, std::size_t k) {
    return result.f.rows(static_cast<std::size_t>(sets.offsets[k]),
                         static_cast<std::size_t>(sets.offsets[k + 1]));
  }

  static void copy(const BarycenterResult& from, const BarycenterSets& from_sets, std::size_t row,
                   const BarycenterResult& to, const BarycenterSets& to_sets, std::size_t at) {
    potentials(to, to_sets, at).copy_from(potentials(from, from_sets, row));
    for (const auto matrix : {&BarycenterResult::weights, &BarycenterResult::log_blur})
      (to.*matrix).row(at).copy_from((from.*matrix).row(row));
    for (const auto figure :
         {&BarycenterResult::dual_value, &BarycenterResult::mass, &BarycenterResult::residual})
      (to.*figure).rows(at, at + 1).copy_from((from.*figure).rows(row, row + 1));
  }

  const BarycenterMeasures& measures_;
  const MeasureSets& sets_;
  std::int64_t first_;
  kernels::BarycenterSettings settings_;
  BarycenterSets block_;
  BarycenterResult result_;
};

}  // namespace

BarycenterSolver::BarycenterSolver(const BarycenterPopulation& population, const Job& job)
    : population_(population), job_(job) {
  const auto cost =
      make_cost_table(with_stored_costs(population.geometry, "/geometry"), job.problem.epsilon);
  if (cost.forbids())
    throw UserError(
        "/geometry/cost forbids entries (inf, or more than 1e15 epsilon above the rest); a "
        "barycenter needs a cost that is finite everywhere");
  if (job.barycenter.debiased) try {
      kernels::check_symmetric(cost);
    } catch (const std::invalid_argument& error) {
      throw UserError(std::string("/geometry: barycenter.debiased = true: ") + error.what());
    }
  measures_ = BarycenterMeasures(cost, population.weights);
}

Barycenters BarycenterSolver::solve(Shard rows, SolveSeconds& seconds,
                                    SolveControl& control) const {
  const StopWatch watch(seconds.iterate);
  BarycenterBlock block(measures_, population_.sets, rows, barycenter_settings(job_));
  Barycenters all;
  control.solve(rows, job_.solver.max_iterations, block, all.iterations, all.status);
  const BarycenterResult& result = block.result();
  all.weights = result.weights.download();
  if (job_.solution.potentials) all.f = result.f.download();
  all.dual_value = result.dual_value.download();
  all.mass = result.mass.download();
  all.residual = result.residual.download();
  return all;
}

}  // namespace otfleet
