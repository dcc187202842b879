#include <cmath>

#include "kernels/operators/in_lanes/small_cloud_tile.hpp"
#include "kernels/outputs/bounds.hpp"
#include "kernels/outputs/small_cloud_certificate.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// What cloud_certificate.cpp finds out, on tiles of small problems: lane l of tile t holds problem
/// t·width + l. Potentials are to base 2 in units of epsilon; weights are shares of the mass, by
/// which figures are multiplied in the end.
template <class Cost, class ExecutionSpace>
struct SmallCertificateKernel {
  using Tile = SmallTile<ExecutionSpace, double>;
  using Domain = typename Tile::Domain;
  using L = typename Tile::L;
  using Pack = typename Tile::Pack;
  using CostUnits = typename Tile::template CostUnits<Cost>;
  using TeamMember = Team<ExecutionSpace>;
  static constexpr int arrays = 1;  // of a tile's whole rows, see launch_tiles()
  static constexpr int block = Tile::block;
  static constexpr int source = Tile::source, target = Tile::target;
  /// What a c-transform takes the largest of, less the cost: f, then −f'.
  static constexpr int bound = Tile::extra;

  SmallClouds<ExecutionSpace> problems;
  double scale, epsilon;
  CostUnits units;
  const double* f;
  double* g;
  Certificates<ExecutionSpace> out;
  Vector<double, ExecutionSpace> memory = {};
  int capacity[2] = {};
  long rows = 0;

  enum Sum {
    target_dual,
    source_dual,
    error,
    plan_mass,
    cost,
    kept_cost,
    lack,
    added_cost,
    first_dual,
    second_dual,
    sums
  };
  static constexpr int most_sums = 4;  ///< of one pass

  struct LaneState {
    double total[sums][L::width], largest[L::width];
    int count[2][L::width];     ///< points
    int used[2][L::width];      ///< rows that are no padding
    int rows[2];                ///< of the largest problem
    double rounding[L::width];  ///< relative, of sums over the plan: see rounding.hpp
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(LaneState) + sizeof(double) * L::width * most_sums * team_size + 128;
  }

  KOKKOS_FUNCTION void operator()(const TeamMember& team) const {
    const Tile tile{memory.data() + team.league_rank() * rows * L::width,
                    {capacity[0], capacity[1]},
                    problems.dimension()};
    LaneState& lanes = *static_cast<LaneState*>(
        team.team_shmem().get_shmem_aligned(sizeof(LaneState), alignof(LaneState)));
    double* const partial = static_cast<double*>(team.team_shmem().get_shmem_aligned(
        sizeof(double) * L::width * most_sums * team.team_size(), 64));
    tile.clear(team);
    for_lanes<L>(team, [&](int lane) { lanes.used[source][lane] = lanes.used[target][lane] = 0; });
    const int tiles = (problems.size() + L::width - 1) / L::width;
    for (int t = team.league_rank(); t < tiles; t += team.league_size()) {
      load(team, tile, lanes, t);
      fit_target(team, tile, lanes, partial);
      if (g) store_target(team, tile, lanes, t);
      if (out.dual_value.extent(0) == 0) continue;
      find_rounding(team, tile, lanes, t);
      measure(team, tile, lanes, partial);
      scale_target(team, tile, lanes, partial);
      round(team, tile, lanes, partial);
      bound_below(team, tile, lanes, partial);
      write(team, lanes, t);
    }
  }

  /// body(row, lane, sums) for blocks of a side's rows; then lanes.total[first + c] = sums[c].
  template <int count, class Body>
  KOKKOS_FUNCTION static void for_rows_of(const TeamMember& team, LaneState& lanes, int side,
                                          int first, double* partial, const Body& body) {
    static_assert(count <= most_sums);
    for_row_blocks<Tile, count, ExecutionSpace>(team, lanes.rows[side], partial, body);
    for_lanes<L>(team, [&](int lane) {
      for (int c = 0; c < count; ++c)
        lanes.total[first + c][lane] = lane_sum<Tile>(team, partial, c, lane);
    });
  }

