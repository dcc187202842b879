#pragma once
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/operators/in_passes/cloud_pass.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "kernels/operators/shifts.hpp"
#include "kernels/operators/side.hpp"

namespace otfleet::kernels {

namespace detail {

/// Several sums over the points of one side.
template <int count, class Body>
struct PointSums {
  using value_type = double[];
  const unsigned value_count = count;
  Body body;

  /// Kokkos 3.4 begins an array with what the result held.
  KOKKOS_FUNCTION void init(double* sums) const {
    for (int c = 0; c < count; ++c) sums[c] = 0;
  }
  KOKKOS_FUNCTION void operator()(int i, double* sums) const {
    body(i, *reinterpret_cast<double(*)[count]>(sums));
  }
};

}  // namespace detail

/// What the operator in passes can do point by point, which no cost has a part in. A field has a
/// number for every point with weight. Where the points are distributed over ranks, everything is
/// collective.
template <class ExecutionSpace_>
class PassPoints {
 public:
  using ExecutionSpace = ExecutionSpace_;
  using Pack = double;
  using Place = int;
  using Problem = CloudProblem<ExecutionSpace, double>;
  struct Field {
    Vector<double, ExecutionSpace> values;

    /// Is it one? A rank that holds no points has fields without values.
    explicit operator bool() const { return values.data() != nullptr; }
    KOKKOS_FORCEINLINE_FUNCTION double load(int i) const { return values(i); }
    KOKKOS_FORCEINLINE_FUNCTION void store(int i, double value) const { values(i) = value; }
  };
  struct WeightField {
    Vector<const double, ExecutionSpace> values;

    KOKKOS_FORCEINLINE_FUNCTION double load(int i) const { return values(i); }
  };
  struct ProblemValue {
    double value;

    KOKKOS_FORCEINLINE_FUNCTION double load(int) const { return value; }
  };
  /// The larger potentials are, the fewer digits an entry of the plan has.
  static constexpr bool rounding_grows = true;
  static constexpr int most_totals = 24;

  PassPoints(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
             const Problem& problem, double epsilon, const Matrix<double, ExecutionSpace>& totals)
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

  /// `padding`: what changes nothing in what the field is used for.
  Field field(Side side, double padding = 0) { return {take(side, padding)}; }
  WeightField weights(Side side) const { return {of(side).support.weight}; }
  ProblemValue mass() const { return {problem_.mass}; }
  ProblemValue rounding() const { return {rounding_}; }
  /// From totals: the largest exponents of both sides.
  void find_rounding(int source_exponent, int target_exponent) {
    rounding_ = plan_rounding(2 * problem_.points, of(Side::source).points.dimension,
                              found_[source_exponent] + found_[target_exponent]);
  }
  double beyond() const { return std::numeric_limits<double>::infinity(); }
  ProblemValue most_gap() const { return {problem_.bound}; }
  /// Passes know of forbidden entries.
  bool multiplies_costs() const { return true; }

  template <class Body>
  void for_points(const char* label, Side side, const Body& body) const {
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<ExecutionSpace>(space_, 0, of(side).points.count), body);
  }
  template <int count, class Body>
  void sum(const char* label, Side side, int first, const Body& body) {
    static_assert(count <= most_totals);
    double* const sums = found_.data() + first;
    Kokkos::parallel_reduce(
        label, Kokkos::RangePolicy<ExecutionSpace>(space_, 0, of(side).points.count),
        detail::PointSums<count, Body>{{}, body},
        Kokkos::View<double*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(sums,
                                                                                          count));
    if (batch_.communicator) batch_.communicator->sum({sums, count});
    for (int c = 0; c < count; ++c) write_total(first + c);
  }
  template <class Value>
  void largest(const char* label, Side side, int which, const Value& value, double least = 0) {
    double most = least;
    Kokkos::parallel_reduce(
        label, Kokkos::RangePolicy<ExecutionSpace>(space_, 0, of(side).points.count),
        KOKKOS_LAMBDA(int i, double& largest) {
          const double found = value(i);
          if (found > largest) largest = found;
        },
        Kokkos::Max<double>(most));
    found_[which] = all_max(batch_.communicator, most > least ? most : least);
    write_total(which);
  }
  template <class Body>
  void for_problems(const char*, const Body& body) {
    body(found_.data());
    for (int c = 0; c < static_cast<int>(totals_.extent(1)); ++c) write_total(c);
  }
  ProblemValue total(int which) const { return {found_[which]}; }
  std::vector<int> problems_on_host() const { return {problem_.k}; }
  std::vector<double> total_on_host(int which) const { return {found_[which]}; }
  void set_total(int which, const std::vector<double>& values) {
    found_[which] = values[0];
    write_total(which);
  }

