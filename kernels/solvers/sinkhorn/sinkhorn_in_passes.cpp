#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/operators/in_lanes/small_clouds.hpp"
#include "kernels/operators/in_passes/cloud_pass.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "kernels/operators/shifts.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_in_passes.hpp"
#include "kernels/solvers/sinkhorn/small_cloud_sinkhorn.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// What an iteration knows about one side of a problem; arrays are [points.padded()]. Potentials
/// are to base 2, in units of epsilon. Where the form of the cost is a product they have taken up
/// the terms of single points: potential_i = f_i − |x_i|², so that no pass adds a norm.
template <class ExecutionSpace, class Scalar>
struct IterationSide {
  Support<ExecutionSpace> support;
  CloudPoints<ExecutionSpace, Scalar> points;
  Vector<Scalar, ExecutionSpace> potential;
  Vector<Scalar, ExecutionSpace> shift;  ///< log2 of the last sums, near the next
  Vector<Scalar, ExecutionSpace> sum;    ///< what the last pass found, in units of 2^shift
  bool shift_fits = false;               ///< the next sums may use shift as it is
};

template <class ExecutionSpace, class Scalar>
IterationSide<ExecutionSpace, Scalar> make_side(const ExecutionSpace& space,
                                                CloudArena<ExecutionSpace>& arena,
                                                const ProblemSide<ExecutionSpace, Scalar>& given) {
  IterationSide<ExecutionSpace, Scalar> side;
  side.support = given.support;
  side.points = given.points;
  const auto length = static_cast<std::size_t>(side.points.padded());
  side.potential = arena.take_filled(space, length, -std::numeric_limits<Scalar>::infinity());
  side.shift = arena.take_filled(space, length, Scalar(0));
  side.sum = arena.take_filled(space, length, Scalar(0));
  return side;
}

/// Between rows of f and a side's potentials: scale = log2(e)/epsilon; norm_scale the
/// same where the form of the cost is a product of an |x − y|², 0 elsewhere.
template <class ExecutionSpace>
struct PotentialUnits {
  PlacedPoints<ExecutionSpace> points;
  double scale, norm_scale;

  KOKKOS_FUNCTION double norm(int i) const {
    double sum = 0;
    if (norm_scale > 0)
      for (int k = 0; k < points.dimension(); ++k) sum += points(i, k) * points(i, k);
    return sum * norm_scale;
  }
};

/// A row of f, less its largest entry on the support, or zeros.
template <class ExecutionSpace, class Scalar>
void load_potential(const ExecutionSpace& space, const PotentialUnits<ExecutionSpace>& units,
                    const Vector<double, ExecutionSpace>& f, bool from_zeros,
                    const IterationSide<ExecutionSpace, Scalar>& side) {
  const auto index = side.support.index;
  const auto potential = side.potential;
  double largest = from_zeros ? 0.0
                              : largest_on_support<ExecutionSpace>(space, f, side.support,
                                                                   side.points.communicator);
  if (!(std::abs(largest) < std::numeric_limits<double>::max())) largest = 0;
  Kokkos::parallel_for(
      "otfleet::clouds::load_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const double start = from_zeros ? 0.0 : (f(index(i)) - largest) * units.scale;
        potential(i) = static_cast<Scalar>(start - units.norm(index(i)));
      });
}

/// A row of f from the potentials, −inf outside the support.
template <class ExecutionSpace, class Scalar>
void store_potential(const ExecutionSpace& space, const PotentialUnits<ExecutionSpace>& units,
                     const IterationSide<ExecutionSpace, Scalar>& side,
                     const Vector<double, ExecutionSpace>& f) {
  const auto index = side.support.index;
  const auto potential = side.potential;
  Kokkos::parallel_for(
      "otfleet::clouds::clear_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(f.extent(0))),
      KOKKOS_LAMBDA(int i) { f(i) = -Kokkos::Experimental::infinity<double>::value; });
  Kokkos::parallel_for(
      "otfleet::clouds::store_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const int at = index(i);
        f(at) = (static_cast<double>(potential(i)) + units.norm(at)) / units.scale;
      });
}

/// side.sum and side.shift from the other side's potentials.
template <class Cost, class ExecutionSpace, class Scalar>
void sum_exponentials(const ExecutionSpace& space, const Cost& cost,
                      const IterationSide<ExecutionSpace, Scalar>& side,
                      const IterationSide<ExecutionSpace, Scalar>& other, double scale) {
  if (!side.shift_fits)
    run_pass<PassResult::largest>(space, cost, side.points, other.points, other.potential,
                                  side.shift, side.shift, scale);
  run_pass<PassResult::exponential>(space, cost, side.points, other.points, other.potential,
                                    side.shift, side.sum, scale);
}

