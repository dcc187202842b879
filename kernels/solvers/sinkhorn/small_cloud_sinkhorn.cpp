#include <cmath>

#include "kernels/operators/in_lanes/small_cloud_tile.hpp"
#include "kernels/operators/shifts.hpp"
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/sinkhorn/small_cloud_sinkhorn.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Sinkhorn's iteration on tiles of small problems; a lane that is done takes the next problem.
/// Potentials are to base 2 in units of epsilon and have taken up the terms of single points where
/// the form of the cost is a product, as in cloud_sinkhorn.cpp.
template <class Cost, class ExecutionSpace, class Scalar>
struct SmallSinkhornKernel {
  using Tile = SmallTile<ExecutionSpace, Scalar>;
  using Domain = typename Tile::Domain;
  using L = typename Tile::L;
  using Pack = typename Tile::Pack;
  using TeamMember = Team<ExecutionSpace>;
  static constexpr int arrays = 1;  // of a tile's whole rows, see launch_tiles()
  static constexpr int block = Tile::block;
  static constexpr int source = Tile::source, target = Tile::target;
  /// The plain update before, of source points.
  static constexpr int previous = Tile::extra;

  SmallClouds<ExecutionSpace> problems;
  SinkhornSettings settings;
  bool from_zeros;
  double scale, norm_scale, factor;  ///< as in cloud_sinkhorn.cpp
  typename Tile::template CostUnits<Cost> units;
  double* f;
  Vector<int, ExecutionSpace> iterations, status;
  Matrix<double, ExecutionSpace> trace;
  Vector<int, ExecutionSpace> replaced;
  Vector<int, ExecutionSpace> next;  ///< [1], the first problem that no lane has taken
  Vector<Scalar, ExecutionSpace> memory = {};
  int capacity[2] = {};
  long rows = 0;

  /// What is summed over the source points: |P1 − a|; (a − P1) · change, the slope of the semi-dual
  /// along the last change of the plain update; a · change.
  enum Sum { error, slope, mean_change, sums };
  using Start = InstanceControl::Start;

  /// What a team knows about its lanes.
  struct LaneState {
    Scalar stale[2][L::width];  ///< > 0: a side's shifts are too far from its next sums
    Scalar factor[L::width];    ///< Momentum::factor
    Scalar mean[L::width];      ///< Momentum::mean
    Momentum<Scalar> momentum[L::width];
    InstanceControl control[L::width];
    StopRule rule[L::width];
    double largest[L::width];
    int problem[L::width];   ///< in the order of `problems`; −1: idle
    int count[2][L::width];  ///< points
    int used[2][L::width];   ///< rows that are no padding, or no longer
    int finished[L::width];  ///< store, then load the next problem
    int reload[L::width];    ///< load the same problem from its other start
    int active, changing;
    int rows[2];  ///< of the largest problem
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(LaneState) + sizeof(Scalar) * L::width * sums * team_size + 128;
  }

  KOKKOS_FUNCTION void operator()(const TeamMember& team) const {
    Tile tile{memory.data() + team.league_rank() * rows * L::width,
              {capacity[0], capacity[1]},
              problems.dimension()};
    LaneState& lanes = *static_cast<LaneState*>(
        team.team_shmem().get_shmem_aligned(sizeof(LaneState), alignof(LaneState)));
    Scalar* const partial = static_cast<Scalar*>(team.team_shmem().get_shmem_aligned(
        sizeof(Scalar) * L::width * sums * team.team_size(), 64));
    tile.clear(team);
    for_lanes<L>(team, [&](int lane) {
      lanes.used[source][lane] = lanes.used[target][lane] = 0;
      lanes.finished[lane] = 1;
      lanes.reload[lane] = 0;
    });
    fill_lanes(team, tile, lanes);

    while (lanes.active > 0) {
      fit_target(team, tile, lanes, partial);
      find_stale(team, lanes, source, partial);
      sum_sources(team, tile, lanes, partial);
      test_lanes(team, lanes, partial);
      if (lanes.changing > 0) store_finished(team, tile, lanes);
      fit_source(team, tile, lanes, partial);
      find_stale(team, lanes, target, partial);
      if (lanes.changing > 0) fill_lanes(team, tile, lanes);
    }
  }

