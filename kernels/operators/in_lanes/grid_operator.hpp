#pragma once
#include <memory>

#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/operators/in_lanes/tile_operator.hpp"
#include "kernels/problems/supports.hpp"
#include "kernels/rounding.hpp"

namespace otfleet::kernels {

/// A batch as GridOperators see it. Must not outlive the cost.
template <class ExecutionSpace>
struct GridProblems {
  const SeparableCost& cost;
  ProblemBatch<ExecutionSpace> problems;
  double epsilon;
  bool safe;  ///< plain numbers hold exp(f/epsilon), see scaling_is_safe()
  Supports<ExecutionSpace> supports;

  int size() const { return problems.size(); }
};

/// The operator (kernels/README.md) for separable costs, in lanes: a group of tiles with the
/// problems from `first` on, in the order of their supports. Domain says how potentials are held.
template <class Domain_, class ExecutionSpace_>
class GridOperator final : public TileOperator<ExecutionSpace_> {
 public:
  using Points = typename TileOperator<ExecutionSpace_>::Points;
  using Points::for_points;
  using Domain = Domain_;
  using ExecutionSpace = ExecutionSpace_;
  using L = typename Domain::L;
  using Group = TileGroup<L, ExecutionSpace>;
  using Pack = typename L::Pack;
  using Place = typename Group::Place;
  using Field = typename Group::Field;
  using ProblemValue = typename Group::ProblemValue;
  using TeamMember = Team<ExecutionSpace>;

  // What kernels see of the group; public, since nvcc wants it so.

  /// The last two for means alone.
  enum Array { source_potential, target_potential, applied, scratch };
  static constexpr int partial = scratch + Domain::scratch_arrays, whole = partial + 1;
  static int array_count(const OperatorUse& use) { return use.means ? whole + 1 : partial; }
  static constexpr int weight_fields = 2;
  enum Value { mass_value, rounding_value, gap_value, source_largest, target_largest, values };

  struct OneSide {
    Matrix<const double, ExecutionSpace> weights;
    Vector<const double, ExecutionSpace> mass;
    Vector<const int, ExecutionSpace> index;
    Vector<const Region, ExecutionSpace> supports;
    int points;

    KOKKOS_FUNCTION const double* of(int k) const { return &weights(index(k), 0); }
  };
  struct Chains {
    AxisChain<double> gibbs[2], cost[2];                  ///< to the source, to the target
    AxisChain<double> weighted[SeparableCost::max_axes];  ///< to the source
    AxisChain<double> product[SeparableCost::max_axes];   ///< to the source, plain numbers
    int axes = 0;
  };
  /// The group's tiles on the device.
  struct Tiles {
    Group group;
    double* base;
    long per_tile, rows;

    KOKKOS_FUNCTION typename Domain::Memory memory(int tile) const {
      return {base + tile * per_tile, rows};
    }
    /// Of lanes beyond the batch, the last problem.
    KOKKOS_FUNCTION int problem(int tile, int lane) const {
      for (; group.instance(tile, lane) < 0; --lane) {
      }
      return group.instance(tile, lane);
    }
    KOKKOS_FUNCTION AxisChain<double> crop(const AxisChain<double>& chain, int to, int tile) const {
      return chain.within(group.regions[1 - to][tile], group.regions[to][tile]);
    }
  };

  GridOperator(const ExecutionSpace& space, const GridProblems<ExecutionSpace>& all, int tiles,
               const OperatorUse& use);

  /// Numbers that a tile takes.
  static long numbers_a_tile(const SeparableCost& cost, const OperatorUse& use);
  void take_problems(int first, const Matrix<double, ExecutionSpace>& totals) override;
  int problems() const override { return group_.tiles * L::width; }
  void load_side_weights(Side side);

  Field field(Side, double) override { return plain(weight_fields + next_field_++); }
  Field weights(Side side) const override { return plain(static_cast<int>(side)); }
  ProblemValue mass() const override { return value(mass_value); }
  bool rounding_grows() const override { return false; }
  ProblemValue rounding() const override { return value(rounding_value); }
  void find_rounding(int, int) override {}
  double beyond() const override { return 3 * all_.cost.longest_detour(); }
  ProblemValue most_gap() const override { return value(gap_value); }
  bool multiplies_costs() const override { return !all_.cost.forbids(); }

  void load(Side side, const ProblemRows<const double>& potentials, const Field& gaps) override;
  void store(Side side, const ProblemRows<double>& potentials) const override;
  void load_points(Side side, const Matrix<const double, ExecutionSpace>& points, int c,
                   const Field& to) const override;
  void store_field(Side side, const Field& from, const ProblemRows<double>& rows,
                   int c) const override;
  void fill_rows(Side side, const ProblemRows<double>& rows, double value_of) const override;

  void fit(Side side) override;
  ProblemValue taken_off(Side side) const override;
  void log_sums(Side side, const Field& to, const ProblemValue& active) override;
  void set_exponents(Side side, const Field& from) override;
  void exponents(Side side, const Field& to) const override;

  void rows(Side side, const Field& sums, const Field& costs) override;
  void scale_down(Side side, const Field& sums) override;
  void means(Side side, const Field& values, const Field& result) override;
  void apply_cost(const Field& x, const Field& result) override;
  void hard_min(Side side, const Field& x, const Field& result) override;

 private:
  using Points::group_;
  using Points::space_;

  Tiles tiles() const { return {group_, memory_.data(), per_tile_, rows_}; }
  Field plain(int which) const {
    const long before = static_cast<long>(rows_) * L::width;
    return {memory_.data() + before * (arrays_ * Domain::planes + which), per_tile_};
  }
  Kokkos::pair<int, int> value_range(int which) const {
    const int count = most_tiles_ * L::width;
    return {which * count, (which + 1) * count};
  }
  /// `costs`: also what rows() with costs, apply_cost() and hard_min() need.
  void make_chains(bool costs);
  ProblemValue value(int which) const { return {values_.data() + value_range(which).first}; }

  const GridProblems<ExecutionSpace>& all_;
  OneSide sides_[2];
  std::shared_ptr<const GibbsKernel<ExecutionSpace, double>> tables_;
  Chains chains_;
  Vector<double, ExecutionSpace> memory_, values_;
  Vector<Region, ExecutionSpace> regions_;
  Vector<int, ExecutionSpace> instances_;
  int most_tiles_ = 0, rows_ = 0, arrays_ = 0, next_field_ = 0;
  long per_tile_ = 0;
  bool has_whole_[2] = {};
};

}  // namespace otfleet::kernels