/// How the plain update of a potential changed since the one before: its slope along the gradient
/// a − P1 of the semi-dual, and its mean over a.
struct PotentialChange {
  double slope = 0, mean = 0;
};
template <class ExecutionSpace, class Scalar>
PotentialChange measure_change(const ExecutionSpace& space,
                               const IterationSide<ExecutionSpace, Scalar>& side,
                               const Vector<Scalar, ExecutionSpace>& previous) {
  const auto log_weights = side.support.log_weight, weights = side.support.weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  double totals[3] = {};  // slope, change, mass
  Kokkos::parallel_reduce(
      "otfleet::clouds::measure_change",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, double& slope_part, double& change_part, double& mass_part) {
        const double logarithm =
            static_cast<double>(shift(i)) + ::log2(static_cast<double>(sum(i)));
        const double step = log_weights(i) - logarithm - static_cast<double>(previous(i));
        const double missing = weights(i) - ::exp2(static_cast<double>(potential(i)) + logarithm);
        slope_part += missing * step;
        change_part += weights(i) * step;
        mass_part += weights(i);
      },
      totals[0], totals[1], totals[2]);
  if (side.points.communicator) side.points.communicator->sum(totals);
  return {totals[0], totals[1] / totals[2]};
}

/// potential = update = log2(weight) − log2(sum), plus what the momentum adds to it; shift =
/// log2(sum).
/// `previous` takes the update, unless it is empty. Returns the largest change of the potential: a
/// later sum over it changes by no more (log-sum-exp does not increase sup-distances), nor does any
/// of its terms beyond what the sum was.
template <class ExecutionSpace, class Scalar>
double fit_potential(const ExecutionSpace& space, const IterationSide<ExecutionSpace, Scalar>& side,
                     const Vector<Scalar, ExecutionSpace>& previous = {},
                     const Momentum<double>& momentum = {}) {
  const double factor = momentum.factor, mean = momentum.mean;
  const auto weights = side.support.log_weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  const bool keeps_update = previous.extent(0) > 0;
  double change = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::fit_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, double& most) {
        const double logarithm =
            static_cast<double>(shift(i)) + ::log2(static_cast<double>(sum(i)));
        const double update = weights(i) - logarithm;
        const double beyond =
            factor > 0
                ? Momentum<double>::beyond(factor, update - static_cast<double>(previous(i)), mean)
                : 0.0;
        const Scalar before = potential(i), after = static_cast<Scalar>(update + beyond);
        if (keeps_update) previous(i) = static_cast<Scalar>(update);
        potential(i) = after;
        shift(i) = static_cast<Scalar>(logarithm);
        const double moved = before > after ? static_cast<double>(before) - after
                                            : static_cast<double>(after) - before;
        if (!(moved <= most)) most = moved;
      },
      Kokkos::Max<double>(change));
  return all_max(side.points.communicator, change);
}

/// |P1 − a|_1, a share of the mass.
template <class ExecutionSpace, class Scalar>
double marginal_error(const ExecutionSpace& space,
                      const IterationSide<ExecutionSpace, Scalar>& side) {
  const auto weights = side.support.weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  double error = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::marginal_error",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, double& part) {
        const double exponent = static_cast<double>(potential(i)) + static_cast<double>(shift(i));
        const double missing = ::exp2(exponent) * static_cast<double>(sum(i)) - weights(i);
        part += missing < 0 ? -missing : missing;
      },
      error);
  return all_sum(side.points.communicator, error);
}

/// The updates of problems whose marginals are exact; `previous` [source.points.count] is for
/// momentum.
template <class ExecutionSpace, class Scalar>
struct ExactUpdates {
  using Side = IterationSide<ExecutionSpace, Scalar>;
  bool accelerates;
  Vector<Scalar, ExecutionSpace> previous;
  Momentum<double> momentum = {};

  /// Both return the largest change of the potential.
  double fit_target(const ExecutionSpace& space, const Side& target) {
    return fit_potential(space, target);
  }
  double fit_source(const ExecutionSpace& space, const Side& source) {
    if (!accelerates) return fit_potential(space, source);
    PotentialChange change;
    if (momentum.looks_back()) change = measure_change(space, source, previous);
    momentum.update(change.slope, change.mean);
    return fit_potential(space, source, previous, momentum);
  }
  double error(const ExecutionSpace& space, const Side& source) const {
    return marginal_error(space, source);
  }
};

