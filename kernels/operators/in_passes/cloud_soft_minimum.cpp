#include "kernels/operators/in_passes/cloud_soft_minimum.hpp"

#include "kernels/operators/in_passes/cloud_pass.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Row 0 of result: factor · values on the support, `outside` off it.
template <class ExecutionSpace>
void store_row(const ExecutionSpace& space, const Support<ExecutionSpace>& support,
               const Vector<double, ExecutionSpace>& values, double factor, double outside,
               const Matrix<double, ExecutionSpace>& result) {
  const auto index = support.index;
  Kokkos::parallel_for(
      "otfleet::unbalanced::clear_row",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(result.extent(1))),
      KOKKOS_LAMBDA(int i) { result(0, i) = outside; });
  Kokkos::parallel_for(
      "otfleet::unbalanced::store_row",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, support.count),
      KOKKOS_LAMBDA(int i) { result(0, index(i)) = factor * values(i); });
}

/// Row 0 of `potentials` into `to`; returns the largest change.
template <class ExecutionSpace>
double load_row(const ExecutionSpace& space, const Matrix<double, ExecutionSpace>& potentials,
                const Support<ExecutionSpace>& support, double scale,
                const Vector<double, ExecutionSpace>& to) {
  const auto index = support.index;
  double change = 0;
  Kokkos::parallel_reduce(
      "otfleet::unbalanced::load_row", Kokkos::RangePolicy<ExecutionSpace>(space, 0, support.count),
      KOKKOS_LAMBDA(int i, double& most) {
        const double before = to(i), after = potentials(0, index(i)) * scale;
        const double moved = before < after ? after - before : before - after;
        to(i) = after;
        if (!(moved <= most)) most = moved;
      },
      Kokkos::Max<double>(change));
  return change;
}

/// shift = log2 of the sums, in units of 2^shift before.
template <class ExecutionSpace>
void take_logarithms(const ExecutionSpace& space, int count,
                     const Vector<double, ExecutionSpace>& shift,
                     const Vector<double, ExecutionSpace>& sum) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::logarithms", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) { shift(i) += ::log2(sum(i)); });
}

/// products / sums.
template <class ExecutionSpace>
void take_means(const ExecutionSpace& space, int count, const Vector<double, ExecutionSpace>& sum,
                const Vector<double, ExecutionSpace>& product) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::means", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) { product(i) /= sum(i); });
}

}  // namespace

template <class ExecutionSpace>
typename CloudSoftMinimum<ExecutionSpace>::Side CloudSoftMinimum<ExecutionSpace>::make_side(
    const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena,
    const ProblemSide<ExecutionSpace, double>& side) {
  const auto take = [&](double padding) {
    return arena.take_filled(space, static_cast<std::size_t>(side.points.padded()), padding);
  };
  return {side.support, side.points, take(-std::numeric_limits<double>::infinity()), take(0),
          take(0)};
}

template <class ExecutionSpace>
CloudSoftMinimum<ExecutionSpace>::CloudSoftMinimum(
    const ExecutionSpace& space, const GroundCost& cost,
    const CloudProblem<ExecutionSpace, double>& problem, double epsilon)
    : ground_cost_(cost),
      scale_(1 / (epsilon * std::log(2.0))),
      source_(make_side(space, *problem.arena, problem.source)),
      target_(make_side(space, *problem.arena, problem.target)),
      products_(problem.arena->take_filled(space, static_cast<std::size_t>(source_.points.padded()),
                                           0.0)) {}

template <class ExecutionSpace>
void CloudSoftMinimum<ExecutionSpace>::sum_exponentials(const ExecutionSpace& space,
                                                        const Potentials& potentials, Side& from,
                                                        Side& to) const {
  // With an old shift terms stay below 2^60 and sums above 2^−60 if no potential moved by more.
  constexpr double most_change = 60;
  const double change = load_row(space, potentials, from.support, scale_, from.potential);
  const bool shift_fits = to.has_shift && change <= most_change;
  with_ground_cost(ground_cost_, [&](const auto& cost) {
    if (!shift_fits)
      run_pass<PassResult::largest>(space, cost, to.points, from.points, from.potential, to.shift,
                                    to.shift, scale_);
    run_pass<PassResult::exponential>(space, cost, to.points, from.points, from.potential, to.shift,
                                      to.sum, scale_);
  });
  to.has_shift = true;
}

template <class ExecutionSpace>
void CloudSoftMinimum<ExecutionSpace>::soft_minimum(const ExecutionSpace& space,
                                                    const Potentials& potentials, Side& from,
                                                    Side& to, const Potentials& result) const {
  sum_exponentials(space, potentials, from, to);
  take_logarithms(space, to.points.count, to.shift, to.sum);
  store_row(space, to.support, to.shift, -1 / scale_, -std::numeric_limits<double>::infinity(),
            result);
}

template <class ExecutionSpace>
void CloudSoftMinimum<ExecutionSpace>::to_source(const ExecutionSpace& space, const Instances&,
                                                 const Potentials& g, const Potentials& result) {
  soft_minimum(space, g, target_, source_, result);
}

template <class ExecutionSpace>
void CloudSoftMinimum<ExecutionSpace>::to_target(const ExecutionSpace& space, const Instances&,
                                                 const Potentials& f, const Potentials& result) {
  soft_minimum(space, f, source_, target_, result);
}

template <class ExecutionSpace>
void CloudSoftMinimum<ExecutionSpace>::mean_costs(const ExecutionSpace& space, const Instances&,
                                                  const Potentials& g, const Potentials& result) {
  sum_exponentials(space, g, target_, source_);
  with_ground_cost(ground_cost_, [&](const auto& cost) {
    run_pass<PassResult::costs>(space, cost, source_.points, target_.points, target_.potential,
                                source_.shift, products_, scale_);
  });
  take_means(space, source_.points.count, source_.sum, products_);
  source_.has_shift = false;  // it belongs to earlier potentials
  store_row(space, source_.support, products_, 1.0, 0.0, result);
}

#define OTFLEET_INSTANTIATE(Space) template class CloudSoftMinimum<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
