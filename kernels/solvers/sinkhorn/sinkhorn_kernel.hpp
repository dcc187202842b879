#pragma once
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/problems/supports.hpp"
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/momentum_step.hpp"
#include "kernels/solvers/sinkhorn/bounded_updates.hpp"
#include "kernels/solvers/sinkhorn/marginals.hpp"
#include "kernels/solvers/sinkhorn/penalized_updates.hpp"
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
  using Member = Team<ExecutionSpace>;
  using Sums = typename Marginals::template LaneSums<L>;
  using Penalized = PenalizedUpdates<SinkhornKernel>;
  using Bounded = BoundedUpdates<SinkhornKernel>;

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
  LearnedStart<ExecutionSpace> learned = {};  ///< if any, the start, in the place of f

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
    Sums marginal;
    InstanceControl control[L::width];
    int instance[L::width];  ///< −1: idle
    int finished[L::width];  ///< store, then load the next instance
    int reload[L::width];    ///< load the same instance from its other start
    int active, finishing, reloading;
    Region all_sources, all_targets;  ///< what the active lanes share
    /// Where an array of a lane may be anything but nothing, from the instance that it held.
    Region held_sources[L::width], held_targets[L::width];
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(LaneState) + sizeof(Scalar) * L::width * most_sums * team_size + 128;
  }

  KOKKOS_FUNCTION void operator()(const Member& team) const {
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

    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)), [&](int lane) {
      take_instance(lanes, lane);
      lanes.held_sources[lane] = to_target.from;
      lanes.held_targets[lane] = to_target.to;
    });
    team.team_barrier();
    fill_lanes(team, tile, lanes);
    if constexpr (!Marginals::exact && !Marginals::bounded)
      Penalized::sum_wanted(team, tile, lanes, partial);

    while (lanes.active > 0) {
      const AxisChain<Scalar> forward = to_target.within(lanes.all_sources, lanes.all_targets);
      const AxisChain<Scalar> backward = to_source.within(lanes.all_targets, lanes.all_sources);
      Domain::apply(team, forward, u, y, tile, scratch);
      if constexpr (Marginals::bounded)
        Bounded::fit_target(team, tile, forward.to, lanes, partial);
      else if constexpr (!Marginals::exact)
        Penalized::fit_target(*this, team, tile, forward.to, lanes, partial);
      else
        for_rows<L>(team, forward.to, [&](int row, int pack) {
          Domain::store(v, row, pack,
                        Domain::fit(load_plain<L>(b, row, pack), Domain::load(y, row, pack)));
        });
      Domain::apply(team, backward, v, y, tile, scratch);
      if constexpr (Marginals::bounded) {
        Bounded::measure_violation(team, tile, backward.to, lanes, partial);
      } else if constexpr (!Marginals::exact) {
        Penalized::measure_violation(team, tile, backward.to, lanes, partial);
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
        Bounded::fit_source(team, tile, backward.to, lanes, partial);
      } else if constexpr (!Marginals::exact) {
        Penalized::fit_source(*this, team, tile, backward.to, lanes, partial);
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
          Penalized::sum_wanted(team, tile, lanes, partial);
      }
    }
  }

  /// The plain update into `updated`, how its logarithm changed since the last one into `change`,
  /// and the sums.
  KOKKOS_FUNCTION void measure_change(const Member& team, const Memory& tile, const Region& source,
                                      LaneState& lanes, Scalar* partial) const {
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
  KOKKOS_FUNCTION void accelerate(const Member& team, const Memory& tile, const Region& source,
                                  const LaneState& lanes) const {
    Scalar* u = tile.array(left);
    const Scalar *update = tile.array(updated), *changes = tile.array(change);
    for_rows<L>(team, source, [&](int row, int pack) {
      const Pack factor = L::load(lanes.factor + pack * L::pack_width);
      const Pack center = L::load(lanes.center + pack * L::pack_width);
      const Pack exponent = factor * load_plain<L>(changes, row, pack) - center;
      Domain::store(u, row, pack,
                    times_limited_exp<Domain>(Domain::load(update, row, pack), exponent));
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
  KOKKOS_FUNCTION void fill_lanes(const Member& team, const Memory& tile, LaneState& lanes) const {
    const int n = to_target.in_points();
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane] && !lanes.reload[lane]) continue;
      const int k = lanes.instance[lane];
      if (k < 0) {
        clear_lane(team, tile, lane);
        continue;
      }
      const int source = problems.source_index(k), target = problems.target_index(k);
      const double* a = &problems.source.weights(source, 0);
      Region sources = supports.source(k), targets = supports.target(k);
      sources.include(lanes.held_sources[lane]);
      targets.include(lanes.held_targets[lane]);
      if (lanes.finished[lane]) {
        const double* b = &problems.target.weights(target, 0);
        load_weights<L>(team, a, sources, lane, tile.array(source_weights));
        load_weights<L>(team, b, targets, lane, tile.array(target_weights));
      }
      const bool zeros = from_zeros || lanes.control[lane].start == Start::zeros_instead;
      if constexpr (!Marginals::exact)
        if (zeros) Penalized::load_weights_as_potential(team, a, n, lane, tile.array(left));
      if constexpr (Marginals::bounded) {
        if (!zeros) Bounded::load_potential(*this, team, k, a, lane, tile.array(left));
        Bounded::begin_search(*this, team, k, lane, lanes);
        continue;
      }
      if constexpr (Marginals::exact) {
        if (!zeros && learned.any()) {
          load_learned<Domain>(team, learned, k, a, settings.epsilon, sources, lane,
                               tile.array(scratch), tile.array(left));
          continue;
        }
      }
      if (Marginals::exact || !zeros)
        load_potential<Domain, ExecutionSpace>(team, zeros ? nullptr : &f(k, 0), a,
                                               settings.epsilon, sources, lane, tile.array(left));
      if constexpr (!Marginals::exact && !Marginals::bounded)
        Penalized::load_wanted(*this, team, tile, zeros, k, a, lane, lanes);
    }
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.active = 0;
      for (int lane = 0; lane < L::width; ++lane) {
        const int k = lanes.instance[lane];
        if (lanes.finished[lane] && k >= 0) {
          lanes.held_sources[lane] = supports.source(k);
          lanes.held_targets[lane] = supports.target(k);
        }
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

  KOKKOS_FUNCTION void clear_lane(const Member& team, const Memory& tile, int lane) const {
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
  KOKKOS_FUNCTION void test_lanes(const Member& team, LaneState& lanes) const {
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
    if constexpr (Backend<ExecutionSpace>::observes_iterations) {
      if (settings.observer == nullptr) return true;
      const auto made = [&](int lane) { return lanes.control[lane].iteration; };
      int furthest = -1;
      for (int lane = 0; lane < L::width; ++lane)
        if (lanes.instance[lane] >= 0 && (furthest < 0 || made(lane) > made(furthest)))
          furthest = lane;
      if (may_go_on<ExecutionSpace>(settings.observer, lanes.instance[furthest], made(furthest),
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

  KOKKOS_FUNCTION void store_finished(const Member& team, const Memory& tile,
                                      const LaneState& lanes) const {
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane]) continue;
      const int k = lanes.instance[lane];
      double constant = 0;
      if constexpr (!Marginals::exact) {
        double target_constant = 0;
        if constexpr (Marginals::bounded)
          Bounded::find_constants(*this, team, lanes, lane, constant, target_constant);
        else
          Penalized::find_constants(*this, lanes, lane, constant, target_constant);
        store_potential<Domain, ExecutionSpace>(
            team, tile.array(right), &problems.target.weights(problems.target_index(k), 0),
            settings.epsilon, target_constant, supports.target(k), lane, &marginals.g(k, 0));
      }
      store_potential<Domain, ExecutionSpace>(
          team, tile.array(left), &problems.source.weights(problems.source_index(k), 0),
          settings.epsilon, constant, supports.source(k), lane, &f(k, 0));
    }
  }
};

}  // namespace otfleet::kernels