  /// The half-step: potentials and shifts of the target; its largest change into `partial`.
  KOKKOS_FUNCTION void fit_target(const TeamMember& team, const Tile& tile, const LaneState& lanes,
                                  Scalar* partial) const {
    for_row_blocks<Tile, 1, ExecutionSpace>(
        team, lanes.rows[target], partial, [&](int row, int lane, Pack(&change)[1]) {
          Pack logarithm[block];
          tile.log_sums(units, target, row, lanes.rows[source], lane,
                        L::load(lanes.stale[target] + lane), logarithm);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            Scalar* const potential = tile.array(target, Tile::potential) + at;
            const Pack after = L::load(tile.array(target, Tile::log_weight) + at) - logarithm[r];
            change[0] = max(change[0], abs(after - L::load(potential)));
            L::store(potential, after);
            L::store(tile.array(target, Tile::shift) + at, logarithm[r]);
          }
        });
  }

  /// The logarithm of the source's sums into its shifts, what is summed into `partial`.
  KOKKOS_FUNCTION void sum_sources(const TeamMember& team, const Tile& tile, const LaneState& lanes,
                                   Scalar* partial) const {
    for_row_blocks<Tile, sums, ExecutionSpace>(
        team, lanes.rows[source], partial, [&](int row, int lane, Pack(&total)[sums]) {
          Pack logarithm[block];
          tile.log_sums(units, source, row, lanes.rows[target], lane,
                        L::load(lanes.stale[source] + lane), logarithm);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            const Pack weight = L::load(tile.array(source, Tile::weight) + at), none(Scalar(0));
            const Pack marginal =
                exp2_bounded(L::load(tile.array(source, Tile::potential) + at) + logarithm[r]);
            const Pack update = L::load(tile.array(source, Tile::log_weight) + at) - logarithm[r];
            const Pack step = update - L::load(tile.array(source, previous) + at);
            // Padding adds nothing at all: no bit of a sum may depend on how much of it there is.
            const Pack missing = if_greater(weight, none, weight - marginal, none);
            total[error] = total[error] + abs(missing);
            total[slope] = total[slope] + missing * step;
            total[mean_change] = total[mean_change] + weight * step;
            L::store(tile.array(source, Tile::shift) + at, logarithm[r]);
          }
        });
  }

  /// The update of the source's potential, with momentum; its largest change into `partial`.
  KOKKOS_FUNCTION void fit_source(const TeamMember& team, const Tile& tile, const LaneState& lanes,
                                  Scalar* partial) const {
    for_row_blocks<Tile, 1, ExecutionSpace>(
        team, lanes.rows[source], partial, [&](int row, int lane, Pack(&change)[1]) {
          const Pack factor_here = L::load(lanes.factor + lane), mean = L::load(lanes.mean + lane);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            Scalar* const potential = tile.array(source, Tile::potential) + at;
            Scalar* const last = tile.array(source, previous) + at;
            const Pack update = L::load(tile.array(source, Tile::log_weight) + at) -
                                L::load(tile.array(source, Tile::shift) + at);
            const Pack after =
                update + Momentum<Scalar>::beyond(factor_here, update - L::load(last), mean);
            change[0] = max(change[0], abs(after - L::load(potential)));
            L::store(potential, after);
            L::store(last, update);
          }
        });
  }

  /// After the other side's potentials have changed: terms of a sum with an old shift stay below
  /// 2^60 when nothing has moved by more, and the sum above 2^−60.
  KOKKOS_FUNCTION void find_stale(const TeamMember& team, LaneState& lanes, int side,
                                  const Scalar* partial) const {
    for_lanes<L>(team, [&](int lane) {
      bool fits = side == target || lanes.control[lane].iteration > 0;
      for (int worker = 0; worker < team.team_size(); ++worker)
        fits = fits && partial[Tile::at(worker, lane)] <= Scalar(most_shift_drift);
      lanes.stale[side][lane] = fits ? Scalar(0) : Scalar(1);
    });
  }

  /// Decides, lane by lane, who is finished, and counts one more iteration for the others.
  KOKKOS_FUNCTION void test_lanes(const TeamMember& team, LaneState& lanes,
                                  const Scalar* partial) const {
    const SmallSinkhornKernel& self = *this;
    for_lanes<L>(team, [&](int lane) {
      if (lanes.problem[lane] < 0) return;
      double total[sums];
      for (int c = 0; c < sums; ++c)
        total[c] = static_cast<double>(lane_sum<Tile>(team, partial, c, lane));
      // What is not a number has spread to the padding.
      if (!(total[error] <= Kokkos::Experimental::finite_max<double>::value))
        for (int side = 0; side < 2; ++side) lanes.used[side][lane] = self.capacity[side];
      const auto next = self.next_step(lanes, lane, total[error]);
      if (next == InstanceControl::Next::other_start) {
        lanes.reload[lane] = 1;
      } else if (next == InstanceControl::Next::stop ||
                 !self.is_let_go_on(lanes, lane, total[error])) {
        lanes.finished[lane] = 1;
      } else {
        ++lanes.control[lane].iteration;
        self.set_momentum(lanes, lane, total);
      }
    });
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.changing = 0;
      for (int lane = 0; lane < L::width; ++lane)
        lanes.changing += lanes.finished[lane] + lanes.reload[lane];
    });
    team.team_barrier();
  }

  /// What the observer says. Where it says no, the lane ends with the status that all have from the
  /// beginning.
  KOKKOS_FUNCTION bool is_let_go_on(const LaneState& lanes, int lane, double share) const {
    const int k = problems.problems(lanes.problem[lane]).k;
    const int t = lanes.control[lane].iteration;
    if (may_go_on<ExecutionSpace>(settings.observer, k, t, share)) return true;
    iterations(k) = t;
    return false;
  }

  KOKKOS_FUNCTION InstanceControl::Next next_step(LaneState& lanes, int lane, double share) const {
    const int k = problems.problems(lanes.problem[lane]).k, t = lanes.control[lane].iteration;
    const auto step = lanes.control[lane].step(lanes.rule[lane], share, settings.doubtful_error);
    if (step.takes_zeros && replaced.extent(0) > 0) replaced(k) = 1;
    if (step.next == InstanceControl::Next::other_start) return step.next;
    if (t < static_cast<int>(trace.extent(1))) trace(k, t) = share;
    if (step.next == InstanceControl::Next::stop) {
      status(k) = static_cast<int>(step.why);
      iterations(k) = t;
    }
    return step.next;
  }

  KOKKOS_FUNCTION void set_momentum(LaneState& lanes, int lane, const double* total) const {
    if (settings.acceleration != Acceleration::momentum) return;
    lanes.momentum[lane].update(total[slope], static_cast<Scalar>(total[mean_change]));
    lanes.factor[lane] = lanes.momentum[lane].factor;
    lanes.mean[lane] = lanes.momentum[lane].mean;
  }

  /// The terms of a single point that its potential has taken up.
  KOKKOS_FUNCTION double norm(const SmallProblem& problem, int i) const {
    double sum = 0;
    if (norm_scale > 0)
      for (int k = 0; k < problems.dimension(); ++k) {
        const double x = problems.coordinate(problem, source, i, k);
        sum += x * x;
      }
    return sum * norm_scale;
  }

  KOKKOS_FUNCTION void store_finished(const TeamMember& team, const Tile& tile,
                                      const LaneState& lanes) const {
    const auto for_finished = [&](const auto& body) {
      for (int lane = 0; lane < L::width; ++lane)
        if (lanes.finished[lane]) body(lane, problems.problems(lanes.problem[lane]));
      team.team_barrier();
    };
    for_finished([&](int, const SmallProblem& problem) {
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, problem.size[source]), [&](int i) {
        f[problem.begin[source] + i] = -Kokkos::Experimental::infinity<double>::value;
      });
    });
    for_finished([&](int lane, const SmallProblem& problem) {
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, lanes.count[source][lane]), [&](int row) {
        const int i = tile.point(source, row, lane);
        const auto potential =
            static_cast<double>(tile.array(source, Tile::potential)[Tile::at(row, lane)]);
        f[problem.begin[source] + i] = (potential + norm(problem, i)) / scale;
      });
    });
  }

  /// Loads every lane marked finished with the next problem, and those marked reload with their
  /// other start. A lane that gets none becomes padding and asks for no work.
  KOKKOS_FUNCTION void fill_lanes(const TeamMember& team, const Tile& tile,
                                  LaneState& lanes) const {
    const SmallSinkhornKernel& self = *this;
    for_lanes<L>(team, [&](int lane) {
      if (!lanes.finished[lane] && !lanes.reload[lane]) return;
      if (lanes.finished[lane]) self.take_problem(tile, lanes, lane);
      if (lanes.problem[lane] >= 0 && !self.begins_at_zero(lanes, lane))
        lanes.largest[lane] = tile.largest_potential(
            self.f + self.problems.problems(lanes.problem[lane]).begin[source],
            lanes.count[source][lane], lane);
      lanes.control[lane].begin();
      lanes.momentum[lane] = {};
      lanes.factor[lane] = lanes.mean[lane] = 0;
      lanes.stale[target][lane] = 1;
    });
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane] && !lanes.reload[lane]) continue;
      load_lane(team, tile, lane, lanes.count, lanes.used,
                [&](int side, int row) { self.load_row(tile, lanes, side, row, lane); });
    }
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.active = lanes.rows[source] = lanes.rows[target] = 0;
      for (int lane = 0; lane < L::width; ++lane) {
        for (int side = 0; side < 2 && lanes.finished[lane] + lanes.reload[lane] > 0; ++side)
          lanes.used[side][lane] = lanes.count[side][lane];
        lanes.finished[lane] = lanes.reload[lane] = 0;
        lanes.active += lanes.problem[lane] >= 0;
        for (int side = 0; side < 2; ++side)
          lanes.rows[side] = lanes.count[side][lane] > lanes.rows[side] ? lanes.count[side][lane]
                                                                        : lanes.rows[side];
      }
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void take_problem(const Tile& tile, LaneState& lanes, int lane) const {
    const bool ended = has_ended<ExecutionSpace>(settings.observer);
    const int position = ended ? problems.size() : Kokkos::atomic_fetch_add(&next(0), 1);
    const bool any = position < problems.size();
    lanes.problem[lane] = any ? position : -1;
    lanes.control[lane].start = from_zeros ? Start::settled : Start::given;
    if (any)
      lanes.rule[lane] =
          settings.stop_rule(rounding_error<Scalar>(scale * problems.problems(position).bound));
    for (int side = 0; side < 2; ++side)
      lanes.count[side][lane] =
          any ? tile.find_support(problems, problems.problems(position), side, lane) : 0;
  }

  KOKKOS_FUNCTION bool begins_at_zero(const LaneState& lanes, int lane) const {
    return from_zeros || lanes.control[lane].start == Start::zeros_instead;
  }

  KOKKOS_FUNCTION void load_row(const Tile& tile, const LaneState& lanes, int side, int row,
                                int lane) const {
    const SmallProblem& problem = problems.problems(lanes.problem[lane]);
    if (lanes.finished[lane]) {
      tile.load_row(problems, problem, side, row, lane, factor);
      if constexpr (is_stored<Cost>)
        if (side == source)
          tile.load_costs(problems, problem, row, lanes.count[target][lane], lane);
    }
    double start = 0;
    if (side == source) {
      const int i = tile.point(source, row, lane);
      if (!begins_at_zero(lanes, lane))
        start = (f[problem.begin[source] + i] - lanes.largest[lane]) * scale;
      start -= norm(problem, i);
    }
    const long at = Tile::at(row, lane);
    tile.array(side, Tile::potential)[at] = static_cast<Scalar>(start);
    tile.array(side, Tile::shift)[at] = 0;
    tile.array(side, previous)[at] = 0;
  }
};

}  // namespace