struct Outcome {
  Status status = Status::ended;
  int iterations = 0;
  bool takes_zeros = false;  ///< instead of the start that was given
};

/// One problem; begin(from zeros?) puts a start into `source.potential`. Calls report(t, error)
/// after t iterations, and goes_on(t) before another one.
template <class Cost, class ExecutionSpace, class Scalar, class Updates, class Begin, class Report,
          class GoesOn>
Outcome iterate(const ExecutionSpace& space, const Cost& cost,
                IterationSide<ExecutionSpace, Scalar>& source,
                IterationSide<ExecutionSpace, Scalar>& target, Updates& updates,
                double doubtful_error, bool from_zeros, const StopRule& rule, double scale,
                const Begin& begin, const Report& report, const GoesOn& goes_on) {
  using Start = InstanceControl::Start;
  InstanceControl control;
  Outcome outcome;
  control.start = from_zeros ? Start::settled : Start::given;
  begin(from_zeros);
  while (true) {
    const int t = control.iteration;
    sum_exponentials(space, cost, target, source, scale);
    const double target_change = updates.fit_target(space, target);
    source.shift_fits = t > 0 && target_change <= most_shift_drift;
    sum_exponentials(space, cost, source, target, scale);
    const double error = updates.error(space, source);
    const auto step = control.step(rule, error, doubtful_error);
    if (step.next == InstanceControl::Next::other_start) {
      control.begin();
      begin(control.start == Start::zeros_instead);
      target.shift_fits = false;
      continue;
    }
    outcome.takes_zeros = outcome.takes_zeros || step.takes_zeros;
    outcome.iterations = t;
    outcome.status = step.why;
    report(t, error);
    if (step.next == InstanceControl::Next::stop) return outcome;
    if (!goes_on(t)) {
      outcome.status = rule.is_small_enough(error) ? Status::converged : Status::iteration_limit;
      return outcome;
    }
    const double source_change = updates.fit_source(space, source);
    target.shift_fits = source_change <= most_shift_drift;
    ++control.iteration;
  }
}

/// float holds no cost or coordinate sum beyond 1e38; a few digits less leave room for sums.
template <class Scalar, class ExecutionSpace>
void check_range(const CloudProblems<ExecutionSpace>& batch, double scale) {
  const double most = sizeof(Scalar) == sizeof(float) ? 1e36 : 1e300;
  for (std::size_t k = 0; k < batch.reach.size(); ++k) {
    const double reach = batch.reach[k], bound = batch.bound_of(static_cast<int>(k));
    if (bound < most && scale * bound < most && reach * reach < most) continue;
    const std::string name =
        batch.reach.size() > 1 ? "problem " + std::to_string(k) + ": " : std::string();
    throw std::invalid_argument(name +
                                "costs between the clouds are too large for this arithmetic");
  }
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

  const Kokkos::View<int*, Kokkos::HostSpace> done("otfleet::clouds::iterations", count);
  const Kokkos::View<int*, Kokkos::HostSpace> verdict("otfleet::clouds::status", count);
  const auto host_replaced = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), replaced);
  const auto errors = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), error_trace);
  for_each_cloud_problem<Scalar>(
      space, batch, factor, [&, norm_scale = norm_scale](const auto& problem) {
        const int k = problem.k;
        if (settings.observer != nullptr && settings.observer->ended()) {
          verdict(k) = static_cast<int>(Status::ended);
          return;
        }
        double last_error = 0;
        auto& arena = *problem.arena;
        const auto row = problem.source_row(f);
        const PotentialUnits<ExecutionSpace> units{problem.source.place, scale, norm_scale};
        auto source = make_side(space, arena, problem.source);
        auto target = make_side(space, arena, problem.target);
        ExactUpdates<ExecutionSpace, Scalar> updates{
            momentum, arena.template take<Scalar>(momentum ? source.points.count : 0)};
        Outcome outcome;
        with_cost(batch, [&](const auto& ground_cost) {
          outcome = iterate(
              space, iteration_form(ground_cost), source, target, updates, settings.doubtful_error,
              from_zeros, settings.stop_rule(rounding_error<Scalar>(scale * problem.bound)), scale,
              [&](bool zeros) { load_potential(space, units, row, zeros, source); },
              [&](int t, double error) {
                if (t < static_cast<int>(errors.extent(1))) errors(k, t) = error;
                last_error = error;
              },
              [&](int t) {
                if (settings.observer != nullptr && !settings.observer->goes_on(k, t, last_error))
                  return false;
                return !watch || watch(t, [&] { store_potential(space, units, source, row); });
              });
        });
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
