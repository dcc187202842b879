#pragma once
#include <array>
#include <limits>
#include <vector>

#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "kernels/operators/side.hpp"

namespace otfleet::kernels {
namespace detail {

/// Several sums over the points of one side.
template <int count, class Body>
struct PointSums {
  using value_type = double[];
  const unsigned value_count = count;  ///< not 0, as {} would make it: Kokkos 4 sums no more then
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
  static constexpr bool rounding_grows() { return true; }
  static constexpr int most_totals = 24;

  PassPoints(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
             const Problem& problem, double epsilon, const Matrix<double, ExecutionSpace>& totals);

  /// `padding`: what changes nothing in what the field is used for.
  Field field(Side side, double padding = 0) { return {take(side, padding)}; }
  WeightField weights(Side side) const { return {of(side).support.weight}; }
  ProblemValue mass() const { return {problem_.mass}; }
  ProblemValue rounding() const { return {rounding_}; }
  /// From totals: the largest exponents of both sides.
  void find_rounding(int source_exponent, int target_exponent);
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
        detail::PointSums<count, Body>{.body = body},
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
  void set_total(int which, const std::vector<double>& values);

  void load(Side side, const ProblemRows<const double>& potentials, const Field& gaps = {});
  void store(Side side, const ProblemRows<double>& potentials) const;
  void load_points(Side side, const Matrix<const double, ExecutionSpace>& points, int c,
                   const Field& to) const;
  void fill_rows(Side side, const ProblemRows<double>& rows, double value) const;
  void store_field(Side side, const Field& from, const ProblemRows<double>& rows, int c = 0) const;

  ProblemValue taken_off(Side side) const { return {of(side).largest}; }
  void set_exponents(Side side, const Field& from);
  void exponents(Side side, const Field& to) const;
  /// The half-step from `sum` and the side's shift, which becomes −potential.
  void take_half_step(Side side, const Vector<double, ExecutionSpace>& sum);
  /// side.offset = potential + log2 of the values.
  void weigh(Side side, const Field& values);
  void divide(Side side, const Field& field, const Vector<double, ExecutionSpace>& by);
  void scale_down(Side side, const Field& sums);

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
  void take_log_sums(Side side, const Field& to);

 protected:
  PlanSide& of(Side side) { return sides_[static_cast<int>(side)]; }
  const PlanSide& of(Side side) const { return sides_[static_cast<int>(side)]; }
  Vector<double, ExecutionSpace> take(Side side, double padding) const;
  template <class Value>
  Vector<Value, ExecutionSpace> row_of(Side side, const ProblemRows<Value>& rows) const {
    return side == Side::source ? problem_.source_row(rows) : problem_.target_row(rows);
  }
  void write_total(int which) const;

  ExecutionSpace space_;
  const CloudProblems<ExecutionSpace>& batch_;
  const Problem& problem_;
  double scale_, rounding_ = 0;  ///< log2(e)/epsilon
  Matrix<double, ExecutionSpace> totals_;
  std::array<double, most_totals> found_ = {};
  PlanSide sides_[2];
};

}  // namespace otfleet::kernels
