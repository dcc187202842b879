#include "kernels/sinkhorn/sinkhorn.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/sinkhorn/launch.hpp"
#include "kernels/sinkhorn/supports.hpp"
#include "kernels/sinkhorn/tile_access.hpp"

namespace otfleet::kernels {

template <class Scalar>
bool scaling_is_safe(const SeparableCost& cost, double epsilon, double smallest_weight) {
  const double exponents = 3 * cost.range() / epsilon +
                           std::log(static_cast<double>(cost.n()) * cost.m()) -
                           std::log(smallest_weight);
  // Room for the rounding of a sum: terms that underflow must not matter.
  const double room = -std::log(std::numeric_limits<Scalar>::epsilon());
  return exponents + room <= std::log(std::numeric_limits<Scalar>::max());
}

namespace {

template <class Domain_, class ExecutionSpace>
struct SinkhornKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Scalar = typename Domain::Scalar;
  using Pack = typename Domain::Pack;

  using Memory = typename Domain::Memory;

  enum Array { source_weights, target_weights, left, right, applied, scratch };
  static constexpr int arrays = scratch + Domain::scratch_arrays;

  AxisChain<Scalar> to_target, to_source;  ///< of the whole cost
  ProblemBatch<ExecutionSpace> problems;
  SinkhornSettings settings;
  bool from_zeros;
  Matrix<double, ExecutionSpace> f;
  Vector<int, ExecutionSpace> iterations, status;
  Matrix<double, ExecutionSpace> trace;
  Supports<ExecutionSpace> supports;
  Vector<Scalar, ExecutionSpace> memory;
  long rows = 0;
  Vector<int, ExecutionSpace>
      next;  ///< [1], the first position in the order that no lane has taken

  /// What a team knows about its lanes.
  struct LaneState {
    Scalar error[L::width];
    int instance[L::width];  ///< −1: idle
    int iteration[L::width];
    int finished[L::width];
    int active, finishing;
    Region all_sources, all_targets;  ///< what the active lanes share
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(LaneState) + sizeof(Scalar) * L::width * team_size + 128;
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const Memory tile = team_tile<Domain>(team, memory, arrays, rows);
    LaneState& lanes = *static_cast<LaneState*>(
        team.team_shmem().get_shmem_aligned(sizeof(LaneState), alignof(LaneState)));
    Scalar* partial = static_cast<Scalar*>(
        team.team_shmem().get_shmem_aligned(sizeof(Scalar) * L::width * team.team_size(), 64));

    Scalar* u = tile.array(left);
    Scalar* v = tile.array(right);
    Scalar* y = tile.array(applied);
    const Scalar* a = tile.array(source_weights);
    const Scalar* b = tile.array(target_weights);

    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)),
                         [&](int lane) { take_instance(lanes, lane); });
    team.team_barrier();
    fill_lanes(team, tile, lanes);

    while (lanes.active > 0) {
      const AxisChain<Scalar> forward = to_target.within(lanes.all_sources, lanes.all_targets);
      const AxisChain<Scalar> backward = to_source.within(lanes.all_targets, lanes.all_sources);
      Domain::apply(team, forward, u, y, tile, scratch);
      for_rows<L>(team, forward.to, [&](int row, int pack) {
        Domain::store(v, row, pack,
                      Domain::fit(load_plain<L>(b, row, pack), Domain::load(y, row, pack)));
      });
      Domain::apply(team, backward, v, y, tile, scratch);
      sum_rows<L>(team, backward.to, partial, lanes.error, [&](int row, int pack) {
        return abs(Domain::marginal(Domain::load(u, row, pack), Domain::load(y, row, pack)) -
                   load_plain<L>(a, row, pack));
      });
      judge(team, lanes);
      if (lanes.finishing > 0) store_finished(team, u, lanes);
      for_rows<L>(team, backward.to, [&](int row, int pack) {
        Domain::store(u, row, pack,
                      Domain::fit(load_plain<L>(a, row, pack), Domain::load(y, row, pack)));
      });
      if (lanes.finishing > 0) {
        Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)), [&](int lane) {
          if (lanes.finished[lane]) take_instance(lanes, lane);
        });
        team.team_barrier();
        fill_lanes(team, tile, lanes);
      }
    }
  }

  /// Gives a lane the next instance, if one is left.
  KOKKOS_FUNCTION void take_instance(LaneState& lanes, int lane) const {
    const int position = Kokkos::atomic_fetch_add(&next(0), 1);
    lanes.finished[lane] = 1;
    lanes.instance[lane] = position < problems.size() ? supports.order(position) : -1;
  }

  /// Loads every lane marked finished with its new instance. A lane that gets none holds no weight
  /// from now on and asks for no work.
  KOKKOS_FUNCTION void fill_lanes(const Team<ExecutionSpace>& team, const Memory& tile,
                                  LaneState& lanes) const {
    const int n = to_target.in_points(), m = to_target.out_points();
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane]) continue;
      const int k = lanes.instance[lane];
      if (k < 0) {
        clear_lane(team, tile, lane);
        continue;
      }
      const int source = problems.source_index(k), target = problems.target_index(k);
      const double* a = &problems.source.weights(source, 0);
      const double* b = &problems.target.weights(target, 0);
      const double scale = problems.source.mass(source) / problems.target.mass(target);
      load_weights<L>(team, a, 1.0, n, lane, tile.array(source_weights));
      load_weights<L>(team, b, scale, m, lane, tile.array(target_weights));
      load_potential<Domain, ExecutionSpace>(team, from_zeros ? nullptr : &f(k, 0), a,
                                             settings.epsilon, n, lane, tile.array(left));
    }
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.active = 0;
      for (int lane = 0; lane < L::width; ++lane) {
        const int k = lanes.instance[lane];
        if (lanes.finished[lane]) lanes.iteration[lane] = 0;
        lanes.finished[lane] = 0;
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
  KOKKOS_FUNCTION void judge(const Team<ExecutionSpace>& team, LaneState& lanes) const {
    const SinkhornSettings s = settings;
    const auto& all_status = status;
    const auto& all_iterations = iterations;
    const auto& all_errors = trace;
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.finishing = 0;
      for (int lane = 0; lane < L::width; ++lane) {
        const int k = lanes.instance[lane], t = lanes.iteration[lane];
        if (k < 0) continue;
        const double error = static_cast<double>(lanes.error[lane]);
        if (t < static_cast<int>(all_errors.extent(1))) all_errors(k, t) = error;
        Status verdict = Status::converged;
        bool finished = t % s.inner_iterations == 0 && error < s.threshold;
        if (!(error <= Kokkos::Experimental::finite_max<double>::value)) {
          finished = true;
          verdict = Status::not_finite;
        } else if (!finished && t >= s.max_iterations) {
          finished = true;
          verdict = error < s.threshold ? Status::converged : Status::iteration_limit;
        }
        if (finished) {
          all_status(k) = static_cast<int>(verdict);
          all_iterations(k) = t;
          lanes.finished[lane] = 1;
          ++lanes.finishing;
        } else {
          ++lanes.iteration[lane];
        }
      }
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void store_finished(const Team<ExecutionSpace>& team, const Scalar* u,
                                      const LaneState& lanes) const {
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane]) continue;
      const int k = lanes.instance[lane];
      store_potential<Domain, ExecutionSpace>(
          team, u, &problems.source.weights(problems.source_index(k), 0), settings.epsilon, 0.0,
          to_target.in_points(), lane, &f(k, 0));
    }
  }
};

