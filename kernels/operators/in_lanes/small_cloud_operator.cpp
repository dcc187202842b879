#include "kernels/operators/in_lanes/small_cloud_operator.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
SmallCloudOperator<ExecutionSpace>::SmallCloudOperator(const ExecutionSpace& space,
                                                       const CloudProblems<ExecutionSpace>& batch,
                                                       const SmallClouds<ExecutionSpace>& problems,
                                                       double epsilon, int tiles, int fields)
    : TileOperator<ExecutionSpace>(space),
      batch_(batch),
      scale_(1 / (epsilon * std::log(2.0))),
      most_tiles_(tiles) {
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

template <class ExecutionSpace>
long SmallCloudOperator<ExecutionSpace>::numbers_a_tile(const SmallClouds<ExecutionSpace>& problems,
                                                        int fields) {
  const int capacity[2] = {Tile::capacity_for(problems.side[0].most),
                           Tile::capacity_for(problems.side[1].most)};
  return (Tile::rows(capacity, problems) +
          static_cast<long>(fields) * std::max(capacity[0], capacity[1])) *
         L::width;
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::take_problems(
    int first, const Matrix<double, ExecutionSpace>& totals) {
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

template <class ExecutionSpace>
auto SmallCloudOperator<ExecutionSpace>::field(Side, double) -> Field {
  return {memory_.data() + (tile_rows_ + static_cast<long>(next_field_++) * field_rows_) * L::width,
          tiles_.per_tile};
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::find_rounding(int source_exponent, int target_exponent) {
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

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::load(Side side,
                                              const ProblemRows<const double>& potentials,
                                              const Field& gaps) {
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

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::store(Side side,
                                               const ProblemRows<double>& potentials) const {
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

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::load_points(
    Side side, const Matrix<const double, ExecutionSpace>& points, int c, const Field& to) const {
  const int s = static_cast<int>(side);
  for_real_rows(
      "otfleet::operators::load_points", s,
      KOKKOS_LAMBDA(int t, long at, const SmallProblem& problem, int i) {
        to.of(t)[at] = points(problem.first[s] + i, c);
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::fill_rows(Side side, const ProblemRows<double>& rows,
                                                   double value_of) const {
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

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::store_field(Side side, const Field& from,
                                                     const ProblemRows<double>& rows, int c) const {
  const int s = static_cast<int>(side), per_point = rows.per_point;
  double* const data = rows.data;
  for_real_rows(
      "otfleet::operators::store_field", s,
      KOKKOS_LAMBDA(int t, long at, const SmallProblem& problem, int i) {
        data[(problem.begin[s] + i) * per_point + c] = from.of(t)[at];
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::set_exponents(Side side, const Field& from) {
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

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::exponents(Side side, const Field& to) const {
  const Field potential = array(side, Tile::potential), weight = weights(side);
  const double ln2 = std::log(2.0);
  for_points(
      "otfleet::operators::exponents", side, KOKKOS_LAMBDA(const Place& at) {
        const Pack none(0.0);
        to.store(at, if_greater(weight.load(at), none, potential.load(at) * Pack(ln2), none));
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::scale_down(Side side, const Field& sums) {
  const Field weight = weights(side), log_weight = array(side, Tile::log_weight),
              potential = array(side, Tile::potential);
  for_points(
      "otfleet::operators::scale_down", side, KOKKOS_LAMBDA(const Place& at) {
        const Pack w = weight.load(at), sum = sums.load(at), before = potential.load(at);
        const Pack after = before + (log_weight.load(at) - log2_normal(max(sum, w)));
        potential.store(at, if_greater(min(w, sum - w), Pack(0.0), after, before));
      });
}

#define OTFLEET_INSTANTIATE(Space) template class SmallCloudOperator<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
