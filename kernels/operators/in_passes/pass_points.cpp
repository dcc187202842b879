#include "kernels/operators/in_passes/pass_points.hpp"

#include <cmath>
#include <limits>

#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
PassPoints<ExecutionSpace>::PassPoints(const ExecutionSpace& space,
                                       const CloudProblems<ExecutionSpace>& batch,
                                       const Problem& problem, double epsilon,
                                       const Matrix<double, ExecutionSpace>& totals)
    : space_(space),
      batch_(batch),
      problem_(problem),
      scale_(1 / (epsilon * std::log(2.0))),
      totals_(totals) {
  if (totals.size() > 0) {
    const auto given = Kokkos::create_mirror_view_and_copy(
        Kokkos::HostSpace(), Kokkos::subview(totals, problem.k, Kokkos::ALL()));
    for (std::size_t c = 0; c < given.extent(0); ++c) found_[c] = given(c);
  }
  for (const Side side : {Side::source, Side::target}) {
    PlanSide& own = of(side);
    const auto& given = side == Side::source ? problem.source : problem.target;
    own.support = given.support;
    own.points = given.points;
    own.first = given.place.first;
    own.potential = take(side, -std::numeric_limits<double>::infinity());
    own.shift = take(side, 0);
  }
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::find_rounding(int source_exponent, int target_exponent) {
  rounding_ = plan_rounding(2 * problem_.points, of(Side::source).points.dimension,
                            found_[source_exponent] + found_[target_exponent]);
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::set_total(int which, const std::vector<double>& values) {
  found_[which] = values[0];
  write_total(which);
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::load(Side side, const ProblemRows<const double>& potentials,
                                      const Field& gaps) {
  PlanSide& own = of(side);
  const Vector<const double, ExecutionSpace> row = row_of(side, potentials);
  const double largest = largest_on_support(space_, row, own.support, own.points.communicator);
  own.largest = largest > -std::numeric_limits<double>::max() ? largest : 0.0;
  own.log_sum_moved = of(other(side)).log_sum_moved = std::numeric_limits<double>::infinity();
  const double high = own.largest, scale = scale_;
  const bool wants_gaps = static_cast<bool>(gaps);
  const auto index = own.support.index;
  const auto potential = own.potential, shift = own.shift;
  for_points(
      "otfleet::operators::load", side, KOKKOS_LAMBDA(int i) {
        potential(i) = (row(index(i)) - high) * scale;
        shift(i) = -potential(i);
        if (wants_gaps) gaps.store(i, high - row(index(i)));
      });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::store(Side side, const ProblemRows<double>& potentials) const {
  const PlanSide& own = of(side);
  const double scale = scale_;
  const double constant =
      std::log2(problem_.mass) / scale - of(other(side)).largest + batch_.taken_off(problem_.k);
  const auto row = row_of(side, potentials);
  const auto index = own.support.index;
  const auto potential = own.potential;
  Kokkos::parallel_for(
      "otfleet::operators::clear_row",
      Kokkos::RangePolicy<ExecutionSpace>(space_, 0, static_cast<int>(row.extent(0))),
      KOKKOS_LAMBDA(int i) { row(i) = -Kokkos::Experimental::infinity<double>::value; });
  for_points(
      "otfleet::operators::store", side,
      KOKKOS_LAMBDA(int i) { row(index(i)) = potential(i) / scale + constant; });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::load_points(Side side,
                                             const Matrix<const double, ExecutionSpace>& points,
                                             int c, const Field& to) const {
  const auto index = of(side).support.index;
  const std::int64_t first = of(side).first;
  for_points(
      "otfleet::operators::load_points", side,
      KOKKOS_LAMBDA(int i) { to.store(i, points(first + index(i), c)); });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::fill_rows(Side side, const ProblemRows<double>& rows,
                                           double value) const {
  Kokkos::deep_copy(space_, row_of(side, rows), value);
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::store_field(Side side, const Field& from,
                                             const ProblemRows<double>& rows, int c) const {
  const auto row = row_of(side, rows);
  const auto index = of(side).support.index;
  const int per_point = rows.per_point;
  for_points(
      "otfleet::operators::store_field", side, KOKKOS_LAMBDA(int i) {
        row(static_cast<std::size_t>(index(i)) * per_point + c) = from.load(i);
      });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::set_exponents(Side side, const Field& from) {
  const auto potential = of(side).potential, shift = of(side).shift;
  const double log2_e = 1 / std::log(2.0);
  double change = 0;
  Kokkos::parallel_reduce(
      "otfleet::operators::set_exponents",
      Kokkos::RangePolicy<ExecutionSpace>(space_, 0, of(side).points.count),
      KOKKOS_LAMBDA(int i, double& most) {
        const double before = potential(i), after = from.load(i) * log2_e;
        const double moved = before > after ? before - after : after - before;
        potential(i) = after;
        shift(i) = -after;
        if (!(moved <= most)) most = moved;
      },
      Kokkos::Max<double>(change));
  of(other(side)).log_sum_moved += all_max(batch_.communicator, change);
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::exponents(Side side, const Field& to) const {
  const auto potential = of(side).potential;
  const double ln2 = std::log(2.0);
  for_points(
      "otfleet::operators::exponents", side,
      KOKKOS_LAMBDA(int i) { to.store(i, potential(i) * ln2); });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::take_half_step(Side side,
                                                const Vector<double, ExecutionSpace>& sum) {
  of(side).largest = 0;
  const auto weight = of(side).support.log_weight;
  const auto potential = of(side).potential, shift = of(side).shift;
  for_points(
      "otfleet::operators::fit", side, KOKKOS_LAMBDA(int i) {
        potential(i) = weight(i) - (shift(i) + ::log2(sum(i)));
        shift(i) = -potential(i);
      });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::weigh(Side side, const Field& values) {
  const auto potential = of(side).potential, offset = of(side).offset;
  for_points(
      "otfleet::operators::weigh", side, KOKKOS_LAMBDA(int i) {
        const double value = values.load(i);
        offset(i) = value > 0 ? potential(i) + ::log2(value)
                              : -Kokkos::Experimental::infinity<double>::value;
      });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::divide(Side side, const Field& field,
                                        const Vector<double, ExecutionSpace>& by) {
  for_points(
      "otfleet::operators::means", side,
      KOKKOS_LAMBDA(int i) { field.store(i, field.load(i) / by(i)); });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::scale_down(Side side, const Field& sums) {
  const auto weight = of(side).support.weight;
  const auto potential = of(side).potential, shift = of(side).shift;
  for_points(
      "otfleet::operators::scale_down", side, KOKKOS_LAMBDA(int i) {
        if (sums.load(i) > weight(i)) potential(i) += ::log2(weight(i) / sums.load(i));
        shift(i) = -potential(i);
      });
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::take_log_sums(Side side, const Field& to) {
  const auto log_sum = of(side).log_sum, sum = of(side).sum;
  const double ln2 = std::log(2.0);
  of(side).log_sum_moved = 0;
  for_points(
      "otfleet::operators::log_sums", side, KOKKOS_LAMBDA(int i) {
        log_sum(i) += ::log2(sum(i));
        to.store(i, log_sum(i) * ln2);
      });
}

template <class ExecutionSpace>
auto PassPoints<ExecutionSpace>::take(Side side, double padding) const
    -> Vector<double, ExecutionSpace> {
  return problem_.arena->take_filled(space_, static_cast<std::size_t>(of(side).points.padded()),
                                     padding);
}

template <class ExecutionSpace>
void PassPoints<ExecutionSpace>::write_total(int which) const {
  if constexpr (Kokkos::SpaceAccessibility<Kokkos::DefaultHostExecutionSpace,
                                           typename ExecutionSpace::memory_space>::accessible)
    totals_(problem_.k, which) = found_[which];
  else
    Kokkos::deep_copy(space_, Kokkos::subview(totals_, problem_.k, which), found_[which]);
}

#define OTFLEET_INSTANTIATE(Space) template class PassPoints<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
