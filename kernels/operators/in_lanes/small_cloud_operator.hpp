#pragma once
#include <algorithm>
#include <cmath>

#include "kernels/operators/in_lanes/small_cloud_tile.hpp"
#include "kernels/operators/in_lanes/tile_group.hpp"
#include "kernels/operators/problem_rows.hpp"
#include "kernels/operators/shifts.hpp"

namespace otfleet::kernels {

/// The operator (kernels/README.md) for small problems on points, in lanes. A tile's rows hold the
/// points with weight of one problem in every lane; what a shorter one leaves is padding, see
/// SmallTile. Potentials are to base 2 in units of epsilon.
template <class Cost, class ExecutionSpace_>
class SmallCloudOperator
    : public TilePoints<typename SmallTile<ExecutionSpace_, double>::L, ExecutionSpace_> {
 public:
  using Points = TilePoints<typename SmallTile<ExecutionSpace_, double>::L, ExecutionSpace_>;
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
  using Units = typename Tile::template CostUnits<Cost>;
  static constexpr bool rounding_grows = true;

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

  /// Room for `fields` fields beside the weights.
  SmallCloudOperator(const ExecutionSpace& space, const SmallClouds<ExecutionSpace>& problems,
                     const Cost& cost, double epsilon, int tiles, int fields)
      : Points(space), cost_(cost), scale_(1 / (epsilon * std::log(2.0))), most_tiles_(tiles) {
    tiles_.problems = problems;
    tiles_.dimension = problems.dimension();
    for (int s = 0; s < 2; ++s) tiles_.capacity[s] = Tile::capacity_for(problems.side[s].most);
    field_rows_ = std::max(tiles_.capacity[0], tiles_.capacity[1]);
    tile_rows_ = Tile::rows(tiles_.capacity, problems);
    tiles_.per_tile = numbers_a_tile(problems, fields);
    memory_ = Vector<double, ExecutionSpace>(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::operators::tiles"),
        static_cast<std::size_t>(tiles) * tiles_.per_tile);
    Kokkos::deep_copy(space, memory_, 0.0);
    values_ = Vector<double, ExecutionSpace>("otfleet::operators::problem_values",
                                             static_cast<std::size_t>(tiles) * L::width * values);
    regions_ = Vector<Region, ExecutionSpace>("otfleet::operators::regions", 2 * tiles);
    instances_ = Vector<int, ExecutionSpace>("otfleet::operators::instances", tiles * L::width);
    tiles_.base = memory_.data();
  }

  /// Numbers that a tile of these problems takes.
  static long numbers_a_tile(const SmallClouds<ExecutionSpace>& problems, int fields) {
    const int capacity[2] = {Tile::capacity_for(problems.side[0].most),
                             Tile::capacity_for(problems.side[1].most)};
    return (Tile::rows(capacity, problems) +
            static_cast<long>(fields) * std::max(capacity[0], capacity[1])) *
           L::width;
  }

  /// Takes the problems from position `first` on that fit.
  void take_problems(int first, const Matrix<double, ExecutionSpace>& totals) {
    const int left = (tiles_.problems.size() - first + L::width - 1) / L::width;
    Group& group = tiles_.group;
    group.tiles = left < most_tiles_ ? left : most_tiles_;
    group.regions[0] = regions_.data();
    group.regions[1] = regions_.data() + most_tiles_;
    group.instances = instances_.data();
    group.totals = totals.data();
    group.totals_stride = static_cast<long>(totals.extent(1));
    tiles_.first = first;
    this->group_ = group;
    next_field_ = 0;
    const Tiles all = tiles_;
    const auto masses = mass(), gap = most_gap();
    const ProblemValue stale[] = {value(stale_value), value(stale_value + 1)};
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::take_problems", group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          int* const counts = reinterpret_cast<int*>(take_scratch<L, ExecutionSpace>(team, 2));
          for_lanes<L>(team, [&](int lane) {
            const bool has = all.has(t, lane);
            all.group.instances[t * L::width + lane] = has ? all.problem(t, lane).k : -1;
            masses(t, lane) = has ? all.problem(t, lane).mass : 1;
            gap(t, lane) = has ? all.problem(t, lane).bound : 0;
            for (int s = 0; s < 2; ++s) stale[s](t, lane) = 1;
            for (int s = 0; s < 2; ++s)
              counts[s * L::width + lane] =
                  has ? tile.find_support(all.problems, all.problem(t, lane), s, lane) : 0;
          });
          for (int s = 0; s < 2; ++s) {
            int most = 0;
            for (int lane = 0; lane < L::width; ++lane)
              most = counts[s * L::width + lane] > most ? counts[s * L::width + lane] : most;
            Kokkos::single(Kokkos::PerTeam(team), [&]() {
              Region rows;
              rows.end[2] = rows.length[2] = most;
              all.group.regions[s][t] = rows;
            });
            most = Tile::capacity_for(most);
            const bool loads_costs = s == 0 && all.problems.has_costs();
            for (int lane = 0; lane < L::width; ++lane) {
              const int count = counts[s * L::width + lane];
              Kokkos::parallel_for(Kokkos::TeamVectorRange(team, most), [&](int row) {
                if (row >= count) return tile.clear_row(s, row, lane);
                tile.load_row(all.problems, all.problem(t, lane), s, row, lane, 1.0);
                if (loads_costs)
                  tile.load_costs(all.problems, all.problem(t, lane), row, counts[L::width + lane],
                                  lane);
              });
            }
          }
          team.team_barrier();
        },
        2);
  }
  int problems() const { return tiles_.group.tiles * L::width; }

  Field field(Side, double = 0) {
    return {
        memory_.data() + (tile_rows_ + static_cast<long>(next_field_++) * field_rows_) * L::width,
        tiles_.per_tile};
  }
  Field weights(Side side) const { return array(side, Tile::weight); }
  ProblemValue mass() const { return value(mass_value); }
  ProblemValue rounding() const { return value(rounding_value); }
  void find_rounding(int source_exponent, int target_exponent) {
    const Tiles all = tiles_;
    const auto rounding_of = rounding();
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::find_rounding", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          for_lanes<L>(team, [&](int lane) {
            if (!all.has(t, lane)) return;
            const SmallProblem& problem = all.problem(t, lane);
            const double* const totals = all.group.totals + problem.k * all.group.totals_stride;
            rounding_of(t, lane) =
                plan_rounding(2.0 * (problem.size[0] + problem.size[1]), all.dimension,
                              totals[source_exponent] + totals[target_exponent]);
          });
        });
  }
  /// So large that padding is in no minimum, and finite.
  double beyond() const { return -2 * Tile::nothing; }
  ProblemValue most_gap() const { return value(gap_value); }
  bool multiplies_costs() const { return true; }

  void load(Side side, const ProblemRows<const double>& potentials, const Field& gaps = {}) {
    const Tiles all = tiles_;
    const int s = static_cast<int>(side);
    const double scale = scale_;
    const double* const data = potentials.data;
    const auto largest_of = value(largest_value + s);
    const ProblemValue stale[] = {value(stale_value), value(stale_value + 1)};
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::load", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          for_lanes<L>(team, [&](int lane) {
            largest_of(t, lane) = 0;
            stale[0](t, lane) = stale[1](t, lane) = 1;
            if (!all.has(t, lane)) return;
            const double* const row = data + all.problem(t, lane).begin[s];
            double most = -Kokkos::Experimental::infinity<double>::value;
            for (int r = 0; r < all.rows(s, t); ++r)
              if (tile.array(s, Tile::weight)[Tile::at(r, lane)] > 0) {
                const double x = row[tile.point(s, r, lane)];
                most = x > most ? x : most;
              }
            const double limit = Kokkos::Experimental::finite_max<double>::value;
            if (most < limit && most > -limit) largest_of(t, lane) = most;
          });
          const int rows = Tile::capacity_for(all.rows(s, t));
          for (int lane = 0; lane < L::width; ++lane) {
            if (!all.has(t, lane)) continue;
            const double* const row = data + all.problem(t, lane).begin[s];
            const double high = largest_of(t, lane);
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, rows), [&](int r) {
              const long at = Tile::at(r, lane);
              const bool real = tile.array(s, Tile::weight)[at] > 0;
              const double gap = real ? high - row[tile.point(s, r, lane)] : 0.0;
              if (real) {
                tile.array(s, Tile::potential)[at] = -gap * scale;
                tile.array(s, Tile::shift)[at] = 0;
              }
              if (gaps) gaps.of(t)[at] = gap;
            });
          }
          team.team_barrier();
        });
  }
  void store(Side side, const ProblemRows<double>& potentials) const {
    const Tiles all = tiles_;
    const int s = static_cast<int>(side);
    const double scale = scale_;
    double* const data = potentials.data;
    const auto largest_of = value(largest_value + 1 - s);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::store", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          for (int lane = 0; lane < L::width && all.has(t, lane); ++lane) {
            const SmallProblem& problem = all.problem(t, lane);
            double* const row = data + problem.begin[s];
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, problem.size[s]), [&](int i) {
              row[i] = -Kokkos::Experimental::infinity<double>::value;
            });
            team.team_barrier();
            const double high = largest_of(t, lane), log_mass = ::log2(problem.mass);
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, all.rows(s, t)), [&](int r) {
              const long at = Tile::at(r, lane);
              if (tile.array(s, Tile::weight)[at] > 0)
                row[tile.point(s, r, lane)] =
                    (tile.array(s, Tile::potential)[at] + log_mass) / scale - (high - problem.low);
            });
          }
          team.team_barrier();
        });
  }
  void load_points(Side side, const Matrix<const double, ExecutionSpace>& points, int c,
                   const Field& to) const {
    const int s = static_cast<int>(side);
    for_real_rows(
        "otfleet::operators::load_points", s,
        KOKKOS_LAMBDA(int t, long at, const SmallProblem& problem, int i) {
          to.of(t)[at] = points(problem.first[s] + i, c);
        });
  }
  void fill_rows(Side side, const ProblemRows<double>& rows, double value_of) const {
    const Tiles all = tiles_;
    const int s = static_cast<int>(side);
    double* const data = rows.data;
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::fill_rows", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          for (int lane = 0; lane < L::width && all.has(t, lane); ++lane) {
            const SmallProblem& problem = all.problem(t, lane);
            double* const row = data + problem.begin[s];
            Kokkos::parallel_for(Kokkos::TeamVectorRange(team, problem.size[s]),
                                 [&](int i) { row[i] = value_of; });
          }
          team.team_barrier();
        });
  }
  void store_field(Side side, const Field& from, const ProblemRows<double>& rows, int c = 0) const {
    const int s = static_cast<int>(side), per_point = rows.per_point;
    double* const data = rows.data;
    for_real_rows(
        "otfleet::operators::store_field", s,
        KOKKOS_LAMBDA(int t, long at, const SmallProblem& problem, int i) {
          data[(problem.begin[s] + i) * per_point + c] = from.of(t)[at];
        });
  }
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

  void fit(Side side) {
    const Tiles all = tiles_;
    const Units units{cost_, scale_};
    const int s = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::fit", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          all.for_blocks(team, s, t, [&](int row, int lane) {
            Pack logarithm[block];
            tile.log_sums(units, s, row, all.rows(1 - s, t), lane, Pack(1.0), logarithm);
            for (int r = 0; r < block; ++r) {
              const long at = Tile::at(row + r, lane);
              const Pack weight = L::load(tile.array(s, Tile::weight) + at), none(0.0);
              // What is not a number must not spread to the padding.
              L::store(tile.array(s, Tile::potential) + at,
                       if_greater(weight, none,
                                  L::load(tile.array(s, Tile::log_weight) + at) - logarithm[r],
                                  Pack(2 * Tile::nothing)));
            }
          });
        });
  }
  ProblemValue taken_off(Side side) const { return value(largest_value + static_cast<int>(side)); }
  void log_sums(Side side, const Field& to, const ProblemValue& active) {
    const Tiles all = tiles_;
    const Units units{cost_, scale_};
    const int s = static_cast<int>(side);
    const ProblemValue stale = value(stale_value + s);
    const double ln2 = std::log(2.0);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::log_sums", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          if (!active.any_positive(t)) return;
          const Tile tile = all.tile(t);
          all.for_blocks(team, s, t, [&](int row, int lane) {
            Pack logarithm[block];
            tile.log_sums(units, s, row, all.rows(1 - s, t), lane,
                          L::load(stale.base + static_cast<long>(t) * L::width + lane), logarithm);
            for (int r = 0; r < block; ++r) {
              const long at = Tile::at(row + r, lane);
              const Pack none(0.0);
              const Pack changes =
                  min(L::load(tile.array(s, Tile::weight) + at),
                      L::load(active.base + static_cast<long>(t) * L::width + lane));
              double *const shift = tile.array(s, Tile::shift) + at, *const result = to.of(t) + at;
              L::store(shift, if_greater(changes, none, logarithm[r], L::load(shift)));
              L::store(result,
                       if_greater(changes, none, logarithm[r] * Pack(ln2), L::load(result)));
            }
          });
          for_lanes<L>(team, [&](int lane) { stale(t, lane) = -most_shift_drift; });
        });
  }
  void set_exponents(Side side, const Field& from) {
    const Tiles all = tiles_;
    const int s = static_cast<int>(side);
    const double log2_e = 1 / std::log(2.0);
    const ProblemValue stale = value(stale_value + 1 - s);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::set_exponents", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          double* const moved = take_scratch<L, ExecutionSpace>(team, 1);
          double* const partial = take_scratch<L, ExecutionSpace>(team, team.team_size());
          largest_row<L>(team, all.group.regions[s][t], partial, moved, [&](int row, int pack) {
            const long at = Tile::at(row, pack * int(L::pack_width));
            const Pack weight = L::load(tile.array(s, Tile::weight) + at), none(0.0);
            double* const potential = tile.array(s, Tile::potential) + at;
            const Pack before = L::load(potential);
            const Pack after =
                if_greater(weight, none, L::load(from.of(t) + at) * Pack(log2_e), before);
            L::store(potential, after);
            return abs(after - before);
          });
          team.team_barrier();
          for_lanes<L>(team, [&](int lane) { stale(t, lane) += moved[lane]; });
        },
        sum_scratch<ExecutionSpace>(1));
  }
  void exponents(Side side, const Field& to) const {
    const Field potential = array(side, Tile::potential), weight = weights(side);
    const double ln2 = std::log(2.0);
    for_points(
        "otfleet::operators::exponents", side, KOKKOS_LAMBDA(const Place& at) {
          const Pack none(0.0);
          to.store(at, if_greater(weight.load(at), none, potential.load(at) * Pack(ln2), none));
        });
  }

  void rows(Side side, const Field& sums, const Field& costs = {}) {
    const Tiles all = tiles_;
    const Units units{cost_, scale_};
    const int s = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::rows", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          const int columns = all.rows(1 - s, t);
          all.for_blocks(team, s, t, [&](int row, int lane) {
            const double* const offsets = tile.array(1 - s, Tile::potential) + lane;
            const double* const own = tile.array(s, Tile::potential) + lane;
            const Pack none(0.0), least(Tile::nothing), unit(units.scale);
            Pack sum[block], cost[block], mine[block];
            for (int r = 0; r < block; ++r) {
              sum[r] = cost[r] = none;
              mine[r] = L::load(own + Tile::at(row + r, 0));
            }
            tile.template for_columns<Cost>(s, row, columns, lane, [&](int j, const auto& pairs) {
              const Pack offset = L::load(offsets + Tile::at(j, 0));
              for (int r = 0; r < block; ++r) {
                const Pack c = units.cost.template from_sum<double, Pack>(pairs[r]);
                const Pack power = exp2_bounded((offset + mine[r]) - unit * c);
                // Padding adds nothing. An offset that is not a number fails the comparison.
                const Pack mass = if_greater(least, offset, none, power);
                sum[r] = sum[r] + mass;
                cost[r] = cost[r] + c * mass;
              }
            });
            store_block(sums, t, row, lane, sum);
            if (costs) store_block(costs, t, row, lane, cost);
          });
        });
  }
  void scale_down(Side side, const Field& sums) {
    const Field weight = weights(side), log_weight = array(side, Tile::log_weight),
                potential = array(side, Tile::potential);
    for_points(
        "otfleet::operators::scale_down", side, KOKKOS_LAMBDA(const Place& at) {
          const Pack w = weight.load(at), sum = sums.load(at), before = potential.load(at);
          const Pack after = before + (log_weight.load(at) - log2_normal(max(sum, w)));
          potential.store(at, if_greater(min(w, sum - w), Pack(0.0), after, before));
        });
  }
  void means(Side side, const Field& values_of, const Field& result) {
    const Tiles all = tiles_;
    const Units units{cost_, scale_};
    const int s = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::means", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          const int columns = all.rows(1 - s, t);
          const double* const value_at = values_of.of(t);
          all.for_blocks(team, s, t, [&](int row, int lane) {
            const double* const offsets = tile.array(1 - s, Tile::potential) + lane;
            const Pack none(0.0), least(Tile::nothing), unit(units.scale);
            Pack shifts[block], sum[block], product[block];
            tile.find_largest(units, s, row, columns, lane, Tile::potential, shifts);
            for (int r = 0; r < block; ++r) sum[r] = product[r] = none;
            tile.template for_columns<Cost>(s, row, columns, lane, [&](int j, const auto& pairs) {
              const Pack offset = L::load(offsets + Tile::at(j, 0));
              const Pack value_of = L::load(value_at + Tile::at(j, lane));
              for (int r = 0; r < block; ++r) {
                const Pack c = units.cost.template from_sum<double, Pack>(pairs[r]);
                const Pack power = exp2_bounded((offset - shifts[r]) - unit * c);
                const Pack mass = if_greater(least, offset, none, power);
                sum[r] = sum[r] + mass;
                product[r] = product[r] + if_greater(least, offset, none, value_of * power);
              }
            });
            for (int r = 0; r < block; ++r) product[r] = product[r] / sum[r];
            store_block(result, t, row, lane, product);
          });
        });
  }
  void apply_cost(const Field& x, const Field& result) {
    const Tiles all = tiles_;
    const Units units{cost_, scale_};
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::apply_cost", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          const double* const factors = x.of(t);
          all.for_blocks(team, 0, t, [&](int row, int lane) {
            Pack product[block];
            for (int r = 0; r < block; ++r) product[r] = Pack(0.0);
            tile.template for_columns<Cost>(
                0, row, all.rows(1, t), lane, [&](int j, const auto& pairs) {
                  const Pack factor = L::load(factors + Tile::at(j, lane));
                  for (int r = 0; r < block; ++r)
                    product[r] =
                        product[r] + factor * units.cost.template from_sum<double, Pack>(pairs[r]);
                });
            store_block(result, t, row, lane, product);
          });
        });
  }
  void hard_min(Side side, const Field& x, const Field& result) {
    const Tiles all = tiles_;
    const Units units{cost_, scale_};
    const int s = static_cast<int>(side);
    for_tiles<ExecutionSpace, L>(
        space_, "otfleet::operators::hard_min", all.group.tiles,
        KOKKOS_LAMBDA(const TeamMember& team, int t) {
          const Tile tile = all.tile(t);
          const double* const terms = x.of(t);
          all.for_blocks(team, s, t, [&](int row, int lane) {
            Pack least[block];
            for (int r = 0; r < block; ++r)
              least[r] = Pack(Kokkos::Experimental::infinity<double>::value);
            tile.template for_columns<Cost>(
                s, row, all.rows(1 - s, t), lane, [&](int j, const auto& pairs) {
                  const Pack term = L::load(terms + Tile::at(j, lane));
                  for (int r = 0; r < block; ++r)
                    least[r] =
                        min(least[r], term + units.cost.template from_sum<double, Pack>(pairs[r]));
                });
            store_block(result, t, row, lane, least);
          });
        });
  }

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

  Cost cost_;
  double scale_;
  Tiles tiles_;
  Vector<double, ExecutionSpace> memory_, values_;
  Vector<Region, ExecutionSpace> regions_;
  Vector<int, ExecutionSpace> instances_;
  int most_tiles_, field_rows_, next_field_ = 0;
  long tile_rows_;
};

}  // namespace otfleet::kernels