template <class Domain, class ExecutionSpace>
void run(const ExecutionSpace& space, const SeparableCost& cost,
         const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
         bool from_zeros, const Matrix<double, ExecutionSpace>& f,
         const Vector<int, ExecutionSpace>& iterations, const Vector<int, ExecutionSpace>& status,
         const Matrix<double, ExecutionSpace>& trace) {
  using Gibbs = GibbsKernel<ExecutionSpace, typename Domain::Scalar>;
  const Gibbs gibbs(cost, settings.epsilon);
  SinkhornKernel<Domain, ExecutionSpace> kernel{
      gibbs.gibbs(Gibbs::Direction::to_target),
      gibbs.gibbs(Gibbs::Direction::to_source),
      problems,
      settings,
      from_zeros,
      f,
      iterations,
      status,
      trace,
      find_supports(space, cost, problems),
      {},
      0,
      Vector<int, ExecutionSpace>("otfleet::sinkhorn::next", 1)};
  launch_tiles(space, "otfleet::sinkhorn::iterate", kernel, problems.size(), cost.max_points());
}

}  // namespace

template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const SeparableCost& cost,
              const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
              bool from_zeros, const Matrix<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace) {
  check_batch(cost, problems, settings.epsilon);
  const auto batch = static_cast<std::size_t>(problems.size());
  if (batch == 0) return;
  if (!(settings.threshold > 0)) throw std::invalid_argument("threshold must be > 0");
  if (settings.inner_iterations < 1) throw std::invalid_argument("inner_iterations must be >= 1");
  if (settings.max_iterations < 0) throw std::invalid_argument("max_iterations must be >= 0");
  check_rows("f", f, problems.size(), cost.n());
  if (iterations.extent(0) != batch || status.extent(0) != batch ||
      (error_trace.extent(1) > 0 && error_trace.extent(0) != batch))
    throw std::invalid_argument("outputs do not have one row for each of the " +
                                std::to_string(batch) + " problems");

  const bool safe = scaling_is_safe<Scalar>(cost, settings.epsilon, problems.smallest_weight());
  if (settings.path == Path::scaling && !safe)
    throw std::invalid_argument("the scaling path is not safe for this cost and epsilon");
  using L = Lanes<ExecutionSpace, Scalar>;
  if (safe && settings.path != Path::extended)
    run<ScalingDomain<L>>(space, cost, problems, settings, from_zeros, f, iterations, status,
                          error_trace);
  else
    run<ExtendedDomain<L>>(space, cost, problems, settings, from_zeros, f, iterations, status,
                           error_trace);
}

#define OTFLEET_INSTANTIATE(Scalar)                                                      \
  template bool scaling_is_safe<Scalar>(const SeparableCost&, double, double);           \
  template void sinkhorn<Scalar, Kokkos::DefaultExecutionSpace>(                         \
      const Kokkos::DefaultExecutionSpace&, const SeparableCost&,                        \
      const ProblemBatch<Kokkos::DefaultExecutionSpace>&, const SinkhornSettings&, bool, \
      const Matrix<double, Kokkos::DefaultExecutionSpace>&,                              \
      const Vector<int, Kokkos::DefaultExecutionSpace>&,                                 \
      const Vector<int, Kokkos::DefaultExecutionSpace>&,                                 \
      const Matrix<double, Kokkos::DefaultExecutionSpace>&);
OTFLEET_INSTANTIATE(float)
OTFLEET_INSTANTIATE(double)

}  // namespace otfleet::kernels
