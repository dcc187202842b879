#include "src/families/barycenter/barycenter_solver.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <variant>

#include "distributed/error.hpp"
#include "kernels/geometry/symmetric_cost.hpp"
#include "kernels/solvers/barycenter/barycenter.hpp"
#include "src/execution.hpp"
#include "src/populations/cost.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using Batch = kernels::BarycenterBatch<ExecutionSpace>;
using Solution = kernels::BarycenterSolution<ExecutionSpace>;
using HostRow =
    Kokkos::View<const double*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

Matrix<const double, ExecutionSpace> upload_rows(const std::vector<double>& values,
                                                 std::int64_t columns) {
  const auto rows = static_cast<std::int64_t>(values.size()) / columns;
  const Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace,
                     Kokkos::MemoryTraits<Kokkos::Unmanaged>>
      host(values.data(), rows, columns);
  const Matrix<double, ExecutionSpace> device(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::barycenters::measures"), rows,
      columns);
  Kokkos::deep_copy(device, host);
  return device;
}

Vector<const double, ExecutionSpace> upload_numbers(const std::vector<double>& values) {
  const Vector<double, ExecutionSpace> device("otfleet::barycenters::weights", values.size());
  Kokkos::deep_copy(device, HostRow(values.data(), values.size()));
  return device;
}

kernels::BarycenterSettings settings_of(const Job& job) {
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
class Block final : public SolvedBlock {
 public:
  /// The problems `rows` of `sets`.
  Block(const kernels::SeparableCost& cost, const kernels::Measures<ExecutionSpace>& measures,
        const MeasureSets& sets, Shard rows, const kernels::BarycenterSettings& settings)
      : cost_(cost), measures_(measures), sets_(sets), first_(rows.begin), settings_(settings) {
    std::vector<std::int32_t> all(static_cast<std::size_t>(rows.size()));
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = static_cast<std::int32_t>(k);
    batch_ = batch_of(all);
    solution_ = Solution(batch_.size(), cost.n(), batch_.offsets.back());
  }

  const Solution& solution() const { return solution_; }

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override {
    settings_.max_iterations = static_cast<int>(limit);
    settings_.observer = &observer;
    iterations.clear();
    status.clear();
    if (static_cast<int>(which.size()) == batch_.size()) {
      kernels::solve_barycenters(ExecutionSpace(), cost_, batch_, settings_, solution_);
      append(iterations, solution_.iterations);
      append(status, solution_.status);
      return;
    }
    const Batch some = batch_of(which);
    const Solution found(some.size(), cost_.n(), some.offsets.back());
    for (std::size_t s = 0; s < which.size(); ++s)
      copy(solution_, batch_, which[s], found, some, static_cast<std::int32_t>(s));
    kernels::solve_barycenters(ExecutionSpace(), cost_, some, settings_, found);
    for (std::size_t s = 0; s < which.size(); ++s)
      copy(found, some, static_cast<std::int32_t>(s), solution_, batch_, which[s]);
    append(iterations, found.iterations);
    append(status, found.status);
  }

  std::vector<double> potential(std::int32_t problem) const override {
    std::vector<double> values;
    append(values, Kokkos::subview(solution_.f, entries(batch_, problem), Kokkos::ALL));
    append(values, Kokkos::subview(solution_.log_blur, problem, Kokkos::ALL));
    return values;
  }

  void set_potential(std::int32_t problem, const std::vector<double>& values) override {
    const double* from = values.data();
    const auto take = [&](const Matrix<double, ExecutionSpace>& to, std::int64_t row) {
      Kokkos::deep_copy(Kokkos::subview(to, row, Kokkos::ALL), HostRow(from, to.extent(1)));
      from += to.extent(1);
    };
    const auto [begin, end] = entries(batch_, problem);
    for (std::int64_t at = begin; at < end; ++at) take(solution_.f, at);
    take(solution_.log_blur, problem);
  }

 private:
  using Range = std::pair<std::int64_t, std::int64_t>;

  static Range entries(const Batch& batch, std::int32_t problem) {
    return {batch.offsets[static_cast<std::size_t>(problem)],
            batch.offsets[static_cast<std::size_t>(problem) + 1]};
  }

  Batch batch_of(const std::vector<std::int32_t>& which) const {
    Batch batch;
    batch.measures = measures_;
    batch.offsets = {0};
    std::vector<std::int32_t> index;
    std::vector<double> weight;
    for (const std::int32_t one : which) {
      const std::int64_t k = first_ + one;
      for (std::int64_t at = sets_.offsets[k]; at < sets_.offsets[k + 1]; ++at) {
        index.push_back(sets_.measures[static_cast<std::size_t>(at)]);
        weight.push_back(sets_.weight(static_cast<std::size_t>(at)));
      }
      batch.offsets.push_back(static_cast<std::int64_t>(index.size()));
    }
    batch.index = upload_indices(index);
    batch.weight = upload_numbers(weight);
    return batch;
  }

  static void copy(const Solution& from, const Batch& from_batch, std::int32_t row,
                   const Solution& to, const Batch& to_batch, std::int32_t at) {
    Kokkos::deep_copy(Kokkos::subview(to.f, entries(to_batch, at), Kokkos::ALL),
                      Kokkos::subview(from.f, entries(from_batch, row), Kokkos::ALL));
    for (const auto matrix : {&Solution::barycenter, &Solution::log_blur})
      Kokkos::deep_copy(Kokkos::subview(to.*matrix, at, Kokkos::ALL),
                        Kokkos::subview(from.*matrix, row, Kokkos::ALL));
    for (const auto figure : {&Solution::dual_value, &Solution::mass, &Solution::residual})
      Kokkos::deep_copy(Kokkos::subview(to.*figure, at), Kokkos::subview(from.*figure, row));
  }

  const kernels::SeparableCost& cost_;
  const kernels::Measures<ExecutionSpace>& measures_;
  const MeasureSets& sets_;
  std::int64_t first_;
  kernels::BarycenterSettings settings_;
  Batch batch_;
  Solution solution_{0, 0, 0};
};

}  // namespace

