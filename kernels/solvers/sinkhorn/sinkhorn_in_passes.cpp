#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/operators/in_lanes/small_clouds.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/problems/whole_clouds.hpp"
#include "kernels/solvers/sinkhorn/pass_iteration.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_in_passes.hpp"
#include "kernels/solvers/sinkhorn/small_cloud_sinkhorn.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Of a problem that ranks share: may every rank have all targets? An iteration then is one pass.
template <class ExecutionSpace>
bool fits_on_every_rank(const CloudMeasures<ExecutionSpace>& targets,
                        const SinkhornSettings& settings) {
  // Coordinates as they were gathered and as passes want them, in two layouts; and a few numbers.
  const double of_point = sizeof(double) * (3.0 * targets.dimension() + 12);
  return targets.communicator() != nullptr && Backend<ExecutionSpace>::takes_two_sided_passes &&
         targets.all_points() * of_point <= static_cast<double>(settings.kept_bytes);
}

template <class Scalar, class ExecutionSpace>
void solve(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
           const SinkhornSettings& settings, bool from_zeros, const ProblemRows<double>& f,
           const Vector<int, ExecutionSpace>& iterations, const Vector<int, ExecutionSpace>& status,
           const Matrix<double, ExecutionSpace>& error_trace,
           const Vector<int, ExecutionSpace>& replaced, const IterationWatch& watch = {}) {
  const auto count = static_cast<std::size_t>(batch.size());
  check_settings(settings);
  if (settings.path == Path::scaling)
    throw std::invalid_argument("clouds of points have no scaling path");
  check_outputs(count, iterations, status, error_trace, replaced);
  const double scale = 1 / (settings.epsilon * std::log(2.0));
  check_range<Scalar>(batch, scale);

  const bool momentum = settings.acceleration == Acceleration::momentum;
  const auto [factor, norm_scale, left_out] =
      with_cost(batch, [&](const auto& cost) { return cost.iteration_units(scale); });
  const CostForm form =
      with_cost(batch, [](const auto& cost) { return CostForm(iteration_form(cost)); });

  const Kokkos::View<int*, Kokkos::HostSpace> done("otfleet::clouds::iterations", count);
  const Kokkos::View<int*, Kokkos::HostSpace> verdict("otfleet::clouds::status", count);
  const auto host_replaced = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), replaced);
  const auto errors = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), error_trace);
  PairTerms<ExecutionSpace, Scalar> terms;
  bool terms_are_shared = false;
  for_each_cloud_problem<Scalar>(
      space, batch, factor, [&, norm_scale = norm_scale, left_out = left_out](const auto& problem) {
        const int k = problem.k;
        if (settings.observer != nullptr && settings.observer->ended()) {
          verdict(k) = static_cast<int>(Status::ended);
          return;
        }
        double last_error = 0;
        auto& arena = *problem.arena;
        const auto row = problem.source_row(f);
        const PotentialUnits<ExecutionSpace> units{problem.source.place, scale, norm_scale};
        const PotentialUnits<ExecutionSpace> target_units{problem.target.place, scale, norm_scale,
                                                          left_out};
        auto source = make_side(space, arena, problem.source);
        auto target = make_side(space, arena, problem.target);
        ExactUpdates<ExecutionSpace, Scalar> updates{
            momentum, arena.template take<Scalar>(momentum ? source.points.count : 0)};
        const bool shared = source.points.shared && target.points.shared;
        if (!(shared && terms_are_shared))
          terms.make_room(form, source.points, target.points, settings.kept_bytes);
        terms_are_shared = shared;
        const Outcome outcome = iterate(
            space, arena, form, source, target, updates, settings.doubtful_error, from_zeros,
            settings.stop_rule(rounding_error<Scalar>(scale * problem.bound)), scale,
            [&](bool zeros) {
              load_potential(space, units, row, zeros, source);
              guess_shift(space, target_units, problem.points, target);
            },
            [&](int t, double error) {
              if (t < static_cast<int>(errors.extent(1))) errors(k, t) = error;
              last_error = error;
            },
            [&](int t) {
              if (settings.observer != nullptr && !settings.observer->goes_on(k, t, last_error))
                return false;
              return !watch || watch(t, [&] { store_potential(space, units, source, row); });
            },
            &terms);
        store_potential(space, units, source, row);
        if (outcome.takes_zeros && host_replaced.extent(0) > 0) host_replaced(k) = 1;
        done(k) = outcome.iterations;
        const bool ended = settings.observer != nullptr && settings.observer->ended() &&
                           outcome.status == Status::iteration_limit &&
                           outcome.iterations < settings.max_iterations;
        verdict(k) = static_cast<int>(ended ? Status::ended : outcome.status);
      });
  Kokkos::deep_copy(iterations, done);
  Kokkos::deep_copy(status, verdict);
  Kokkos::deep_copy(error_trace, errors);
  Kokkos::deep_copy(replaced, host_replaced);
}

}  // namespace

