#pragma once
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/solvers/barycenter/barycenter.hpp"
#include "kernels/solvers/has_ended.hpp"
#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"

// What a team does to solve barycenter problems one after the other.

namespace otfleet::kernels {

/// exp(logarithm) as a number of the domain.
template <class Domain, class Pack>
KOKKOS_INLINE_FUNCTION typename Domain::Value value_of_logarithm(const Pack& logarithm) {
  Pack stored[Domain::planes];
  Domain::from_exponent(logarithm, Pack(0.0), stored);
  if constexpr (Domain::planes == 1)
    return stored[0];
  else
    return {stored[0], stored[1]};
}

/// Iterates one problem after the other on a team; measures are lanes of as many tiles as the
/// problem needs, and the last one is repeated, with weight 0, in lanes beyond them.
template <class Domain_, class ExecutionSpace>
struct BarycenterKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Pack = typename L::Pack;
  using Value = typename Domain::Value;
  using Memory = typename Domain::Memory;
  using TeamMember = Team<ExecutionSpace>;

  /// Arrays of every tile of the problem, and of the tile at hand: b, u and y of the measures; the
  /// logarithm of y, that of the last plain update of u, and how it changed.
  enum Kept { measure, left, applied, log_applied, updated, change, kept_arrays };
  enum Work { right, log_mean, scratch, work_arrays = scratch + Domain::scratch_arrays };
  /// Numbers of every point of the support; `stored` is the barycenter as a number of the domain,
  /// plane after plane.
  enum Row {
    barycenter,
    log_barycenter,
    log_blur,
    next_log_blur,
    last_log_blur,
    stored,
    row_arrays = stored + Domain::planes
  };
  /// Numbers of every lane: its weight in the mean, and the mean change of its update.
  enum Lane { weight, center, lane_arrays };
  /// What is summed over the points of a lane.
  enum Sum { error, slope, mean_change, sums };

  AxisChain<double> to_target, to_source;
  Measures<ExecutionSpace> measures;
  Vector<const std::int64_t, ExecutionSpace> offsets;
  Vector<const int, ExecutionSpace> index;
  Vector<const double, ExecutionSpace> weights;
  BarycenterSolution<ExecutionSpace> solution;
  BarycenterSettings settings;
  StopRule rule;
  double cost_minimum;
  long rows;                                                       ///< of a tile
  int most_tiles;                                                  ///< of a problem
  Vector<double, ExecutionSpace> memory, row_memory, lane_memory;  ///< of all teams
  Vector<int, ExecutionSpace> next;  ///< [1], the first problem that no team has taken

  struct State {
    InstanceControl control;
    int problem, tiles;
    bool stops;
    Status why;
    Momentum<double> momentum;
    double total[sums];  ///< over the measures, weighted
    double blur_change;  ///< see Row::blur
    double mass, residual, last_residual;
    double largest_mass;  ///< of the problem's measures, as which all are scaled
    Region support;       ///< of all measures; nothing is computed outside it
    double lane_sums[sums * L::width];
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(State) + sizeof(double) * L::width * sums * team_size + 256;
  }
  /// Numbers of an array of one tile, and of all that a team has.
  KOKKOS_FUNCTION long tile_size() const { return rows * L::width * Domain::planes; }
  KOKKOS_FUNCTION long team_memory() const {
    return tile_size() * (kept_arrays * static_cast<long>(most_tiles) + work_arrays);
  }

  KOKKOS_FUNCTION int n() const { return to_target.in_points(); }
  KOKKOS_FUNCTION int m() const { return to_target.out_points(); }
  KOKKOS_FUNCTION bool is_exact() const { return !(settings.tau < 1); }
  KOKKOS_FUNCTION bool has_momentum() const { return settings.momentum && is_exact(); }

  KOKKOS_FUNCTION bool keeps_blur() const {
    return settings.debiased && solution.log_blur.size() > 0;
  }

  /// The parts of a team's memory.
  struct Places {
    double *kept, *rows_of, *lanes_of;
    Memory work;
    long tile;  ///< numbers of an array of one tile
    int tiles_at_most, n;
    KOKKOS_FUNCTION double* array(Kept which, int t) const {
      return kept + (static_cast<long>(which) * tiles_at_most + t) * tile;
    }
    KOKKOS_FUNCTION double* row(Row which) const { return rows_of + static_cast<long>(which) * n; }
    KOKKOS_FUNCTION double* lane(Lane which, int t) const {
      return lanes_of + (static_cast<long>(which) * tiles_at_most + t) * L::width;
    }
  };

