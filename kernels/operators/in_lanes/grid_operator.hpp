#pragma once
#include <memory>

#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/operators/in_lanes/tile_group.hpp"
#include "kernels/operators/problem_rows.hpp"
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
class GridOperator : public TilePoints<typename Domain_::L, ExecutionSpace_> {
 public:
  using Points = TilePoints<typename Domain_::L, ExecutionSpace_>;
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
  /// Sums over plans are as good as sums of numbers that are given.
  static constexpr bool rounding_grows = false;

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
               const OperatorUse& use)
      : Points(space), all_(all) {
    make_chains(use.costs);
    const auto &source = all.problems.source, &target = all.problems.target;
    sides_[0] = {source.weights, source.mass, all.problems.source_index, all.supports.source,
                 all.cost.n()};
    sides_[1] = {target.weights, target.mass, all.problems.target_index, all.supports.target,
                 all.cost.m()};
    rows_ = all.cost.max_points();
    arrays_ = array_count(use);
    per_tile_ = numbers_a_tile(all.cost, use);
    // Lanes that never held a problem still take part in the arithmetic.
    memory_ = Vector<double, ExecutionSpace>(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::operators::tiles"),
        static_cast<std::size_t>(tiles) * per_tile_);
    Kokkos::deep_copy(space, memory_, 0.0);
    values_ = Vector<double, ExecutionSpace>("otfleet::operators::problem_values",
                                             static_cast<std::size_t>(tiles) * L::width * values);
    regions_ = Vector<Region, ExecutionSpace>("otfleet::operators::regions", 2 * tiles);
    instances_ = Vector<int, ExecutionSpace>("otfleet::operators::instances", tiles * L::width);
    most_tiles_ = tiles;
    Kokkos::deep_copy(space, Kokkos::subview(values_, value_range(rounding_value)),
                      sum_rounding(all.cost.summed_terms()));
    Kokkos::deep_copy(space, Kokkos::subview(values_, value_range(gap_value)),
                      all.cost.longest_detour());
  }

  static long numbers_a_tile(const SeparableCost& cost, const OperatorUse& use) {
    return static_cast<long>(cost.max_points()) * L::width *
           (array_count(use) * Domain::planes + weight_fields + use.fields);
  }

  /// Takes the problems from `first` on that fit.
  void take_problems(int first, const Matrix<double, ExecutionSpace>& totals) {
    const int batch = all_.problems.size();
    const int left = (batch - first + L::width - 1) / L::width;
    group_.tiles = left < most_tiles_ ? left : most_tiles_;
    group_.regions[0] = regions_.data();
    group_.regions[1] = regions_.data() + most_tiles_;
    group_.instances = instances_.data();
    group_.totals = totals.data();
    group_.totals_stride = static_cast<long>(totals.extent(1));
    next_field_ = 0;
    const auto order = all_.supports.order;
    const auto source = sides_[0], target = sides_[1];
    const auto mass = value(mass_value);
    const Group group = group_;
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::take_problems", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          Kokkos::single(Kokkos::PerTeam(team), [&]() {
            for (int lane = 0; lane < L::width; ++lane) {
              const int position = first + tile * L::width + lane;
              // Lanes beyond the batch repeat its last problem.
              const int k = order(position < batch ? position : batch - 1);
              group.instances[tile * L::width + lane] = position < batch ? k : -1;
              mass(tile, lane) = source.mass(source.index(k));
              for (int s = 0; s < 2; ++s) {
                const Region& support = (s == 0 ? source : target).supports(k);
                if (lane == 0) group.regions[s][tile] = support;
                group.regions[s][tile].include(support);
              }
            }
          });
        });
    has_whole_[0] = has_whole_[1] = false;
    for (const Side side : {Side::source, Side::target}) load_side_weights(side);
  }
  int problems() const { return group_.tiles * L::width; }
  void load_side_weights(Side side) {
    const auto own = sides_[static_cast<int>(side)];
    const auto tile_of = tiles();
    const Field to = weights(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::load_weights", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          for (int lane = 0; lane < L::width; ++lane)
            load_weights<L>(team, own.of(tile_of.problem(tile, lane)), Region::line(own.points),
                            lane, to.of(tile));
        });
  }

  /// A field of one side; those of earlier groups are gone.
  Field field(Side, double = 0) { return plain(weight_fields + next_field_++); }
  Field weights(Side side) const { return plain(static_cast<int>(side)); }
  ProblemValue mass() const { return value(mass_value); }
  /// The relative rounding of sums over the plan.
  ProblemValue rounding() const { return value(rounding_value); }
  void find_rounding(int, int) {}
  /// A potential that is in no minimum.
  double beyond() const { return 3 * all_.cost.longest_detour(); }
  /// What differences of potentials are cut at: no larger one binds.
  ProblemValue most_gap() const { return value(gap_value); }
  /// Can apply_cost() be asked for? A product may go where nothing may: see allowed_rounding.hpp.
  bool multiplies_costs() const { return !all_.cost.forbids(); }

  /// The potentials of one side, less their largest; gaps = what they lie below it, 0 without
  /// weight.
  void load(Side side, const ProblemRows<const double>& potentials, const Field& gaps = {}) {
    const auto own = sides_[static_cast<int>(side)];
    const auto tile_of = tiles();
    const double epsilon = all_.epsilon;
    const auto most = value(side == Side::source ? source_largest : target_largest);
    const int which = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::load", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          const auto memory = tile_of.memory(tile);
          const Region region = Region::line(own.points);
          for (int lane = 0; lane < L::width; ++lane) {
            const int k = tile_of.problem(tile, lane);
            const double* row = potentials.data + k * potentials.stride;
            const double* weight = own.of(k);
            load_potential<Domain, ExecutionSpace>(team, row, weight, epsilon, region, lane,
                                                   memory.array(which));
            const double high = largest_on_support(team, row, weight, region);
            most(tile, lane) = high;
            if (!gaps) continue;
            double* const gap = gaps.of(tile);
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, own.points), [&](int i) {
              gap[static_cast<long>(i) * L::width + lane] = weight[i] > 0 ? high - row[i] : 0.0;
            });
          }
          team.team_barrier();
        });
  }
  /// The potentials of `side`, which fit() has found from the other one, in units of the cost.
  void store(Side side, const ProblemRows<double>& potentials) const {
    const auto own = sides_[static_cast<int>(side)];
    const auto tile_of = tiles();
    const double epsilon = all_.epsilon, minimum = all_.cost.minimum();
    const auto most = value(side == Side::source ? target_largest : source_largest);
    const auto masses = mass();
    const Group group = group_;
    const int which = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::store", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          const auto memory = tile_of.memory(tile);
          for (int lane = 0; lane < L::width; ++lane) {
            const int k = group.instance(tile, lane);
            if (k < 0) break;
            const double constant =
                minimum - most(tile, lane) + epsilon * ::log(masses(tile, lane));
            store_potential<Domain, ExecutionSpace>(team, memory.array(which), own.of(k), epsilon,
                                                    constant, Region::line(own.points), lane,
                                                    potentials.data + k * potentials.stride);
          }
          team.team_barrier();
        });
  }
  /// field = coordinate c of the points of one side, which all problems share.
  void load_points(Side side, const Matrix<const double, ExecutionSpace>& points, int c,
                   const Field& to) const {
    for_points(
        "otfleet::operators::load_points", side,
        KOKKOS_LAMBDA(const Place& at) { to.store(at, Pack(points(at.row, c))); });
  }
  /// The points with weight of a field into rows with `rows.per_point` numbers a point, at `c`.
  void store_field(Side side, const Field& from, const ProblemRows<double>& rows, int c = 0) const {
    const auto own = sides_[static_cast<int>(side)];
    const Group group = group_;
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::store_field", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          const double* const values = from.of(tile);
          for (int lane = 0; lane < L::width; ++lane) {
            const int k = group.instance(tile, lane);
            if (k < 0) break;
            const double* weight = own.of(k);
            double* const row = rows.data + k * rows.stride;
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, own.points), [&](int i) {
              if (weight[i] > 0)
                row[static_cast<long>(i) * rows.per_point + c] =
                    values[static_cast<long>(i) * L::width + lane];
            });
          }
          team.team_barrier();
        });
  }

  /// Rows of arrays over the points of one side, for every problem at hand.
  void fill_rows(Side side, const ProblemRows<double>& rows, double value_of) const {
    const int points = sides_[static_cast<int>(side)].points;
    const Group group = group_;
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::fill_rows", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          for (int lane = 0; lane < L::width; ++lane) {
            const int k = group.instance(tile, lane);
            if (k < 0) break;
            double* const row = rows.data + k * rows.stride;
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, points),
                                 [&](int i) { row[i] = value_of; });
          }
          team.team_barrier();
        });
  }

  /// The potentials of `side` from those of the other one: the half-step, which makes its marginal
  /// exact.
  void fit(Side side) {
    const auto tile_of = tiles();
    const auto chain = chains_.gibbs[static_cast<int>(side)];
    const Field weight = weights(side);
    const int from = static_cast<int>(other(side)), to = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::fit", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          const auto memory = tile_of.memory(tile);
          const auto cropped = tile_of.crop(chain, to, tile);
          double* const u = memory.array(to);
          const double* const w = weight.of(tile);
          Domain::apply(team, cropped, memory.array(from), u, memory, scratch);
          for_rows<L>(team, cropped.to, [&](int row, int pack) {
            Domain::store(u, row, pack,
                          Domain::fit(load_plain<L>(w, row, pack), Domain::load(u, row, pack)));
          });
        });
  }
  /// What load() took off the potentials of a side, in units of the cost.
  ProblemValue taken_off(Side side) const {
    return value(side == Side::source ? source_largest : target_largest);
  }
  /// field = log sum_j exp(exponent_j − (C_ij − min C)/epsilon) over the other side, at points with
  /// weight of problems that are active (> 0); −1e300 where nothing reaches a point.
  void log_sums(Side side, const Field& to, const ProblemValue& active) {
    const auto tile_of = tiles();
    const auto chain = chains_.gibbs[static_cast<int>(side)];
    const Field weight = weights(side);
    const int from = static_cast<int>(other(side)), which = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::log_sums", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          if (!active.any_positive(tile)) return;
          const auto memory = tile_of.memory(tile);
          const auto cropped = tile_of.crop(chain, which, tile);
          double *const y = memory.array(applied), *const result = to.of(tile);
          const double* const w = weight.of(tile);
          Domain::apply(team, cropped, memory.array(from), y, memory, scratch);
          for_rows<L>(team, cropped.to, [&](int row, int pack) {
            const auto sum = Domain::load(y, row, pack);
            const Pack none(0.0), nothing(-1e300), broken(Domain::not_a_number);
            const Pack sign = Domain::above_zero(sum);
            const Pack logarithm = if_greater(sign, none, Domain::logarithm(sum),
                                              if_greater(sign, Pack(-1.0), nothing, broken));
            const Pack changes =
                min(load_plain<L>(w, row, pack),
                    L::load(&active(tile, 0) + static_cast<long>(pack) * L::pack_width));
            store_plain<L>(result, row, pack,
                           if_greater(changes, none, logarithm, load_plain<L>(result, row, pack)));
          });
        });
  }
  /// Sets the logarithms of exp(potential/epsilon) of points with weight.
  void set_exponents(Side side, const Field& from) {
    const auto tile_of = tiles();
    const Field weight = weights(side);
    const int which = static_cast<int>(side);
    for_points(
        "otfleet::operators::set_exponents", side, KOKKOS_LAMBDA(const Place& at) {
          const Pack none(0.0), w = weight.load(at);
          Pack stored[Domain::planes];
          Domain::from_exponent(if_greater(w, none, from.load(at), none), none, stored);
          double* const u = tile_of.memory(at.tile).array(which);
          const long row = at.row * Domain::planes * L::width + at.lane;
          for (int plane = 0; plane < Domain::planes; ++plane)
            L::store(u + row + plane * L::width,
                     if_greater(w, none, stored[plane], Pack(Domain::nothing(plane))));
        });
  }
  /// field = the logarithms of exp(potential/epsilon), 0 without weight.
  void exponents(Side side, const Field& to) const {
    const auto tile_of = tiles();
    const int which = static_cast<int>(side);
    for_points(
        "otfleet::operators::exponents", side, KOKKOS_LAMBDA(const Place& at) {
          const double* const u = tile_of.memory(at.tile).array(which);
          to.store(at, Domain::logarithm(Domain::load(u, at.row, at.lane / L::pack_width)));
        });
  }

  /// sums = the plan's sums over the other side; costs, if asked for (source alone), the same of
  /// the cost times the plan.
  void rows(Side side, const Field& sums, const Field& costs = {}) {
    const auto tile_of = tiles();
    const auto chains = chains_;
    const int from = static_cast<int>(other(side)), to = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::rows", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          const auto memory = tile_of.memory(tile);
          const double* const u = memory.array(to);
          double* const y = memory.array(applied);
          const auto marginal = [&](int row, int pack) {
            return Domain::marginal(Domain::load(u, row, pack), Domain::load(y, row, pack));
          };
          const auto cropped = tile_of.crop(chains.gibbs[to], to, tile);
          double* const sum = sums.of(tile);
          Domain::apply(team, cropped, memory.array(from), y, memory, scratch);
          for_rows<L>(team, cropped.to, [&](int row, int pack) {
            store_plain<L>(sum, row, pack, marginal(row, pack));
          });
          if (!costs) return;
          double* const cost = costs.of(tile);
          for (int d = 0; d < chains.axes; ++d) {
            Domain::apply(team, tile_of.crop(chains.weighted[d], to, tile), memory.array(from), y,
                          memory, scratch);
            for_rows<L>(team, cropped.to, [&](int row, int pack) {
              const Pack before = d == 0 ? Pack(0.0) : load_plain<L>(cost, row, pack);
              store_plain<L>(cost, row, pack, before + marginal(row, pack));
            });
          }
        });
  }
  /// Scales rows of the plan with these sums down to the weights of their points.
  void scale_down(Side side, const Field& sums) {
    const auto tile_of = tiles();
    const Field weight = weights(side);
    const int which = static_cast<int>(side);
    for_points(
        "otfleet::operators::scale_down", side, KOKKOS_LAMBDA(const Place& at) {
          // min(weight / sum, 1), without a quotient that overflows.
          const Pack tiny(Kokkos::Experimental::norm_min<double>::value), w = weight.load(at);
          const Pack factor = w / max(max(sums.load(at), w), tiny);
          double* const u = tile_of.memory(at.tile).array(which);
          const int pack = at.lane / L::pack_width;
          Domain::store(u, at.row, pack, Domain::scale(Domain::load(u, at.row, pack), factor));
        });
  }
  /// result = the means of `values` of the other side, weighted by the plan.
  void means(Side side, const Field& values, const Field& result) {
    const auto tile_of = tiles();
    const auto chain = chains_.gibbs[static_cast<int>(side)];
    const int from = static_cast<int>(other(side)), to = static_cast<int>(side);
    const bool first = !has_whole_[to];
    has_whole_[to] = true;
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::means", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          const auto memory = tile_of.memory(tile);
          const auto cropped = tile_of.crop(chain, to, tile);
          const double *const u = memory.array(from), *const value = values.of(tile);
          double *const weighted = memory.array(applied), *const part = memory.array(partial);
          double *const sum = memory.array(whole), *const mean = result.of(tile);
          if (first) Domain::apply(team, cropped, u, sum, memory, scratch);
          for_rows<L>(team, cropped.from, [&](int row, int pack) {
            Domain::store(
                weighted, row, pack,
                Domain::scale(Domain::load(u, row, pack), load_plain<L>(value, row, pack)));
          });
          Domain::apply(team, cropped, weighted, part, memory, scratch);
          for_rows<L>(team, cropped.to, [&](int row, int pack) {
            store_plain<L>(
                mean, row, pack,
                Domain::share(Domain::load(part, row, pack), Domain::load(sum, row, pack)));
          });
        });
  }
  /// result_i = sum_j C_ij x_j, for source points.
  void apply_cost(const Field& x, const Field& result) {
    const auto tile_of = tiles();
    const auto chains = chains_;
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::apply_cost", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          const auto memory = tile_of.memory(tile);
          double *const y = memory.array(applied), *const total = result.of(tile);
          for (int d = 0; d < chains.axes; ++d) {
            const auto cropped = tile_of.crop(chains.product[d], 0, tile);
            apply_linear<L>(team, cropped, x.of(tile), y, memory.array(scratch));
            for_rows<L>(team, cropped.to, [&](int row, int pack) {
              const Pack before = d == 0 ? Pack(0.0) : load_plain<L>(total, row, pack);
              store_plain<L>(total, row, pack, before + load_plain<L>(y, row, pack));
            });
          }
        });
  }
  /// result_i = min_j C_ij + x_j over the points of the other side.
  void hard_min(Side side, const Field& x, const Field& result) {
    const auto tile_of = tiles();
    const int to = static_cast<int>(side);
    const auto chain = chains_.cost[to];
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::hard_min", group_.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int tile) {
          apply_min_plus<L>(team, tile_of.crop(chain, to, tile), x.of(tile), result.of(tile),
                            tile_of.memory(tile).array(scratch));
        });
  }

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
  void make_chains(bool costs) {
    using Gibbs = GibbsKernel<ExecutionSpace, double>;
    constexpr auto to_target = Gibbs::Direction::to_target, to_source = Gibbs::Direction::to_source;
    tables_ = gibbs_kernel<ExecutionSpace, double>(all_.cost, all_.epsilon, costs);
    chains_.axes = tables_->axes();
    chains_.gibbs[0] = tables_->gibbs(to_source);
    chains_.gibbs[1] = tables_->gibbs(to_target);
    if (!costs) return;
    for (int d = 0; d < chains_.axes; ++d) {
      chains_.weighted[d] = tables_->weighted(d, to_source);
      chains_.product[d] = tables_->rank_one(d, to_source);
    }
    chains_.cost[0] = tables_->cost(to_source);
    chains_.cost[1] = tables_->cost(to_target);
  }
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