  void load(Side side, const ProblemRows<const double>& potentials, const Field& gaps = {}) {
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
  void store(Side side, const ProblemRows<double>& potentials) const {
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
  void load_points(Side side, const Matrix<const double, ExecutionSpace>& points, int c,
                   const Field& to) const {
    const auto index = of(side).support.index;
    const std::int64_t first = of(side).first;
    for_points(
        "otfleet::operators::load_points", side,
        KOKKOS_LAMBDA(int i) { to.store(i, points(first + index(i), c)); });
  }
  void fill_rows(Side side, const ProblemRows<double>& rows, double value) const {
    Kokkos::deep_copy(space_, row_of(side, rows), value);
  }
  void store_field(Side side, const Field& from, const ProblemRows<double>& rows, int c = 0) const {
    const auto row = row_of(side, rows);
    const auto index = of(side).support.index;
    const int per_point = rows.per_point;
    for_points(
        "otfleet::operators::store_field", side, KOKKOS_LAMBDA(int i) {
          row(static_cast<std::size_t>(index(i)) * per_point + c) = from.load(i);
        });
  }

  ProblemValue taken_off(Side side) const { return {of(side).largest}; }
  void set_exponents(Side side, const Field& from) {
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
  void exponents(Side side, const Field& to) const {
    const auto potential = of(side).potential;
    const double ln2 = std::log(2.0);
    for_points(
        "otfleet::operators::exponents", side,
        KOKKOS_LAMBDA(int i) { to.store(i, potential(i) * ln2); });
  }
  /// The half-step from `sum` and the side's shift, which becomes −potential.
  void take_half_step(Side side, const Vector<double, ExecutionSpace>& sum) {
    of(side).largest = 0;
    const auto weight = of(side).support.log_weight;
    const auto potential = of(side).potential, shift = of(side).shift;
    for_points(
        "otfleet::operators::fit", side, KOKKOS_LAMBDA(int i) {
          potential(i) = weight(i) - (shift(i) + ::log2(sum(i)));
          shift(i) = -potential(i);
        });
  }
  /// side.offset = potential + log2 of the values.
  void weigh(Side side, const Field& values) {
    const auto potential = of(side).potential, offset = of(side).offset;
    for_points(
        "otfleet::operators::weigh", side, KOKKOS_LAMBDA(int i) {
          const double value = values.load(i);
          offset(i) = value > 0 ? potential(i) + ::log2(value)
                                : -Kokkos::Experimental::infinity<double>::value;
        });
  }
  void divide(Side side, const Field& field, const Vector<double, ExecutionSpace>& by) {
    for_points(
        "otfleet::operators::means", side,
        KOKKOS_LAMBDA(int i) { field.store(i, field.load(i) / by(i)); });
  }
  void scale_down(Side side, const Field& sums) {
    const auto weight = of(side).support.weight;
    const auto potential = of(side).potential, shift = of(side).shift;
    for_points(
        "otfleet::operators::scale_down", side, KOKKOS_LAMBDA(int i) {
          if (sums.load(i) > weight(i)) potential(i) += ::log2(weight(i) / sums.load(i));
          shift(i) = -potential(i);
        });
  }
  /// Arrays are [points.padded()]; potentials to base 2 in units of epsilon, shift = −potential.
  struct PlanSide {
    Support<ExecutionSpace> support;
    CloudPoints<ExecutionSpace, double> points;
    std::int64_t first = 0;  ///< row of the measure's first point
    double largest = 0;      ///< what was taken off potentials that were loaded
    Vector<double, ExecutionSpace> potential, shift, whole, offset;
    Vector<double, ExecutionSpace> log_sum, sum;  ///< of log_sums(); empty before its first call
    /// How far potentials of the other side have moved since.
    double log_sum_moved = std::numeric_limits<double>::infinity();
  };
  /// The logarithms of `sum` with log_sum as its shift.
  void take_log_sums(Side side, const Field& to) {
    const auto log_sum = of(side).log_sum, sum = of(side).sum;
    const double ln2 = std::log(2.0);
    of(side).log_sum_moved = 0;
    for_points(
        "otfleet::operators::log_sums", side, KOKKOS_LAMBDA(int i) {
          log_sum(i) += ::log2(sum(i));
          to.store(i, log_sum(i) * ln2);
        });
  }

 protected:
  PlanSide& of(Side side) { return sides_[static_cast<int>(side)]; }
  const PlanSide& of(Side side) const { return sides_[static_cast<int>(side)]; }
  Vector<double, ExecutionSpace> take(Side side, double padding) const {
    return problem_.arena->take_filled(space_, static_cast<std::size_t>(of(side).points.padded()),
                                       padding);
  }
  template <class Value>
  Vector<Value, ExecutionSpace> row_of(Side side, const ProblemRows<Value>& rows) const {
    return side == Side::source ? problem_.source_row(rows) : problem_.target_row(rows);
  }
  void write_total(int which) const {
    if constexpr (Kokkos::SpaceAccessibility<Kokkos::DefaultHostExecutionSpace,
                                             typename ExecutionSpace::memory_space>::accessible)
      totals_(problem_.k, which) = found_[which];
    else
      Kokkos::deep_copy(space_, Kokkos::subview(totals_, problem_.k, which), found_[which]);
  }

  ExecutionSpace space_;
  const CloudProblems<ExecutionSpace>& batch_;
  const Problem& problem_;
  double scale_, rounding_ = 0;  ///< log2(e)/epsilon
  Matrix<double, ExecutionSpace> totals_;
  std::array<double, most_totals> found_ = {};
  PlanSide sides_[2];
};

/// The operator (kernels/README.md) for one problem on points or on a stored matrix, in passes over
/// all pairs.
template <class Cost, class ExecutionSpace_>
class PassOperator : public PassPoints<ExecutionSpace_> {
 public:
  using ExecutionSpace = ExecutionSpace_;
  using Points = PassPoints<ExecutionSpace>;
  using typename Points::Field;

  PassOperator(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
               const Cost& cost, const typename Points::Problem& problem, double epsilon,
               const Matrix<double, ExecutionSpace>& totals)
      : Points(space, batch, problem, epsilon, totals), cost_(cost) {}

  void fit(Side side) {
    auto &to = this->of(side), &from = this->of(other(side));
    const auto sum = this->take(side, 0);
    run<PassResult::largest>(side, from.potential, to.shift, to.shift);
    run<PassResult::exponential>(side, from.potential, to.shift, sum);
    this->take_half_step(side, sum);
  }
  void log_sums(Side side, const Field& to, const typename Points::ProblemValue&) {
    auto& own = this->of(side);
    const auto& from = this->of(other(side)).potential;
    if (own.log_sum.data() == nullptr) {
      own.log_sum = this->take(side, 0);
      own.sum = this->take(side, 0);
    }
    if (!(own.log_sum_moved <= most_shift_drift))
      run<PassResult::largest>(side, from, own.log_sum, own.log_sum);
    run<PassResult::exponential>(side, from, own.log_sum, own.sum);
    this->take_log_sums(side, to);
  }
  /// No exponent is positive: a plan with exact columns has P_ij <= b_j. The shift is what cancels
  /// the side's own potential.
  void rows(Side side, const Field& sums, const Field& costs = {}) {
    const auto& from = this->of(other(side)).potential;
    run<PassResult::exponential>(side, from, this->of(side).shift, sums.values);
    if (costs) run<PassResult::costs>(side, from, this->of(side).shift, costs.values);
  }
  void means(Side side, const Field& values, const Field& result) {
    auto &to = this->of(side), &from = this->of(other(side));
    if (to.whole.data() == nullptr) {
      to.whole = this->take(side, 0);
      run<PassResult::largest>(side, from.potential, to.shift, to.shift);
      run<PassResult::exponential>(side, from.potential, to.shift, to.whole);
      from.offset = this->take(other(side), -std::numeric_limits<double>::infinity());
    }
    this->weigh(other(side), values);
    run<PassResult::exponential>(side, from.offset, to.shift, result.values);
    this->divide(side, result, to.whole);
  }
  void apply_cost(const Field& x, const Field& result) {
    run<PassResult::product>(Side::source, x.values, x.values, result.values);
  }
  void hard_min(Side side, const Field& x, const Field& result) {
    run<PassResult::smallest>(side, x.values, x.values, result.values);
  }

 private:
  template <PassResult wanted>
  void run(Side side, const Vector<double, ExecutionSpace>& offset,
           const Vector<double, ExecutionSpace>& shift,
           const Vector<double, ExecutionSpace>& result) const {
    run_pass<wanted>(this->space_, cost_, this->of(side).points, this->of(other(side)).points,
                     offset, shift, result, this->scale_);
  }

  Cost cost_;
};

}  // namespace otfleet::kernels
