#pragma once
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/problems/supports.hpp"
#include "kernels/solvers/has_ended.hpp"
#include "kernels/solvers/sinkhorn/marginals.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

namespace otfleet::kernels {

/// Sinkhorn's iteration on tiles of problems on a separable cost; a lane that is done takes the
/// next one. `Marginals`: ExactMarginals, PenalizedMarginals or BoundedMarginals.
template <class Domain_, class ExecutionSpace, class Marginals>
struct SinkhornKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Scalar = typename Domain::Scalar;
  using Pack = typename Domain::Pack;

  using Memory = typename Domain::Memory;

  enum Array { source_weights, target_weights, left, right, applied, updated, change, scratch };
  /// The marginal that the source's potential asks for, in units of its own; plain numbers.
  static constexpr int wanted = updated;
  static constexpr int arrays = scratch + Domain::scratch_arrays;

  Marginals marginals;
  AxisChain<Scalar> to_target, to_source;  ///< of the whole cost
  ProblemBatch<ExecutionSpace> problems;
  SinkhornSettings settings;
  StopRule rule;
  bool from_zeros;
  Matrix<double, ExecutionSpace> f;
  Vector<int, ExecutionSpace> iterations, status;
  Matrix<double, ExecutionSpace> trace;
  Vector<int, ExecutionSpace> replaced;
  Supports<ExecutionSpace> supports;
  Vector<Scalar, ExecutionSpace> memory;
  long rows = 0;
  Vector<int, ExecutionSpace>
      next;  ///< [1], the first position in the order that no lane has taken

  /// What is summed over the source points: |P1 − a|; (a − P1) · change, the slope of the semi-dual
  /// along the last change; a · change.
  enum Sum { error, slope, mean_change };
  static constexpr int most_sums = Marginals::bounded ? 4 : 3;
  using Start = InstanceControl::Start;

  /// What a team knows about its lanes.
  struct LaneState {
    Scalar sums[3 * L::width];  ///< see Sum
    Scalar factor[L::width];    ///< Momentum::factor
    Scalar center[L::width];    ///< Momentum::center
    Momentum<Scalar> momentum[L::width];
    typename Marginals::template LaneSums<L> marginal;
    InstanceControl control[L::width];
    int instance[L::width];  ///< −1: idle
    int finished[L::width];  ///< store, then load the next instance
    int reload[L::width];    ///< load the same instance from its other start
    int active, finishing, reloading;
    Region all_sources, all_targets;  ///< what the active lanes share
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(LaneState) + sizeof(Scalar) * L::width * most_sums * team_size + 128;
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const Memory tile = team_tile<Domain>(team, memory, arrays, rows);
    LaneState& lanes = *static_cast<LaneState*>(
        team.team_shmem().get_shmem_aligned(sizeof(LaneState), alignof(LaneState)));
    Scalar* partial = static_cast<Scalar*>(team.team_shmem().get_shmem_aligned(
        sizeof(Scalar) * L::width * most_sums * team.team_size(), 64));