template <class Scalar, class ExecutionSpace>
void solve_small_clouds(const ExecutionSpace& space, const SmallClouds<ExecutionSpace>& problems,
                        const CloudProblems<ExecutionSpace>& batch,
                        const SinkhornSettings& settings, bool from_zeros, double* f,
                        const Vector<int, ExecutionSpace>& iterations,
                        const Vector<int, ExecutionSpace>& status,
                        const Matrix<double, ExecutionSpace>& error_trace,
                        const Vector<int, ExecutionSpace>& replaced) {
  if (problems.size() == 0) return;
  if (settings.observer != nullptr)
    Kokkos::parallel_for(
        "otfleet::clouds::begin_small",
        Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()), KOKKOS_LAMBDA(int at) {
          const int k = problems.problems(at).k;
          status(k) = static_cast<int>(Status::ended);
          iterations(k) = 0;
        });
  const double scale = 1 / (settings.epsilon * std::log(2.0));
  with_cost(batch, [&](const auto& typed) {
    const auto form = iteration_form(typed);
    const auto units = typed.iteration_units(scale);
    SmallSinkhornKernel<std::remove_const_t<decltype(form)>, ExecutionSpace, Scalar> kernel{
        problems,
        settings,
        from_zeros,
        scale,
        units.norm_scale,
        units.factor,
        {form, static_cast<Scalar>(scale)},
        f,
        iterations,
        status,
        error_trace,
        replaced,
        Vector<int, ExecutionSpace>("otfleet::clouds::next", 1)};
    launch_small_tiles(space, "otfleet::clouds::solve_small", kernel);
  });
}

#define OTFLEET_INSTANTIATE(Space, Scalar)                                  \
  template void solve_small_clouds<Scalar, Space>(                          \
      const Space&, const SmallClouds<Space>&, const CloudProblems<Space>&, \
      const SinkhornSettings&, bool, double*, const Vector<int, Space>&,    \
      const Vector<int, Space>&, const Matrix<double, Space>&, const Vector<int, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