  KOKKOS_FUNCTION Places places(const TeamMember& team) const {
    const long tile = tile_size();
    double* const base = memory.data() + team.league_rank() * team_memory();
    return {base,
            row_memory.data() + static_cast<long>(team.league_rank()) * row_arrays * n(),
            lane_memory.data() +
                static_cast<long>(team.league_rank()) * lane_arrays * most_tiles * L::width,
            {base + tile * kept_arrays * most_tiles, rows},
            tile,
            most_tiles,
            n()};
  }

  KOKKOS_FUNCTION void operator()(const TeamMember& team) const {
    State& s =
        *static_cast<State*>(team.team_shmem().get_shmem_aligned(sizeof(State), alignof(State)));
    double* partial = static_cast<double*>(team.team_shmem().get_shmem_aligned(
        sizeof(double) * L::width * sums * team.team_size(), 64));
    const Places place = places(team);
    const BarycenterKernel& self = *this;
    while (true) {
      Kokkos::single(Kokkos::PerTeam(team), [&]() { self.take_problem(s); });
      team.team_barrier();
      if (s.problem < 0) return;
      load(team, place, s);
      while (true) {
        half_steps(team, place, s);
        measure_step(team, place, s, partial);
        Kokkos::single(Kokkos::PerTeam(team), [&]() { self.test(s); });
        team.team_barrier();
        if (s.stops) break;
        update(team, place, s);
      }
      store(team, place, s, partial);
      team.team_barrier();
    }
  }

  KOKKOS_FUNCTION void take_problem(State& s) const {
    const bool any = !has_ended<ExecutionSpace>(settings.observer);
    const int k = any ? Kokkos::atomic_fetch_add(&next(0), 1) : solution.size();
    s.problem = k < solution.size() ? k : -1;
    if (s.problem < 0) return;
    s.control = {};
    s.control.begin();
    s.momentum = {};
    s.last_residual = Kokkos::Experimental::finite_max<double>::value;
    s.tiles = static_cast<int>((offsets(k + 1) - offsets(k) + L::width - 1) / L::width);
    s.largest_mass = measures.mass(index(offsets(k)));
    if (!(settings.tau < 1)) return;
    for (std::int64_t at = offsets(k); at < offsets(k + 1); ++at)
      if (measures.mass(index(at)) > s.largest_mass) s.largest_mass = measures.mass(index(at));
  }

  /// The entry of the batch's arrays that lane number `lane` of all tiles holds.
  KOKKOS_FUNCTION std::int64_t entry(const State& s, int lane) const {
    const std::int64_t at = offsets(s.problem) + lane, end = offsets(s.problem + 1);
    return at < end ? at : end - 1;
  }