  KOKKOS_FUNCTION void load(const TeamMember& team, const Tile& tile, LaneState& lanes,
                            int t) const {
    for_lanes<L>(team, [&](int lane) {
      const int position = t * L::width + lane;
      for (int side = 0; side < 2; ++side)
        lanes.count[side][lane] =
            position < problems.size()
                ? tile.find_support(problems, problems.problems(position), side, lane)
                : 0;
      if (position < problems.size())
        lanes.largest[lane] = tile.largest_potential(f + problems.problems(position).begin[source],
                                                     lanes.count[source][lane], lane);
    });
    for (int lane = 0; lane < L::width; ++lane)
      load_lane(team, tile, lane, lanes.count, lanes.used,
                [&](int side, int row) { load_row(tile, lanes, t, side, row, lane); });
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (int side = 0; side < 2; ++side) {
        lanes.rows[side] = 0;
        for (int lane = 0; lane < L::width; ++lane) {
          const int count = lanes.used[side][lane] = lanes.count[side][lane];
          if (count > lanes.rows[side]) lanes.rows[side] = count;
        }
      }
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION static double terms_of(const SmallProblem& problem) {
    return 2.0 * (problem.size[source] + problem.size[target]);
  }
  /// The relative rounding of sums over the lanes' plans, from their potentials; see rounding.hpp.
  KOKKOS_FUNCTION void find_rounding(const TeamMember& team, const Tile& tile, LaneState& lanes,
                                     int t) const {
    for_lanes<L>(team, [&](int lane) {
      const int position = t * L::width + lane;
      lanes.rounding[lane] = 0;
      if (position >= problems.size()) return;
      double exponent = 0;
      for (int side = 0; side < 2; ++side) {
        double most = 0;
        for (int row = 0; row < lanes.count[side][lane]; ++row) {
          const double potential = tile.array(side, Tile::potential)[Tile::at(row, lane)];
          const double size = potential < 0 ? -potential : potential;
          if (size > most) most = size;
        }
        exponent += most;
      }
      lanes.rounding[lane] =
          plan_rounding(terms_of(problems.problems(position)), problems.dimension(), exponent);
    });
  }

  KOKKOS_FUNCTION void load_row(const Tile& tile, const LaneState& lanes, int t, int side, int row,
                                int lane) const {
    const SmallProblem& problem = problems.problems(t * L::width + lane);
    tile.load_row(problems, problem, side, row, lane, 1.0);
    const long at = Tile::at(row, lane);
    tile.array(side, Tile::shift)[at] = tile.array(side, Tile::potential)[at] = 0;
    if (side == target) return;
    // What is far below the largest potential or not a number is taken for `bound`: no minimum
    // notices, and all numbers keep the size of costs.
    const double gap =
        lanes.largest[lane] - f[problem.begin[source] + tile.point(source, row, lane)];
    tile.array(source, Tile::potential)[at] = -gap * scale;
    tile.array(source, bound)[at] = gap < problem.bound ? -gap : -problem.bound;
  }

  /// The target's potentials by the half-step.
  KOKKOS_FUNCTION void fit_target(const TeamMember& team, const Tile& tile, LaneState& lanes,
                                  double* partial) const {
    for_rows_of<1>(
        team, lanes, target, target_dual, partial, [&](int row, int lane, Pack(&total)[1]) {
          Pack logarithm[block];
          tile.log_sums(units, target, row, lanes.rows[source], lane, Pack(1.0), logarithm);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            const Pack weight = L::load(tile.array(target, Tile::weight) + at), none(0.0);
            const Pack potential =
                L::load(tile.array(target, Tile::log_weight) + at) - logarithm[r];
            total[0] = total[0] + if_greater(weight, none, weight * potential, none);
            // What is not a number must not spread to the padding.
            L::store(tile.array(target, Tile::potential) + at,
                     if_greater(weight, none, potential, Pack(2 * Tile::nothing)));
          }
        });
  }

  /// sum[r] = sum_j P_ij and cost[r] = sum_j C_ij P_ij for a block of rows, from the potentials of
  /// both sides; product[r] = sum_j missing_j C_ij. Padding adds exact zeros.
  struct PlanRows {
    Pack sum[block], cost[block], product[block];
  };
  template <bool costs, bool products>
  KOKKOS_FORCEINLINE_FUNCTION PlanRows plan_rows(const Tile& tile, int side, int row, int columns,
                                                 int lane) const {
    const double* const offsets = tile.array(1 - side, Tile::potential) + lane;
    const double* const lacks = tile.array(1 - side, Tile::missing) + lane;
    const Pack none(0.0), least(Tile::nothing), unit(units.scale);
    PlanRows rows;
    Pack own[block];
    for (int r = 0; r < block; ++r) {
      rows.sum[r] = rows.cost[r] = rows.product[r] = none;
      own[r] = L::load(tile.array(side, Tile::potential) + Tile::at(row + r, lane));
    }
    tile.template for_columns<Cost>(side, row, columns, lane, [&](int j, const auto& sums) {
      const Pack offset = L::load(offsets + Tile::at(j, 0));
      for (int r = 0; r < block; ++r) {
        const Pack c = units.cost.template from_sum<double, Pack>(sums[r]);
        const Pack power = exp2_bounded((offset + own[r]) - unit * c);
        // An offset that is not a number fails the comparison, and so does its power.
        const Pack mass = if_greater(least, offset, none, power);
        rows.sum[r] = rows.sum[r] + mass;
        if constexpr (costs) rows.cost[r] = rows.cost[r] + c * mass;
        if constexpr (products)
          rows.product[r] = rows.product[r] + L::load(lacks + Tile::at(j, 0)) * c;
      }
    });
    return rows;
  }