    Scalar* u = tile.array(left);
    Scalar* v = tile.array(right);
    Scalar* y = tile.array(applied);
    const Scalar* a = tile.array(source_weights);
    const Scalar* b = tile.array(target_weights);

    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)),
                         [&](int lane) { take_instance(lanes, lane); });
    team.team_barrier();
    fill_lanes(team, tile, lanes);
    if constexpr (!Marginals::exact && !Marginals::bounded) sum_wanted(team, tile, lanes, partial);

    while (lanes.active > 0) {
      const AxisChain<Scalar> forward = to_target.within(lanes.all_sources, lanes.all_targets);
      const AxisChain<Scalar> backward = to_source.within(lanes.all_targets, lanes.all_sources);
      Domain::apply(team, forward, u, y, tile, scratch);
      if constexpr (Marginals::bounded)
        fit_bounded_target(team, tile, forward.to, lanes, partial);
      else if constexpr (!Marginals::exact)
        fit_target(team, tile, forward.to, lanes, partial);
      else
        for_rows<L>(team, forward.to, [&](int row, int pack) {
          Domain::store(v, row, pack,
                        Domain::fit(load_plain<L>(b, row, pack), Domain::load(y, row, pack)));
        });
      Domain::apply(team, backward, v, y, tile, scratch);
      if constexpr (Marginals::bounded) {
        measure_bounds(team, tile, backward.to, lanes, partial);
      } else if constexpr (!Marginals::exact) {
        measure_violation(team, tile, backward.to, lanes, partial);
      } else if (settings.acceleration == Acceleration::momentum) {
        measure_change(team, tile, backward.to, lanes, partial);
      } else {
        sum_rows<L>(team, backward.to, partial, lanes.sums, [&](int row, int pack) {
          return abs(Domain::marginal(Domain::load(u, row, pack), Domain::load(y, row, pack)) -
                     load_plain<L>(a, row, pack));
        });
      }
      test_lanes(team, lanes);
      if (lanes.finishing > 0) store_finished(team, tile, lanes);
      if constexpr (Marginals::bounded) {
        fit_bounded_source(team, tile, backward.to, lanes, partial);
      } else if constexpr (!Marginals::exact) {
        fit_source(team, tile, backward.to, lanes, partial);
      } else if (settings.acceleration == Acceleration::momentum) {
        accelerate(team, tile, backward.to, lanes);
      } else {
        for_rows<L>(team, backward.to, [&](int row, int pack) {
          Domain::store(u, row, pack,
                        Domain::fit(load_plain<L>(a, row, pack), Domain::load(y, row, pack)));
        });
      }
      if (lanes.finishing + lanes.reloading > 0) {
        Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)), [&](int lane) {
          if (lanes.finished[lane]) take_instance(lanes, lane);
        });
        team.team_barrier();
        fill_lanes(team, tile, lanes);
        if constexpr (!Marginals::exact && !Marginals::bounded)
          sum_wanted(team, tile, lanes, partial);
      }
    }
  }

  /// The plain update into `updated`, how its logarithm changed since the last one into `change`,
  /// and the sums.
  KOKKOS_FUNCTION void measure_change(const Team<ExecutionSpace>& team, const Memory& tile,
                                      const Region& source, LaneState& lanes,
                                      Scalar* partial) const {
    const Scalar *a = tile.array(source_weights), *u = tile.array(left), *y = tile.array(applied);
    Scalar *last = tile.array(updated), *changes = tile.array(change);
    add_rows<L, 3>(team, source, partial, lanes.sums, [&](int row, int pack, Pack(&sums)[3]) {
      const Pack weight = load_plain<L>(a, row, pack);
      const auto product = Domain::load(y, row, pack);
      const auto update = Domain::fit(weight, product);
      const Pack step = Domain::log_ratio(update, Domain::load(last, row, pack));
      const Pack missing = weight - Domain::marginal(Domain::load(u, row, pack), product);
      Domain::store(last, row, pack, update);
      store_plain<L>(changes, row, pack, step);
      sums[error] = sums[error] + abs(missing);
      sums[slope] = sums[slope] + missing * step;
      sums[mean_change] = sums[mean_change] + weight * step;
    });
  }

  /// u = updated · exp(β · (change − its mean) − what the mean of the updates has moved), so that
  /// the constant in u, which no plan depends on, stays where it was.
  KOKKOS_FUNCTION void accelerate(const Team<ExecutionSpace>& team, const Memory& tile,
                                  const Region& source, const LaneState& lanes) const {
    Scalar* u = tile.array(left);
    const Scalar *update = tile.array(updated), *changes = tile.array(change);
    for_rows<L>(team, source, [&](int row, int pack) {
      const Pack factor = L::load(lanes.factor + pack * L::pack_width);
      const Pack center = L::load(lanes.center + pack * L::pack_width);
      const Pack limit(static_cast<Scalar>(momentum_limit)), none(Scalar(0));
      const Pack exponent = factor * load_plain<L>(changes, row, pack) - center;
      Domain::store(u, row, pack,
                    Domain::times_exp(Domain::load(update, row, pack),
                                      max(none - limit, min(limit, exponent))));
    });
  }

  /// Gives a lane the next instance, if one is left.
  KOKKOS_FUNCTION void take_instance(LaneState& lanes, int lane) const {
    const bool any = !has_ended<ExecutionSpace>(settings.observer);
    const int position = any ? Kokkos::atomic_fetch_add(&next(0), 1) : 0;
    lanes.finished[lane] = 1;
    lanes.reload[lane] = 0;
    lanes.control[lane].start = from_zeros ? Start::settled : Start::given;
    lanes.instance[lane] = any && position < problems.size() ? supports.order(position) : -1;
  }

  /// Loads every lane marked finished with its new instance. A lane that gets none holds no weight
  /// from now on and asks for no work.
  KOKKOS_FUNCTION void fill_lanes(const Team<ExecutionSpace>& team, const Memory& tile,
                                  LaneState& lanes) const {
    const int n = to_target.in_points(), m = to_target.out_points();
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane] && !lanes.reload[lane]) continue;
      const int k = lanes.instance[lane];
      if (k < 0) {
        clear_lane(team, tile, lane);
        continue;
      }
      const int source = problems.source_index(k), target = problems.target_index(k);
      const double* a = &problems.source.weights(source, 0);
      if (lanes.finished[lane]) {
        const double* b = &problems.target.weights(target, 0);
        load_weights<L>(team, a, n, lane, tile.array(source_weights));
        load_weights<L>(team, b, m, lane, tile.array(target_weights));
      }
      const bool zeros = from_zeros || lanes.control[lane].start == Start::zeros_instead;
      if constexpr (!Marginals::exact)
        if (zeros) load_weights_as_potential(team, a, n, lane, tile.array(left));
      if constexpr (Marginals::bounded) {
        if (!zeros) load_bounded(team, k, a, lane, tile.array(left));
        begin_search(team, k, lane, lanes);
        continue;
      }
      if (Marginals::exact || !zeros)
        load_potential<Domain, ExecutionSpace>(team, zeros ? nullptr : &f(k, 0), a,
                                               settings.epsilon, n, lane, tile.array(left));
      if constexpr (!Marginals::exact && !Marginals::bounded)
        load_wanted(team, tile, zeros, k, a, lane, lanes);
    }
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.active = 0;
      for (int lane = 0; lane < L::width; ++lane) {
        const int k = lanes.instance[lane];
        if (lanes.finished[lane] || lanes.reload[lane]) {
          lanes.control[lane].begin();
          lanes.momentum[lane] = {};
          lanes.factor[lane] = lanes.center[lane] = 0;
        }
        lanes.finished[lane] = lanes.reload[lane] = 0;
        if constexpr (!Marginals::exact && !Marginals::bounded)
          lanes.marginal.idle[lane] = k < 0 ? 1 : 0;
        if (k < 0) continue;
        if (lanes.active == 0) {
          lanes.all_sources = supports.source(k);
          lanes.all_targets = supports.target(k);
        } else {
          lanes.all_sources.include(supports.source(k));
          lanes.all_targets.include(supports.target(k));
        }
        ++lanes.active;
      }
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void clear_lane(const Team<ExecutionSpace>& team, const Memory& tile,
                                  int lane) const {
    const int n = to_target.in_points(), m = to_target.out_points();
    Scalar *a = tile.array(source_weights), *b = tile.array(target_weights), *u = tile.array(left);
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, m),
                         [&](int j) { b[static_cast<long>(j) * L::width + lane] = 0; });
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, n), [&](int i) {
      a[static_cast<long>(i) * L::width + lane] = 0;
      for (int plane = 0; plane < Domain::planes; ++plane)
        u[(static_cast<long>(i) * Domain::planes + plane) * L::width + lane] =
            Domain::nothing(plane);
    });
    team.team_barrier();
  }

  /// Decides, lane by lane, who is finished, and counts one more iteration for the others.
  KOKKOS_FUNCTION void test_lanes(const Team<ExecutionSpace>& team, LaneState& lanes) const {
    const SinkhornKernel& self = *this;
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.finishing = lanes.reloading = 0;
      const bool goes_on = self.is_let_go_on(lanes);
      for (int lane = 0; lane < L::width; ++lane) {
        if (lanes.instance[lane] < 0) continue;
        const auto next = self.next_step(lanes, lane);
        if (next == InstanceControl::Next::other_start) {
          lanes.reload[lane] = 1;
          ++lanes.reloading;
        } else if (next == InstanceControl::Next::stop || !goes_on) {
          lanes.finished[lane] = 1;
          ++lanes.finishing;
        } else {
          ++lanes.control[lane].iteration;
          self.set_momentum(lanes, lane);
        }
      }
    });
    team.team_barrier();
  }

  /// What the observer says, told of the lane that has made most iterations. Where it says no, the
  /// lanes end with the status that all have from the beginning.
  KOKKOS_FUNCTION bool is_let_go_on(const LaneState& lanes) const {
    if constexpr (runs_on_host<ExecutionSpace>) {
      if (settings.observer == nullptr) return true;
      const auto made = [&](int lane) { return lanes.control[lane].iteration; };
      int furthest = -1;
      for (int lane = 0; lane < L::width; ++lane)
        if (lanes.instance[lane] >= 0 && (furthest < 0 || made(lane) > made(furthest)))
          furthest = lane;
      if (settings.observer->goes_on(lanes.instance[furthest], made(furthest),
                                     static_cast<double>(lanes.sums[furthest])))
        return true;
      for (int lane = 0; lane < L::width; ++lane)
        if (lanes.instance[lane] >= 0) iterations(lanes.instance[lane]) = made(lane);
      return false;
    }
    return true;
  }

  KOKKOS_FUNCTION InstanceControl::Next next_step(LaneState& lanes, int lane) const {
    const int k = lanes.instance[lane], t = lanes.control[lane].iteration;
    const double error = static_cast<double>(lanes.sums[lane]);
    const auto step = lanes.control[lane].step(rule, error, settings.doubtful_error);
    if (step.takes_zeros && replaced.extent(0) > 0) replaced(k) = 1;
    if (step.next == InstanceControl::Next::other_start) return step.next;
    if (t < static_cast<int>(trace.extent(1))) trace(k, t) = error;
    if (step.next == InstanceControl::Next::stop) {
      status(k) = static_cast<int>(step.why);
      iterations(k) = t;
    }
    return step.next;
  }

  KOKKOS_FUNCTION void set_momentum(LaneState& lanes, int lane) const {
    if (settings.acceleration != Acceleration::momentum) return;
    auto& momentum = lanes.momentum[lane];
    momentum.update(static_cast<double>(lanes.sums[slope * L::width + lane]),
                    lanes.sums[mean_change * L::width + lane]);
    lanes.factor[lane] = momentum.factor;
    lanes.center[lane] = momentum.center;
  }

  KOKKOS_FUNCTION void store_finished(const Team<ExecutionSpace>& team, const Memory& tile,
                                      const LaneState& lanes) const {
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane]) continue;
      const int k = lanes.instance[lane];
      double constant = 0;
      if constexpr (!Marginals::exact) {
        double target_constant = 0;
        if constexpr (Marginals::bounded)
          find_bounded_constants(team, lanes, lane, constant, target_constant);
        else
          find_constants(lanes, lane, constant, target_constant);
        store_potential<Domain, ExecutionSpace>(
            team, tile.array(right), &problems.target.weights(problems.target_index(k), 0),
            settings.epsilon, target_constant, to_target.out_points(), lane, &marginals.g(k, 0));
      }
      store_potential<Domain, ExecutionSpace>(
          team, tile.array(left), &problems.source.weights(problems.source_index(k), 0),
          settings.epsilon, constant, to_target.in_points(), lane, &f(k, 0));
    }
  }

  // Marginals that are penalized. With x the kernel applied to the other side's potential and w the
  // weights, an update is w (x/unit)^−tau: the unit, the largest x, changes a constant only, and
  // constants come last (find_constants()). What the update asks of its marginal is w (x/unit)^
  // (1 − tau), likewise up to a constant; the best translation makes the sum of that as large as
  // that of the other side's, and so as large as the plan's mass.

  /// The units of numbers x on rows with weight, one a lane, into `units`.
  KOKKOS_FUNCTION void find_units(const Team<ExecutionSpace>& team, const Region& region,
                                  const Scalar* weights, const Scalar* x, Scalar* partial,
                                  Scalar* units) const {
    largest_row<L>(
        team, region, partial, units,
        [&](int row, int pack) {
          return if_greater(load_plain<L>(weights, row, pack), Pack(Scalar(0)),
                            Domain::size(Domain::load(x, row, pack)), Pack(Domain::least_size));
        },
        Domain::least_size);
    for_packs<L>(team, [&](int pack) {
      Scalar* const at = units + pack * L::pack_width;
      L::store(at, Domain::unit(L::load(at)));
    });
  }

  /// One side's update into `potential`; into `asked` [rows] what it asks of the marginal, unless
  /// that is empty, and the sum of that into `sums`.
  KOKKOS_FUNCTION void fit_side(const Team<ExecutionSpace>& team, const Region& region, double tau,
                                const Scalar* weights, const Scalar* x, const Scalar* units,
                                Scalar* potential, Scalar* asked, Scalar* partial,
                                Scalar* sums) const {
    const Pack exponent(static_cast<Scalar>(-tau));
    const auto each = [&](int row, int pack, const auto& fit) OTFLEET_INLINE_LAMBDA {
      const Pack weight = load_plain<L>(weights, row, pack);
      const auto product =
          Domain::in_units(Domain::load(x, row, pack), L::load(units + pack * L::pack_width));
      const auto update = fit(weight, product);
      const Pack ask = tau == 1 ? weight : Domain::marginal(update, product);
      Domain::store(potential, row, pack, update);
      if (asked != nullptr) store_plain<L>(asked, row, pack, ask);
      return ask;
    };
    if (tau == 1)
      sum_rows<L>(team, region, partial, sums, [&](int row, int pack) OTFLEET_INLINE_LAMBDA {
        return each(row, pack, [](const Pack& weight, const auto& product) OTFLEET_INLINE_LAMBDA {
          return Domain::fit(weight, product);
        });
      });
    else
      sum_rows<L>(team, region, partial, sums, [&](int row, int pack) OTFLEET_INLINE_LAMBDA {
        return each(row, pack, [&](const Pack& weight, const auto& product) OTFLEET_INLINE_LAMBDA {
          return Domain::fit_power(weight, product, exponent);
        });
      });
  }

  KOKKOS_FUNCTION void fit_target(const Team<ExecutionSpace>& team, const Memory& tile,
                                  const Region& target, LaneState& lanes, Scalar* partial) const {
    const Scalar *b = tile.array(target_weights), *x = tile.array(applied);
    find_units(team, target, b, x, partial, lanes.marginal.unit);
    fit_side(team, target, marginals.tau_target, b, x, lanes.marginal.unit, tile.array(right),
             nullptr, partial, lanes.marginal.target_sum);
  }

  KOKKOS_FUNCTION void fit_source(const Team<ExecutionSpace>& team, const Memory& tile,
                                  const Region& source, LaneState& lanes, Scalar* partial) const {
    const Scalar *a = tile.array(source_weights), *y = tile.array(applied);
    find_units(team, source, a, y, partial, lanes.marginal.unit);
    fit_side(team, source, marginals.tau_source, a, y, lanes.marginal.unit, tile.array(left),
             tile.array(wanted), partial, lanes.marginal.wanted_sum);
  }

  /// The error is what the source's marginal lacks of the one it asks for, the sums of both being
  /// equal, as a share of them.
  KOKKOS_FUNCTION void measure_violation(const Team<ExecutionSpace>& team, const Memory& tile,
                                         const Region& source, LaneState& lanes,
                                         Scalar* partial) const {
    const Scalar *u = tile.array(left), *y = tile.array(applied), *asked = tile.array(wanted);
    const auto& sums = lanes.marginal;
    sum_rows<L>(team, source, partial, lanes.sums, [&](int row, int pack) {
      const int at = pack * L::pack_width;
      const Pack idle = L::load(sums.idle + at);
      const Pack factor =
          (L::load(sums.wanted_sum + at) + idle) / (L::load(sums.target_sum + at) + idle);
      const auto scaled = Domain::in_units(Domain::load(u, row, pack), L::load(sums.unit + at));
      return abs(Domain::marginal(scaled, Domain::load(y, row, pack)) * factor -
                 load_plain<L>(asked, row, pack));
    });
    for_packs<L>(team, [&](int pack) {
      const int at = pack * L::pack_width;
      L::store(lanes.sums + at, L::load(lanes.sums + at) /
                                    (L::load(sums.wanted_sum + at) + L::load(sums.idle + at)));
    });
  }

  /// A potential of zero relative to the weights.
  KOKKOS_FUNCTION void load_weights_as_potential(const Team<ExecutionSpace>& team,
                                                 const double* weights, int points, int lane,
                                                 Scalar* u) const {
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, points), [&](int i) {
      Scalar stored[Domain::planes];
      Domain::from_weight(weights[i], stored);
      for (int plane = 0; plane < Domain::planes; ++plane)
        u[(static_cast<long>(i) * Domain::planes + plane) * L::width + lane] =
            weights[i] > 0 ? stored[plane] : Domain::nothing(plane);
    });
    team.team_barrier();
  }

  /// What a start asks of the source's marginal, weight · exp(−(f − epsilon log weight)/rho), over
  /// its largest factor, whose logarithm is kept.
  KOKKOS_FUNCTION void load_wanted(const Team<ExecutionSpace>& team, const Memory& tile, bool zeros,
                                   int k, const double* weights, int lane, LaneState& lanes) const {
    const int n = to_target.in_points();
    Scalar* const asked = tile.array(wanted);
    const double slope = zeros ? 0.0 : marginals.inverse_slope();
    double largest = 0, shift = 0;
    const auto exponent = [&](int i) {
      return slope * (::log(weights[i]) - (f(k, i) - largest) / settings.epsilon);
    };
    if (slope > 0) {
      largest = largest_on_support(team, &f(k, 0), weights, n);
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, n),
          [&](int i, double& most) {
            if (!(weights[i] > 0)) return;
            const double value = exponent(i);
            if (!(value <= most)) most = value;
          },
          Kokkos::Max<double>(shift));
      team.team_barrier();
    }
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, n), [&](int i) {
      const double factor = slope > 0 && weights[i] > 0 ? ::exp(exponent(i) - shift) : 1.0;
      asked[static_cast<long>(i) * L::width + lane] = static_cast<Scalar>(factor * weights[i]);
    });
    Kokkos::single(Kokkos::PerTeam(team), [&]() { lanes.marginal.log_wanted[lane] = shift; });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void sum_wanted(const Team<ExecutionSpace>& team, const Memory& tile,
                                  LaneState& lanes, Scalar* partial) const {
    const Scalar* asked = tile.array(wanted);
    sum_rows<L>(team, lanes.all_sources, partial, lanes.marginal.wanted_sum,
                [&](int row, int pack) { return load_plain<L>(asked, row, pack); });
  }

  /// What is missing from epsilon log u and epsilon log v.
  KOKKOS_FUNCTION void find_constants(const LaneState& lanes, int lane, double& source,
                                      double& target) const {
    const int k = lanes.instance[lane];
    const auto& sums = lanes.marginal;
    const double source_mass = problems.source.mass(problems.source_index(k));
    const double target_mass =
        marginals.equal_masses ? source_mass : problems.target.mass(problems.target_index(k));
    const double asked = ::log(static_cast<double>(sums.wanted_sum[lane])) +
                         (lanes.control[lane].iteration == 0 ? sums.log_wanted[lane] : 0.0);
    const auto constants = marginals.constants(
        ::log(source_mass), ::log(target_mass), marginals.cost_minimum / settings.epsilon, asked,
        ::log(static_cast<double>(sums.target_sum[lane])), Domain::log_unit(sums.unit[lane]));
    source = settings.epsilon * constants.source;
    target = settings.epsilon * constants.target;
  }

  // Marginals that are bounded. Potentials are without the masses, factors M with them, so that no
  // constant is left open.

  KOKKOS_FUNCTION void load_bounded(const Team<ExecutionSpace>& team, int k, const double* weights,
                                    int lane, Scalar* u) const {
    const double log_mass = ::log(problems.source.mass(problems.source_index(k)));
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, to_target.in_points()), [&](int i) {
      double stored[Domain::planes] = {};
      if (weights[i] > 0) Domain::from_exponent(f(k, i) / settings.epsilon - log_mass, 0.0, stored);
      for (int plane = 0; plane < Domain::planes; ++plane)
        u[(static_cast<long>(i) * Domain::planes + plane) * L::width + lane] =
            weights[i] > 0 ? static_cast<Scalar>(stored[plane]) : Domain::nothing(plane);
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void begin_search(const Team<ExecutionSpace>& team, int k, int lane,
                                    LaneState& lanes) const {
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      auto& state = lanes.marginal;
      const double ratio = problems.target.mass(problems.target_index(k)) /
                           problems.source.mass(problems.source_index(k));
      state.log_masses[lane] = ::log2(problems.target.mass(problems.target_index(k))) -
                               ::log2(problems.source.mass(problems.source_index(k)));
      state.asked[state.source][lane] = marginals.share * (ratio < 1 ? ratio : 1.0);
      state.asked[state.target][lane] = marginals.share * (ratio > 1 ? 1 / ratio : 1.0);
      state.log_factor[state.source][lane] = state.log_factor[state.target][lane] = -infinite_log;
    });
    team.team_barrier();
  }
  static constexpr double infinite_log = Kokkos::Experimental::infinity<double>::value;

  KOKKOS_FUNCTION void try_factor(LaneState& lanes, int lane, double log_factor) const {
    auto& state = lanes.marginal;
    const double whole = ::floor(log_factor);
    state.log_tried[lane] = log_factor;
    state.mantissa[lane] = static_cast<Scalar>(::exp2(log_factor - whole));
    state.exponent[lane] = static_cast<Scalar>(whole);
  }

  /// What a factor is multiplied with.
  KOKKOS_FORCEINLINE_FUNCTION typename Domain::Value tried_product(const LaneState& lanes,
                                                                   const Scalar* x, int row,
                                                                   int pack) const {
    const auto& state = lanes.marginal;
    const int at = pack * L::pack_width;
    return Domain::times(
        Domain::in_units(Domain::load(x, row, pack), L::load(state.unit + at)),
        ExtendedRange<Pack>{L::load(state.mantissa + at), L::load(state.exponent + at)});
  }

  /// The M of a side with sum_i w_i min(1, M x_i) = what is asked for: Newton's method on a
  /// concave, piecewise linear function, from the last M. Its first step leads below the solution;
  /// from there bounds that bind only become more, and when none is new, M is exact.
  KOKKOS_FUNCTION void find_factor(const Team<ExecutionSpace>& team, const Region& region, int side,
                                   const Scalar* weights, const Scalar* x, LaneState& lanes,
                                   Scalar* partial) const {
    using Sums = typename Marginals::template LaneSums<L>;
    auto& state = lanes.marginal;
    const SinkhornKernel& self = *this;
    find_units(team, region, weights, x, partial, state.unit);
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      state.searching = 0;
      for (int lane = 0; lane < L::width; ++lane) {
        state.searches[lane] = lanes.instance[lane] >= 0 ? 1 : 0;
        state.lost[lane] = 0;
        state.searching += state.searches[lane];
        state.bound_before[lane] = -1;
        const double unit = Domain::log_unit(state.unit[lane]) * 1.4426950408889634074;
        const double last = state.log_factor[side][lane];
        const bool known = last > -infinite_log;
        self.try_factor(lanes, lane,
                        state.searches[lane] == 0 ? 0.0
                        : known                   ? last - unit
                                                  : ::log2(state.asked[side][lane]));
      }
    });
    team.team_barrier();
    while (state.searching > 0) {
      add_rows<L, Sums::sums>(
          team, region, partial, state.found,
          [&](int row, int pack, Pack(&sums)[Sums::sums]) OTFLEET_INLINE_LAMBDA {
            const Pack none(Scalar(0)), one(Scalar(1));
            const Pack weight = load_plain<L>(weights, row, pack);
            const Pack part = Domain::at_most_one(self.tried_product(lanes, x, row, pack));
            const Pack open = if_greater(one, part, weight, none);
            sums[Sums::bound_weight] = sums[Sums::bound_weight] + (weight - open);
            sums[Sums::open_weight] = sums[Sums::open_weight] + open;
            sums[Sums::open_mass] = sums[Sums::open_mass] + open * part;
            sums[Sums::bound_count] = sums[Sums::bound_count] + if_greater(weight, open, one, none);
          });
      Kokkos::single(Kokkos::PerTeam(team), [&]() {
        state.searching = state.losing = 0;
        for (int lane = 0; lane < L::width; ++lane) {
          if (state.searches[lane] == 0) continue;
          const auto found = [&](int sum) {
            return static_cast<double>(state.found[sum * L::width + lane]);
          };
          const double asked = state.asked[side][lane], open = found(Sums::open_mass);
          // What the others are to carry, as the difference that loses fewer digits.
          const double missing = found(Sums::bound_weight) < 0.5
                                     ? asked - found(Sums::bound_weight)
                                     : found(Sums::open_weight) - (1 - asked);
          state.lost[lane] = 0;
          if (found(Sums::bound_count) == state.bound_before[lane]) {
            state.searches[lane] = 0;
          } else if (!(missing > 0)) {
            // All that is asked for is bound already: M is that, unless it began too large.
            if (state.bound_before[lane] < 0 && asked < 1 &&
                state.log_factor[side][lane] > -infinite_log) {
              self.try_factor(lanes, lane, ::log2(asked));
              state.log_factor[side][lane] = -infinite_log;
            } else {
              state.searches[lane] = 0;
            }
          } else if (open > 0) {
            self.try_factor(lanes, lane, state.log_tried[lane] + ::log2(missing / open));
            state.bound_before[lane] = found(Sums::bound_count);
          } else if (found(Sums::open_weight) > 0) {
            state.lost[lane] = 1;
            ++state.losing;
          } else {
            state.searches[lane] = 0;
          }
          state.searching += state.searches[lane];
        }
      });
      team.team_barrier();
      if (state.losing > 0) regain_open_mass(team, region, weights, x, side, lanes, partial);
    }
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (int lane = 0; lane < L::width; ++lane)
        state.log_factor[side][lane] =
            state.log_tried[lane] + Domain::log_unit(state.unit[lane]) * 1.4426950408889634074;
    });
    team.team_barrier();
  }

  /// Where M was so small that what is not bound vanished: the M with which the largest of it
  /// carries what is missing at most.
  KOKKOS_FUNCTION void regain_open_mass(const Team<ExecutionSpace>& team, const Region& region,
                                        const Scalar* weights, const Scalar* x, int side,
                                        LaneState& lanes, Scalar* partial) const {
    using Sums = typename Marginals::template LaneSums<L>;
    auto& state = lanes.marginal;
    const SinkhornKernel& self = *this;
    largest_row<L>(
        team, region, partial, state.size,
        [&](int row, int pack) {
          const Pack one(Scalar(1)), none(Scalar(0)), least(Domain::least_size);
          const auto product = Domain::in_units(Domain::load(x, row, pack),
                                                L::load(state.unit + pack * L::pack_width));
          const Pack part = Domain::at_most_one(self.tried_product(lanes, x, row, pack));
          const Pack size = if_greater(one, part, Domain::size(product), least);
          return if_greater(load_plain<L>(weights, row, pack), none, size, least);
        },
        Domain::least_size);
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (int lane = 0; lane < L::width; ++lane) {
        if (state.lost[lane] == 0) continue;
        const double open = static_cast<double>(state.found[Sums::open_weight * L::width + lane]);
        const double bound = static_cast<double>(state.found[Sums::bound_weight * L::width + lane]);
        const double asked = state.asked[side][lane];
        const double missing = bound < 0.5 ? asked - bound : open - (1 - asked);
        if (state.size[lane] > Domain::least_size)
          self.try_factor(lanes, lane,
                          ::log2(missing / open) - Domain::log2_size(state.size[lane]));
        else
          state.searches[lane] = 0;  // nothing reaches these points
      }
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void fit_bounded(const Team<ExecutionSpace>& team, const Region& region, int side,
                                   const Scalar* weights, const Scalar* x, Scalar* potential,
                                   LaneState& lanes, Scalar* partial) const {
    find_factor(team, region, side, weights, x, lanes, partial);
    for_rows<L>(team, region, [&](int row, int pack) {
      Domain::store(
          potential, row, pack,
          Domain::fit_bound(load_plain<L>(weights, row, pack), tried_product(lanes, x, row, pack)));
    });
  }
  KOKKOS_FUNCTION void fit_bounded_target(const Team<ExecutionSpace>& team, const Memory& tile,
                                          const Region& target, LaneState& lanes,
                                          Scalar* partial) const {
    fit_bounded(team, target, lanes.marginal.target, tile.array(target_weights),
                tile.array(applied), tile.array(right), lanes, partial);
  }
  KOKKOS_FUNCTION void fit_bounded_source(const Team<ExecutionSpace>& team, const Memory& tile,
                                          const Region& source, LaneState& lanes,
                                          Scalar* partial) const {
    fit_bounded(team, source, lanes.marginal.source, tile.array(source_weights),
                tile.array(applied), tile.array(left), lanes, partial);
  }

  /// The error is what the source's marginal lacks of min(weight, what it would become if its
  /// potential alone were optimal), as a share of the larger sum.
  KOKKOS_FUNCTION void measure_bounds(const Team<ExecutionSpace>& team, const Memory& tile,
                                      const Region& source, LaneState& lanes,
                                      Scalar* partial) const {
    const Scalar *a = tile.array(source_weights), *u = tile.array(left), *y = tile.array(applied);
    auto& state = lanes.marginal;
    const SinkhornKernel& self = *this;
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (int lane = 0; lane < L::width; ++lane)
        self.try_factor(lanes, lane,
                        lanes.instance[lane] < 0
                            ? 0.0
                            : state.log_factor[state.target][lane] + state.log_masses[lane]);
    });
    team.team_barrier();
    add_rows<L, 3>(
        team, source, partial, lanes.sums,
        [&](int row, int pack, Pack(&sums)[3]) OTFLEET_INLINE_LAMBDA {
          const int at = pack * L::pack_width;
          const auto product = Domain::times(
              Domain::load(y, row, pack),
              ExtendedRange<Pack>{L::load(state.mantissa + at), L::load(state.exponent + at)});
          const Pack marginal = Domain::marginal(Domain::load(u, row, pack), product);
          const Pack asked = load_plain<L>(a, row, pack) * Domain::at_most_one(product);
          sums[0] = sums[0] + abs(marginal - asked);
          sums[1] = sums[1] + marginal;
          sums[2] = sums[2] + asked;
        });
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (int lane = 0; lane < L::width; ++lane) {
        const Scalar mass = lanes.sums[L::width + lane], asked = lanes.sums[2 * L::width + lane];
        const Scalar whole = mass > asked ? mass : asked;
        if (whole > 0) lanes.sums[lane] /= whole;
      }
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void find_bounded_constants(const Team<ExecutionSpace>& team,
                                              const LaneState& lanes, int lane, double& source,
                                              double& target) const {
    const int k = lanes.instance[lane];
    const auto& state = lanes.marginal;
    source = settings.epsilon * ::log(problems.source.mass(problems.source_index(k)));
    target = settings.epsilon * ::log(problems.target.mass(problems.target_index(k)));
    const double potential =
        settings.epsilon * state.log_factor[state.target][lane] * 0.693147180559945309417 - source +
        marginals.cost_minimum;
    Kokkos::single(Kokkos::PerTeam(team), [&]() { marginals.mass_potential(k) = potential; });
  }
};

}  // namespace otfleet::kernels