  KOKKOS_FUNCTION void load(const TeamMember& team, const Places& place, State& s) const {
    double sum = 0;
    for (std::int64_t at = offsets(s.problem); at < offsets(s.problem + 1); ++at)
      sum += weights(at);
    const std::int64_t count = offsets(s.problem + 1) - offsets(s.problem);
    const BarycenterKernel& self = *this;
    for (int t = 0; t < s.tiles; ++t) {
      for (int lane = 0; lane < L::width; ++lane) {
        const std::int64_t at = entry(s, t * L::width + lane);
        const int which = index(at);
        load_weights<L>(team, &measures.weights(which, 0), m(), lane, place.array(measure, t));
        if (settings.tau < 1) {
          const double share = measures.mass(which) / s.largest_mass;
          double* const to = place.array(measure, t);
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, m()),
                               [&](int j) { to[static_cast<long>(j) * L::width + lane] *= share; });
          team.team_barrier();
        }
        if (settings.from_solution) {
          double* const plain = place.work.array(log_mean);
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, n()), [&](int i) {
            plain[static_cast<long>(i) * L::width + lane] =
                self.solution.f(at, i) / self.settings.epsilon;
          });
          team.team_barrier();
        }
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          place.lane(weight, t)[lane] = t * L::width + lane < count ? self.weights(at) / sum : 0.0;
          place.lane(center, t)[lane] = 0;
        });
      }
      team.team_barrier();
      const double* const start = place.work.array(log_mean);
      double* const u = place.array(left, t);
      for_rows<L>(team, to_source.to, [&](int row, int pack) {
        const Pack exponent =
            self.settings.from_solution ? load_plain<L>(start, row, pack) : Pack(0.0);
        Domain::store(u, row, pack, value_of_logarithm<Domain>(exponent));
      });
    }
    find_support(team, place, s);
    double* const blur = place.row(log_blur);
    const bool goes_on = settings.from_solution && keeps_blur();
    const int k = s.problem;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()),
                         [&](int i) { blur[i] = goes_on ? self.solution.log_blur(k, i) : 0.0; });
    team.team_barrier();
  }

  /// State::support.
  KOKKOS_FUNCTION void find_support(const TeamMember& team, const Places& place, State& s) const {
    const Region& all = to_target.to;
    double* const used = place.work.array(right);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, m()), [&](int j) {
      bool any = false;
      for (int t = 0; t < s.tiles; ++t) {
        const double* const b = place.array(measure, t) + static_cast<long>(j) * L::width;
        for (int lane = 0; lane < L::width; ++lane) any |= b[lane] > 0;
      }
      used[j] = any ? 1 : 0;
    });
    team.team_barrier();
    Region support = all;
    int stride = 1;
    for (int axis = 2; axis >= 0; --axis) {
      const int length = all.length[axis], step = stride;
      int first = length, last = -1;
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, m()),
          [&](int j, int& least) {
            const int at = j / step % length;
            if (used[j] > 0 && at < least) least = at;
          },
          Kokkos::Min<int>(first));
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, m()),
          [&](int j, int& most) {
            const int at = j / step % length;
            if (used[j] > 0 && at > most) most = at;
          },
          Kokkos::Max<int>(last));
      support.begin[axis] = first;
      support.end[axis] = last + 1;
      stride *= length;
    }
    Kokkos::single(Kokkos::PerTeam(team), [&]() { s.support = support; });
    team.team_barrier();
  }

  /// v = (b/K'u)^tau and y = K v of every measure, and the barycenter that follows from all y.
  KOKKOS_FUNCTION void half_steps(const TeamMember& team, const Places& place,
                                  const State& s) const {
    const BarycenterKernel& self = *this;
    double* const means = place.work.array(log_mean);
    clear_means(team, means);
    for (int t = 0; t < s.tiles; ++t) {
      fit_target(team, place, s, t);
      double *const y = place.array(applied, t), *const log_y = place.array(log_applied, t);
      Domain::apply(team, to_source.within(s.support, to_source.to), place.work.array(right), y,
                    place.work, scratch);
      const double* const share = place.lane(weight, t);
      for_rows<L>(team, to_source.to, [&](int row, int pack) {
        const Pack logarithm = Domain::logarithm(Domain::load(y, row, pack));
        store_plain<L>(log_y, row, pack, logarithm);
        store_plain<L>(
            means, row, pack,
            load_plain<L>(means, row, pack) + L::load(share + pack * L::pack_width) * logarithm);
      });
    }
    if (settings.tau < 1)
      power_mean(team, place, s);
    else
      geometric_mean(team, place, means);
    double *const p = place.row(barycenter), *const log_p = place.row(log_barycenter);
    const double* const d = place.row(log_blur);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()), [&](int i) {
      if (self.settings.debiased) log_p[i] += d[i];
      p[i] = ::exp(log_p[i]);
      double planes[Domain::planes];
      Domain::from_exponent(log_p[i], 0.0, planes);
      for (int plane = 0; plane < Domain::planes; ++plane)
        place.row(stored)[plane * self.n() + i] = planes[plane];
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void clear_means(const TeamMember& team, double* means) const {
    for_rows<L>(team, to_source.to,
                [&](int row, int pack) { store_plain<L>(means, row, pack, Pack(0.0)); });
  }

  /// Work::right from u, within the support.
  KOKKOS_FUNCTION void fit_target(const TeamMember& team, const Places& place, const State& s,
                                  int t) const {
    const AxisChain<double> chain = to_target.within(to_target.from, s.support);
    double* const v = place.work.array(right);
    const double* const b = place.array(measure, t);
    const Pack power(settings.tau), shift(cost_minimum / settings.epsilon), none(0.0), one(1.0);
    const bool exact = is_exact();
    Domain::apply(team, chain, place.array(left, t), v, place.work, scratch);
    for_rows<L>(team, chain.to, [&](int row, int pack) {
      const Pack wanted = load_plain<L>(b, row, pack);
      Value fitted = Domain::fit(wanted, Domain::load(v, row, pack));
      if (!exact) {
        // The tables are without the smallest cost, which y gets back here.
        const Pack logarithm = power * (Domain::logarithm(fitted) + shift) - shift;
        const Value root = value_of_logarithm<Domain>(logarithm);
        fitted = Domain::scale(root, if_greater(wanted, none, one, none));
      }
      Domain::store(v, row, pack, fitted);
    });
  }

  KOKKOS_FUNCTION void geometric_mean(const TeamMember& team, const Places& place,
                                      const double* means) const {
    double* const log_p = place.row(log_barycenter);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()), [&](int i) {
      double sum = 0;
      for (int lane = 0; lane < L::width; ++lane)
        sum += means[static_cast<long>(i) * L::width + lane];
      log_p[i] = sum;
    });
    team.team_barrier();
  }

  /// log p = log(sum_s w_s y_s^(1 − tau))/(1 − tau).
  KOKKOS_FUNCTION void power_mean(const TeamMember& team, const Places& place,
                                  const State& s) const {
    const double power = 1 - settings.tau,
                 lowest = -Kokkos::Experimental::finite_max<double>::value;
    double *const log_p = place.row(log_barycenter), *const means = place.work.array(log_mean);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()), [&](int i) { log_p[i] = lowest; });
    team.team_barrier();
    for (int t = 0; t < s.tiles; ++t) {
      const double* const log_y = place.array(log_applied, t);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()), [&](int i) {
        for (int lane = 0; lane < L::width; ++lane) {
          const double logarithm = log_y[static_cast<long>(i) * L::width + lane];
          if (logarithm > log_p[i]) log_p[i] = logarithm;
        }
      });
      team.team_barrier();
    }
    clear_means(team, means);
    for (int t = 0; t < s.tiles; ++t) {
      const double *const log_y = place.array(log_applied, t), *const share = place.lane(weight, t);
      for_rows<L>(team, to_source.to, [&](int row, int pack) {
        const Pack below = load_plain<L>(log_y, row, pack) - Pack(log_p[row]);
        store_plain<L>(means, row, pack,
                       load_plain<L>(means, row, pack) +
                           L::load(share + pack * L::pack_width) * exp(Pack(power) * below));
      });
    }
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()), [&](int i) {
      double sum = 0;
      for (int lane = 0; lane < L::width; ++lane)
        sum += means[static_cast<long>(i) * L::width + lane];
      log_p[i] += ::log(sum) / power;
    });
    team.team_barrier();
  }

  /// The sums over all measures; where they are needed, the logarithms of the plain updates u =
  /// (p/y)^tau and their change.
  KOKKOS_FUNCTION void measure_step(const TeamMember& team, const Places& place, State& s,
                                    double* partial) const {
    const double *const p = place.row(barycenter), *const log_p = place.row(log_barycenter);
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (double& total : s.total) total = 0;
      s.blur_change = 0;
    });
    team.team_barrier();
    const bool momentum = has_momentum(), exact = is_exact(), debiased = settings.debiased;
    for (int t = 0; t < s.tiles; ++t) {
      const double *const u = place.array(left, t), *const y = place.array(applied, t);
      const double *const log_y = place.array(log_applied, t), *const share = place.lane(weight, t);
      double *const last = place.array(updated, t), *const changes = place.array(change, t);
      add_rows<L, sums>(
          team, to_source.to, partial, s.lane_sums, [&](int row, int pack, Pack(&add)[sums]) {
            const Value product = Domain::load(y, row, pack);
            const Pack now = Domain::marginal(Domain::load(u, row, pack), product);
            Pack update = Pack(log_p[row]) - load_plain<L>(log_y, row, pack);
            if (exact) {
              add[error] = add[error] + abs(Pack(p[row]) - now);
            } else {
              update = Pack(settings.tau) * update;
              add[error] = add[error] +
                           abs(Domain::marginal(value_of_logarithm<Domain>(update), product) - now);
            }
            if (momentum) {
              const Pack step = update - load_plain<L>(last, row, pack);
              store_plain<L>(changes, row, pack, step);
              add[slope] = add[slope] - now * step;
              add[mean_change] = add[mean_change] + Pack(p[row]) * step;
            }
            if (momentum || !exact) store_plain<L>(last, row, pack, update);
          });
      Kokkos::single(Kokkos::PerTeam(team), [&]() {
        for (int lane = 0; lane < L::width; ++lane) {
          for (int c = 0; c < mean_change; ++c)
            if (share[lane] > 0) s.total[c] += share[lane] * s.lane_sums[c * L::width + lane];
          place.lane(center, t)[lane] = debiased ? 0.0 : s.lane_sums[mean_change * L::width + lane];
        }
      });
      team.team_barrier();
    }
    if (settings.debiased) update_blur(team, place, s);
    double mass = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, n()), [&](int i, double& sum) { sum += p[i]; }, mass);
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      s.mass = mass;
      s.residual = (s.total[error] + s.blur_change) / mass;
    });
    team.team_barrier();
  }

  /// log d ← log sqrt(d p/(K d)), into Row::next_log_blur; K is symmetric.
  KOKKOS_FUNCTION void update_blur(const TeamMember& team, const Places& place, State& s) const {
    const double *const d = place.row(log_blur), *const log_p = place.row(log_barycenter);
    const double* const p = place.row(barycenter);
    double* const after = place.row(next_log_blur);
    double *const input = place.work.array(right), *const output = place.work.array(log_mean);
    for_rows<L>(team, to_target.from, [&](int row, int pack) {
      Domain::store(input, row, pack, value_of_logarithm<Domain>(Pack(d[row])));
    });
    Domain::apply(team, to_target, input, output, place.work, scratch);
    for_rows<L>(team, to_target.to, [&](int row, int pack) {
      store_plain<L>(input, row, pack, Domain::logarithm(Domain::load(output, row, pack)));
    });
    double moved_mass = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, n()),
        [&](int i, double& sum) {
          after[i] = 0.5 * (d[i] + log_p[i] - input[static_cast<long>(i) * L::width]);
          sum += p[i] * ::fabs(::expm1(after[i] - d[i]));
        },
        moved_mass);
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team), [&]() { s.blur_change = moved_mass; });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void test(State& s) const {
    const auto decision = s.control.test(rule, s.residual);
    s.stops = decision.stops;
    s.why = decision.why;
    if (s.stops) return;
    if constexpr (Backend<ExecutionSpace>::observes_iterations) {
      if (settings.observer != nullptr &&
          !settings.observer->goes_on(s.problem, s.control.iteration, s.residual)) {
        s.stops = true;
        s.why = Status::ended;
        return;
      }
    }
    ++s.control.iteration;
    if (has_momentum())
      s.momentum.update(settings.debiased ? s.last_residual - s.residual : s.total[slope], 0.0);
    s.last_residual = s.residual;
  }

  /// 0 where Kept::change holds no change yet. Debiased updates are those of no ascent, and
  /// oscillate under factors as large as Momentum's: they have Nesterov's, which are smaller.
  KOKKOS_FUNCTION double momentum_factor(const State& s) const {
    if (!settings.debiased) return s.momentum.factor;
    const int k = s.momentum.ascents;
    return k > 1 ? (k - 1) / (k + 2.0) : 0.0;
  }

  /// u = (p/y)^tau, where there is momentum times exp(factor (change − its mean)).
  KOKKOS_FUNCTION void update(const TeamMember& team, const Places& place, const State& s) const {
    const double factor = momentum_factor(s);
    const bool exact = is_exact();
    const BarycenterKernel& self = *this;
    for (int t = 0; t < s.tiles; ++t) {
      double* const u = place.array(left, t);
      const double *const y = place.array(applied, t), *const changes = place.array(change, t);
      const double *const means = place.lane(center, t), *const plain = place.array(updated, t);
      const double mass = s.mass;
      for_rows<L>(team, to_source.to, [&](int row, int pack) {
        if (!exact) {
          Domain::store(u, row, pack, value_of_logarithm<Domain>(load_plain<L>(plain, row, pack)));
          return;
        }
        Value next = Domain::ratio(self.stored_barycenter(place, row), Domain::load(y, row, pack));
        if (factor > 0) {
          const Pack limit(momentum_limit), none(0.0);
          const Pack mean = L::load(means + pack * L::pack_width) * Pack(1 / mass);
          const Pack exponent =
              Momentum<double>::beyond(Pack(factor), load_plain<L>(changes, row, pack), mean);
          next = Domain::times_exp(next, max(none - limit, min(limit, exponent)));
        }
        Domain::store(u, row, pack, next);
      });
    }
    if (!settings.debiased) return;
    const double* const d = place.row(next_log_blur);
    double *const blur_now = place.row(log_blur), *const last = place.row(last_log_blur);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()), [&](int i) {
      blur_now[i] = factor > 0 ? d[i] + factor * (d[i] - last[i]) : d[i];
      last[i] = d[i];
    });
    team.team_barrier();
  }

  /// The barycenter at a point, in every lane.
  KOKKOS_INLINE_FUNCTION Value stored_barycenter(const Places& place, int row) const {
    const double* const planes = place.row(stored);
    if constexpr (Domain::planes == 1)
      return Pack(planes[row]);
    else
      return {Pack(planes[row]), Pack(planes[n() + row])};
  }

  KOKKOS_FUNCTION void store(const TeamMember& team, const Places& place, State& s,
                             double* partial) const {
    const BarycenterKernel& self = *this;
    const double* const p = place.row(barycenter);
    const int k = s.problem;
    const double scale = s.largest_mass;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()),
                         [&](int i) { self.solution.barycenter(k, i) = scale * p[i]; });
    if (keeps_blur()) {
      const double* const blur = place.row(log_blur);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n()),
                           [&](int i) { self.solution.log_blur(k, i) = blur[i]; });
    }
    const bool plain = !(settings.tau < 1) && !settings.debiased;
    const std::int64_t count = offsets(k + 1) - offsets(k);
    double dual = 0;
    for (int t = 0; t < s.tiles; ++t) {
      const double* const share = place.lane(weight, t);
      if (plain) {
        fit_target(team, place, s, t);
        const double *const v = place.work.array(right), *const b = place.array(measure, t);
        sum_rows<L>(team, s.support, partial, s.lane_sums, [&](int row, int pack) {
          return load_plain<L>(b, row, pack) * Domain::logarithm(Domain::load(v, row, pack));
        });
        for (int lane = 0; lane < L::width; ++lane) dual += share[lane] * s.lane_sums[lane];
        team.team_barrier();
      }
      if (solution.f.extent(0) == 0) continue;
      const double* const u = place.array(left, t);
      double* const logarithms = place.work.array(log_mean);
      for_rows<L>(team, to_source.to, [&](int row, int pack) {
        store_plain<L>(logarithms, row, pack, Domain::logarithm(Domain::load(u, row, pack)));
      });
      for (int lane = 0; lane < L::width && t * L::width + lane < count; ++lane) {
        const std::int64_t at = offsets(k) + t * L::width + lane;
        Kokkos::parallel_for(Kokkos::TeamVectorRange(team, n()), [&](int i) {
          self.solution.f(at, i) =
              self.settings.epsilon * logarithms[static_cast<long>(i) * L::width + lane];
        });
      }
      team.team_barrier();
    }
    const double epsilon = settings.epsilon;
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      self.solution.dual_value(k) =
          plain ? scale * (epsilon * dual + epsilon * ::log(scale) + self.cost_minimum)
                : Domain::not_a_number;
      self.solution.mass(k) = scale * s.mass;
      self.solution.residual(k) = s.residual;
      self.solution.iterations(k) = s.control.iteration;
      const bool finite = s.residual - s.residual == 0 && s.mass - s.mass == 0;
      self.solution.status(k) =
          static_cast<int>(final_status(s.why, s.residual, self.rule.threshold, finite));
    });
  }
};

}  // namespace otfleet::kernels