  /// Scales a row of a side with this sum down to its weight; padding stays what it is.
  KOKKOS_FORCEINLINE_FUNCTION static void scale_down(const Tile& tile, int side, long at,
                                                     const Pack& weight, const Pack& sum) {
    double* const potential = tile.array(side, Tile::potential) + at;
    const Pack before = L::load(potential);
    const Pack after =
        before + (L::load(tile.array(side, Tile::log_weight) + at) - log2_normal(max(sum, weight)));
    L::store(potential, if_greater(min(weight, sum - weight), Pack(0.0), after, before));
  }

  /// max(weight − sum, 0) + hidden · weight, 0 for padding. NaN stays.
  KOKKOS_FORCEINLINE_FUNCTION static Pack what_lacks(const Pack& weight, const Pack& sum,
                                                     const Pack& hidden) {
    const Pack none(0.0), lacking = weight - sum;
    return if_greater(weight, none, if_greater(none, lacking, none, lacking) + hidden * weight,
                      none);
  }

  /// Row sums of the plan, their error, the plan's cost; then rows are scaled down to a, the first
  /// step of the rounding (Altschuler et al. 2017, algorithm 2).
  KOKKOS_FUNCTION void measure(const TeamMember& team, const Tile& tile, LaneState& lanes,
                               double* partial) const {
    for_rows_of<4>(
        team, lanes, source, source_dual, partial, [&](int row, int lane, Pack(&total)[4]) {
          const PlanRows plan = plan_rows<true, false>(tile, source, row, lanes.rows[target], lane);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            const Pack weight = L::load(tile.array(source, Tile::weight) + at), none(0.0);
            const Pack potential = L::load(tile.array(source, Tile::potential) + at);
            const Pack sum = plan.sum[r];
            total[0] = total[0] + weight * potential;
            total[1] = total[1] + if_greater(weight, none, abs(sum - weight), none);
            total[2] = total[2] + if_greater(weight, none, sum, none);
            total[3] = total[3] + if_greater(weight, none, plan.cost[r], none);
            scale_down(tile, source, at, weight, sum);
          }
        });
  }

  /// Columns down to b, and what they then lack.
  KOKKOS_FUNCTION void scale_target(const TeamMember& team, const Tile& tile, LaneState& lanes,
                                    double* partial) const {
    for_row_blocks<Tile, 1, ExecutionSpace>(
        team, lanes.rows[target], partial, [&](int row, int lane, Pack(&)[1]) {
          const PlanRows plan =
              plan_rows<false, false>(tile, target, row, lanes.rows[source], lane);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            const Pack weight = L::load(tile.array(target, Tile::weight) + at);
            L::store(
                tile.array(target, Tile::missing) + at,
                what_lacks(weight, plan.sum[r], Pack(widening) * L::load(lanes.rounding + lane)));
            scale_down(tile, target, at, weight, plan.sum[r]);
          }
        });
  }

  /// The cost of what is kept, and of the product of what is missing.
  KOKKOS_FUNCTION void round(const TeamMember& team, const Tile& tile, LaneState& lanes,
                             double* partial) const {
    for_rows_of<3>(
        team, lanes, source, kept_cost, partial, [&](int row, int lane, Pack(&total)[3]) {
          const PlanRows plan = plan_rows<true, true>(tile, source, row, lanes.rows[target], lane);
          for (int r = 0; r < block; ++r) {
            const Pack weight = L::load(tile.array(source, Tile::weight) + Tile::at(row + r, lane));
            const Pack lacking = what_lacks(weight, plan.sum[r],
                                            Pack(widening) * L::load(lanes.rounding + lane)),
                       none(0.0);
            total[0] = total[0] + if_greater(weight, none, plan.cost[r], none);
            total[1] = total[1] + lacking;
            total[2] = total[2] + lacking * plan.product[r];
          }
        });
  }

  /// f' and f'' over the supports, and their dual value.
  KOKKOS_FUNCTION void bound_below(const TeamMember& team, const Tile& tile, LaneState& lanes,
                                   double* partial) const {
    const auto transform = [&](int side, int sum) {
      for_rows_of<1>(team, lanes, side, sum, partial, [&](int row, int lane, Pack(&total)[1]) {
        Pack largest[block];
        tile.find_largest(CostUnits{units.cost, 1.0}, side, row, lanes.rows[1 - side], lane, bound,
                          largest);
        for (int r = 0; r < block; ++r) {
          const long at = Tile::at(row + r, lane);
          const Pack weight = L::load(tile.array(side, Tile::weight) + at), none(0.0);
          total[0] = total[0] - if_greater(weight, none, weight * largest[r], none);
          // The source's own is still that of f, which nobody needs any more.
          L::store(tile.array(side, bound) + at,
                   if_greater(weight, none, none - largest[r], Pack(2 * Tile::nothing)));
        }
      });
    };
    transform(target, first_dual);
    transform(source, second_dual);
  }

  KOKKOS_FUNCTION void store_target(const TeamMember& team, const Tile& tile,
                                    const LaneState& lanes, int t) const {
    const auto for_problems = [&](const auto& body) {
      for (int lane = 0; lane < L::width && t * L::width + lane < problems.size(); ++lane)
        body(lane, problems.problems(t * L::width + lane));
      team.team_barrier();
    };
    for_problems([&](int, const SmallProblem& problem) {
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, problem.size[target]), [&](int j) {
        g[problem.begin[target] + j] = -Kokkos::Experimental::infinity<double>::value;
      });
    });
    for_problems([&](int lane, const SmallProblem& problem) {
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, lanes.count[target][lane]), [&](int row) {
        const double potential = tile.array(target, Tile::potential)[Tile::at(row, lane)];
        g[problem.begin[target] + tile.point(target, row, lane)] =
            (potential + ::log2(problem.mass)) / scale - lanes.largest[lane];
      });
    });
  }

  /// Every problem's figures from the totals of its lane.
  KOKKOS_FUNCTION void write(const TeamMember& team, const LaneState& lanes, int t) const {
    for_lanes<L>(team, [&](int lane) {
      if (t * L::width + lane >= problems.size()) return;
      const SmallProblem& problem = problems.problems(t * L::width + lane);
      const double mass = problem.mass;
      const auto total = [&](int which) { return lanes.total[which][lane]; };
      out.marginal_error(problem.k) = total(error);
      // The constant that was taken out of f is in g.
      out.dual_value(problem.k) =
          mass * ((total(source_dual) + total(target_dual) + ::log2(mass)) / scale +
                  epsilon * (1 - total(plan_mass)));
      out.transport_cost(problem.k) = mass * total(cost);
      // Of weights that are shares of the mass.
      const PointBounds bounds =
          bound_points({total(kept_cost), total(added_cost), total(lack), total(first_dual),
                        total(second_dual), problem.bound, problem.bound, terms_of(problem),
                        lanes.rounding[lane], problem.bound, problem.rounding});
      out.upper_bound(problem.k) = mass * bounds.upper;
      out.lower_bound(problem.k) = mass * bounds.lower;
    });
  }
};

}  // namespace

template <class ExecutionSpace>
void certify_small_clouds(const ExecutionSpace& space, const SmallClouds<ExecutionSpace>& problems,
                          const GroundCost& cost, double epsilon, const double* f, double* g,
                          const Certificates<ExecutionSpace>& out) {
  if (problems.size() == 0) return;
  const double scale = 1 / (epsilon * std::log(2.0));
  with_ground_cost(cost, [&](const auto& typed) {
    SmallCertificateKernel<std::remove_cvref_t<decltype(typed)>, ExecutionSpace> kernel{
        problems, scale, epsilon, {typed, scale}, f, g, out};
    launch_small_tiles(space, "otfleet::clouds::certify_small", kernel);
  });
}

#define OTFLEET_INSTANTIATE(Space)                                                             \
  template void certify_small_clouds<Space>(const Space&, const SmallClouds<Space>&,           \
                                            const GroundCost&, double, const double*, double*, \
                                            const Certificates<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
