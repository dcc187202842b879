#pragma once
#include <algorithm>
#include <cmath>

#include "kernels/operators/in_lanes/small_cloud_tile.hpp"
#include "kernels/operators/in_lanes/tile_operator.hpp"
#include "kernels/operators/shifts.hpp"

namespace otfleet::kernels {

/// The operator (kernels/README.md) for small problems on points, in lanes. A tile's rows hold the
/// points with weight of one problem in every lane; what a shorter one leaves is padding, see
/// SmallTile. Potentials are to base 2 in units of epsilon.
template <class ExecutionSpace_>
class SmallCloudOperator final : public TileOperator<ExecutionSpace_> {
 public:
  using Points = typename TileOperator<ExecutionSpace_>::Points;
  using Points::for_points;
  using ExecutionSpace = ExecutionSpace_;
  using Tile = SmallTile<ExecutionSpace, double>;
  using L = typename Tile::L;
  using Group = TileGroup<L, ExecutionSpace>;
  using Pack = typename L::Pack;
  using Place = typename Group::Place;
  using Field = typename Group::Field;
  using ProblemValue = typename Group::ProblemValue;
  using TeamMember = Team<ExecutionSpace>;

  // What kernels see of the group; public, since nvcc wants it so.

  /// The last: > 0 where a side's shifts are too far from its next sums; else how far off they can
  /// be, less most_shift_drift.
  enum Value {
    mass_value,
    rounding_value,
    gap_value,
    largest_value,
    stale_value = largest_value + 2,
    values = stale_value + 2
  };
  static constexpr int block = Tile::block;
  struct Tiles {
    SmallClouds<ExecutionSpace> problems;
    Group group;
    double* base;
    long per_tile;
    int first, capacity[2], dimension;

    KOKKOS_FUNCTION Tile tile(int t) const {
      return {base + t * per_tile, {capacity[0], capacity[1]}, dimension};
    }
    KOKKOS_FUNCTION int position(int t, int lane) const { return first + t * L::width + lane; }
    KOKKOS_FUNCTION bool has(int t, int lane) const { return position(t, lane) < problems.size(); }
    KOKKOS_FUNCTION const SmallProblem& problem(int t, int lane) const {
      return problems.problems(position(t, lane));
    }
    KOKKOS_FUNCTION int rows(int side, int t) const { return group.regions[side][t].end[2]; }
    /// body(row, lane, place) for blocks of rows of one side, by pack of lanes.
    template <class Body>
    KOKKOS_FUNCTION void for_blocks(const TeamMember& team, int side, int t,
                                    const Body& body) const {
      const int blocks = (rows(side, t) + block - 1) / block;
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, blocks), [&](int b) {
        Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)),
                             [&](int pack) { body(b * block, pack * int(L::pack_width)); });
      });
      team.team_barrier();
    }
  };

  /// Room for `fields` fields beside the weights. `problems` are the small ones of a batch, which
  /// this must not outlive.
  SmallCloudOperator(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
                     const SmallClouds<ExecutionSpace>& problems, double epsilon, int tiles,
                     int fields);

  /// Numbers that a tile of these problems takes.
  static long numbers_a_tile(const SmallClouds<ExecutionSpace>& problems, int fields);
  void take_problems(int first, const Matrix<double, ExecutionSpace>& totals) override;
  int problems() const override { return tiles_.group.tiles * L::width; }

  Field field(Side, double) override;
  Field weights(Side side) const override { return array(side, Tile::weight); }
  ProblemValue mass() const override { return value(mass_value); }
  bool rounding_grows() const override { return true; }
  ProblemValue rounding() const override { return value(rounding_value); }
  void find_rounding(int source_exponent, int target_exponent) override;
  double beyond() const override { return -2 * Tile::nothing; }
  ProblemValue most_gap() const override { return value(gap_value); }
  bool multiplies_costs() const override { return true; }

  void load(Side side, const ProblemRows<const double>& potentials, const Field& gaps) override;
  void store(Side side, const ProblemRows<double>& potentials) const override;
  void load_points(Side side, const Matrix<const double, ExecutionSpace>& points, int c,
                   const Field& to) const override;
  void fill_rows(Side side, const ProblemRows<double>& rows, double value_of) const override;
  void store_field(Side side, const Field& from, const ProblemRows<double>& rows,
                   int c) const override;
  /// body(tile, place in a field, problem, point) for every point with weight.
  template <class Body>
  void for_real_rows(const char* label, int s, const Body& body) const {
    const Tiles all = tiles_;
    for_tiles<ExecutionSpace, L>(
        space_, label, all.group.tiles, KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          for (int lane = 0; lane < L::width && all.has(t, lane); ++lane) {
            const SmallProblem& problem = all.problem(t, lane);
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, all.rows(s, t)), [&](int r) {
              const long at = Tile::at(r, lane);
              if (tile.array(s, Tile::weight)[at] > 0) body(t, at, problem, tile.point(s, r, lane));
            });
          }
          team.team_barrier();
        });
  }

  void fit(Side side) override;
  ProblemValue taken_off(Side side) const override {
    return value(largest_value + static_cast<int>(side));
  }
  void log_sums(Side side, const Field& to, const ProblemValue& active) override;
  void set_exponents(Side side, const Field& from) override;
  void exponents(Side side, const Field& to) const override;

  void rows(Side side, const Field& sums, const Field& costs) override;
  void scale_down(Side side, const Field& sums) override;
  void means(Side side, const Field& values_of, const Field& result) override;
  void apply_cost(const Field& x, const Field& result) override;
  void hard_min(Side side, const Field& x, const Field& result) override;

  // The same with the cost as its own type; public for the same reason.

  template <class Cost>
  void fit_with(const Cost& ground_cost, Side side);
  template <class Cost>
  void log_sums_with(const Cost& ground_cost, Side side, const Field& to,
                     const ProblemValue& active);
  template <class Cost>
  void rows_with(const Cost& ground_cost, Side side, const Field& sums, const Field& costs);
  template <class Cost>
  void means_with(const Cost& ground_cost, Side side, const Field& values_of, const Field& result);
  template <class Cost>
  void apply_cost_with(const Cost& ground_cost, const Field& x, const Field& result);
  template <class Cost>
  void hard_min_with(const Cost& ground_cost, Side side, const Field& x, const Field& result);

  KOKKOS_FORCEINLINE_FUNCTION static void store_block(const Field& to, int t, int row, int lane,
                                                      const Pack (&values_of)[block]) {
    for (int r = 0; r < block; ++r) L::store(to.of(t) + Tile::at(row + r, lane), values_of[r]);
  }

 private:
  using Points::space_;

  Field array(Side side, int which) const {
    const int s = static_cast<int>(side);
    return {tiles_.tile(0).array(s, which), tiles_.per_tile};
  }
  ProblemValue value(int which) const {
    return {values_.data() + static_cast<long>(which) * most_tiles_ * L::width};
  }

  const CloudProblems<ExecutionSpace>& batch_;
  double scale_;  ///< log2(e)/epsilon
  Tiles tiles_;
  Vector<double, ExecutionSpace> memory_, values_;
  Vector<Region, ExecutionSpace> regions_;
  Vector<int, ExecutionSpace> instances_;
  int most_tiles_, field_rows_, next_field_ = 0;
  long tile_rows_;
};

}  // namespace otfleet::kernels