template <class Scalar, class ExecutionSpace>
void sinkhorn_in_passes(const ExecutionSpace& space, const SeparableCost& cost,
                        const ProblemBatch<ExecutionSpace>& problems,
                        const SinkhornSettings& settings, bool from_zeros,
                        const Matrix<double, ExecutionSpace>& f,
                        const Vector<int, ExecutionSpace>& iterations,
                        const Vector<int, ExecutionSpace>& status,
                        const Matrix<double, ExecutionSpace>& error_trace,
                        const Vector<int, ExecutionSpace>& replaced) {
  solve<Scalar>(space, make_cloud_problems<ExecutionSpace>(cost, problems), settings, from_zeros,
                rows_of_matrix(f), iterations, status, error_trace, replaced);
}

template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
              const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
              bool from_zeros, const Matrix<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace,
              const Vector<int, ExecutionSpace>& replaced) {
  const auto batch = make_cloud_problems(cost, problems, settings.epsilon);
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  solve<Scalar>(space, batch, settings, from_zeros, rows_of_matrix(f), iterations, status,
                error_trace, replaced);
}

template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
              const SinkhornSettings& settings, bool from_zeros,
              const Vector<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace,
              const Vector<int, ExecutionSpace>& replaced, const IterationWatch& watch) {
  auto batch = make_cloud_problems(problems, settings.epsilon);
  if (batch.size() == 0) return;
  CloudMeasures<ExecutionSpace> all_targets;
  if (fits_on_every_rank(problems.target, settings)) {
    OwnPoints own;
    all_targets = gather_measures(space, problems.target, own);
    hold_all_targets(all_targets, batch);
  }
  const auto sources = problems.source_offsets();
  const auto rows = flat_rows("f", f, sources);
  const auto small = watch ? SmallClouds<ExecutionSpace>()
                           : take_small_problems(batch, sources, problems.target_offsets());
  solve<Scalar>(space, batch, settings, from_zeros, rows, iterations, status, error_trace, replaced,
                watch);
  solve_small_clouds<Scalar>(space, small, batch, settings, from_zeros, f.data(), iterations,
                             status, error_trace, replaced);
}

#define OTFLEET_INSTANTIATE_SOLVER(solver, Space, Scalar, Cost)                                    \
  template void solver<Scalar, Space>(const Space&, const Cost&, const ProblemBatch<Space>&,       \
                                      const SinkhornSettings&, bool, const Matrix<double, Space>&, \
                                      const Vector<int, Space>&, const Vector<int, Space>&,        \
                                      const Matrix<double, Space>&, const Vector<int, Space>&);
#define OTFLEET_INSTANTIATE(Space, Scalar)                                                \
  OTFLEET_INSTANTIATE_SOLVER(sinkhorn_in_passes, Space, Scalar, SeparableCost)            \
  OTFLEET_INSTANTIATE_SOLVER(sinkhorn, Space, Scalar, PointCloudCost<Space>)              \
  template void sinkhorn<Scalar, Space>(                                                  \
      const Space&, const CloudBatch<Space>&, const SinkhornSettings&, bool,              \
      const Vector<double, Space>&, const Vector<int, Space>&, const Vector<int, Space>&, \
      const Matrix<double, Space>&, const Vector<int, Space>&, const IterationWatch&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