struct BarycenterSolver::OnDevice {
  kernels::SeparableCost cost;
  kernels::Measures<ExecutionSpace> measures;
};

BarycenterSolver::BarycenterSolver(const BarycenterPopulation& population, const Job& job)
    : population_(population), job_(job) {
  const Geometry geometry = with_stored_costs(population.geometry, "/geometry");
  auto cost = std::get<kernels::SeparableCost>(make_cost(geometry, job.problem.epsilon));
  if (cost.forbids())
    throw UserError(
        "/geometry/cost forbids entries (inf, or more than 1e15 epsilon above the rest); a "
        "barycenter needs a cost that is finite everywhere");
  if (job.barycenter.debiased) try {
      kernels::check_symmetric(cost);
    } catch (const std::invalid_argument& error) {
      throw UserError(std::string("/geometry: barycenter.debiased = true: ") + error.what());
    }
  device_ = std::make_unique<const OnDevice>(OnDevice{
      std::move(cost), kernels::Measures<ExecutionSpace>(
                           ExecutionSpace(), upload_rows(population.weights, geometry.m))});
}

BarycenterSolver::~BarycenterSolver() = default;

Barycenters BarycenterSolver::solve(Shard rows, SolveSeconds& seconds,
                                    SolveControl& control) const {
  const StopWatch watch(seconds.iterate);
  Block block(device_->cost, device_->measures, population_.sets, rows, settings_of(job_));
  Barycenters all;
  control.solve(rows, job_.solver.max_iterations, block, all.iterations, all.status);
  const Solution& solution = block.solution();
  append(all.weights, solution.barycenter);
  if (job_.solution.potentials) append(all.f, solution.f);
  append(all.dual_value, solution.dual_value);
  append(all.mass, solution.mass);
  append(all.residual, solution.residual);
  return all;
}

}  // namespace otfleet
