#include "kernels/sinkhorn/sinkhorn.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/sinkhorn/launch.hpp"
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

template <class Domain, class ExecutionSpace>
struct SinkhornKernel {
  using L = typename Domain::L;
  using Scalar = typename Domain::Scalar;
  using Pack = typename Domain::Pack;

  enum Array { plain_a, fitted_a, fitted_b, left, right, applied, scratch };
  static constexpr int arrays = scratch + Domain::scratch_arrays;

  AxisChain<Scalar> to_target, to_source;
  ProblemBatch<ExecutionSpace> problems;
  SinkhornSettings settings;
  bool from_zeros;
  Matrix<double, ExecutionSpace> f;
  Vector<int, ExecutionSpace> iterations, status;
  Matrix<double, ExecutionSpace> trace;
  Vector<Scalar, ExecutionSpace> memory;
  long rows = 0;
  Vector<int, ExecutionSpace> next;  ///< [1], the first instance that no lane has taken

  /// What a team knows about its lanes.
  struct LaneState {
    Scalar error[L::width];
    int instance[L::width];  ///< −1: idle
    int iteration[L::width];
    int finished[L::width];
    int active, finishing;
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(LaneState) + sizeof(Scalar) * L::width * team_size + 128;
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const TileMemory<L> tile = team_tile<L>(team, memory, arrays, rows);
    const int n = to_target.in_points, m = to_target.out_points;
    LaneState& lanes = *static_cast<LaneState*>(
        team.team_shmem().get_shmem_aligned(sizeof(LaneState), alignof(LaneState)));
    Scalar* partial = static_cast<Scalar*>(
        team.team_shmem().get_shmem_aligned(sizeof(Scalar) * L::width * team.team_size(), 64));

    Scalar* u = tile.array(left);
    Scalar* v = tile.array(right);
    Scalar* y = tile.array(applied);
    Scalar* a = tile.array(plain_a);
    Scalar* fit_a = Domain::scratch_arrays == 1 ? a : tile.array(fitted_a);
    Scalar* fit_b = tile.array(fitted_b);

    const auto& next_instance = next;
    const int batch = problems.size();
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)), [&](int lane) {
      const int k = Kokkos::atomic_fetch_add(&next_instance(0), 1);
      lanes.instance[lane] = k < batch ? k : -1;
      lanes.finished[lane] = 1;
    });
    team.team_barrier();
    fill_lanes(team, tile, lanes, fit_a);

    while (lanes.active > 0) {
      Domain::apply(team, to_target, u, y, tile, scratch);
      for_rows<L>(team, m, [&](int row, int pack) {
        const long at = static_cast<long>(row) * L::width + pack * L::pack_width;
        L::store(v + at, Domain::fit(L::load(fit_b + at), L::load(y + at)));
      });
      Domain::apply(team, to_source, v, y, tile, scratch);
      sum_rows<L>(team, n, partial, lanes.error, [&](int row, int pack) {
        const long at = static_cast<long>(row) * L::width + pack * L::pack_width;
        return abs(Domain::marginal(L::load(u + at), L::load(y + at)) - L::load(a + at));
      });
      judge(team, lanes);
      if (lanes.finishing > 0) store_finished(team, u, lanes);
      for_rows<L>(team, n, [&](int row, int pack) {
        const long at = static_cast<long>(row) * L::width + pack * L::pack_width;
        L::store(u + at, Domain::fit(L::load(fit_a + at), L::load(y + at)));
      });
      if (lanes.finishing > 0) {
        Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)), [&](int lane) {
          if (!lanes.finished[lane]) return;
          const int k = Kokkos::atomic_fetch_add(&next_instance(0), 1);
          lanes.instance[lane] = k < batch ? k : -1;
        });
        team.team_barrier();
        fill_lanes(team, tile, lanes, fit_a);
      }
    }
  }

  /// Loads every lane marked finished with its new instance. A lane without one goes on with
  /// whatever it holds, or with the first problem if it never held any: harmless arithmetic.
  KOKKOS_FUNCTION void fill_lanes(const Team<ExecutionSpace>& team, const TileMemory<L>& tile,
                                  LaneState& lanes, Scalar* fit_a) const {
    const int n = to_target.in_points, m = to_target.out_points;
    for (int lane = 0; lane < L::width; ++lane) {
      if (!lanes.finished[lane]) continue;
      const int k = lanes.instance[lane] < 0 ? 0 : lanes.instance[lane];
      const int source = problems.source_index(k), target = problems.target_index(k);
      const double* a = &problems.source.weights(source, 0);
      const double* b = &problems.target.weights(target, 0);
      const double scale = problems.source.mass(source) / problems.target.mass(target);
      load_weights<Domain, ExecutionSpace>(team, a, 1.0, n, lane, tile.array(plain_a), fit_a);
      // The target's plain weights are never needed: `applied` takes them and is overwritten.
      load_weights<Domain, ExecutionSpace>(
          team, b, scale, m, lane,
          Domain::scratch_arrays == 1 ? tile.array(fitted_b) : tile.array(applied),
          tile.array(fitted_b));
      load_potential<Domain, ExecutionSpace>(team, from_zeros ? nullptr : &f(k, 0), a,
                                             settings.epsilon, n, lane, tile.array(left));
    }
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      lanes.active = 0;
      for (int lane = 0; lane < L::width; ++lane) {
        if (lanes.finished[lane]) lanes.iteration[lane] = 0;
        lanes.finished[lane] = 0;
        lanes.active += lanes.instance[lane] >= 0;
      }
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
          to_target.in_points, lane, &f(k, 0));
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
  if (safe && settings.path != Path::logarithmic)
    run<ScalingDomain<L>>(space, cost, problems, settings, from_zeros, f, iterations, status,
                          error_trace);
  else
    run<LogDomain<L>>(space, cost, problems, settings, from_zeros, f, iterations, status,
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
