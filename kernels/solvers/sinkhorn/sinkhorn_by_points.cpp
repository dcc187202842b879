#include "kernels/solvers/sinkhorn/sinkhorn_by_points.hpp"

#include <algorithm>

#include "kernels/lanes/row_products.hpp"
#include "kernels/operators/in_lanes/domain.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/problems/supports.hpp"
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/momentum_step.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// The box of one side's support: `runs` rows of points, each `stride` numbers long, of which the
/// first `length` are points and the rest holds no weight.
struct Box {
  Region region;
  int runs, length, packs;
  long stride;

  template <class L>
  KOKKOS_FUNCTION static Box around(const Region& region) {
    const int packs = (region.run_length() + L::pack_width - 1) / L::pack_width;
    return {region, region.runs(), region.run_length(), packs,
            static_cast<long>(packs) * L::pack_width};
  }
  KOKKOS_FUNCTION long numbers() const { return runs * stride; }
};

/// One problem after the other on the thread of a team.
template <class Scalar_, class ExecutionSpace>
struct ByPoints {
  using Scalar = Scalar_;
  using L = PointLanes<ExecutionSpace, Scalar>;  ///< of a row
  using All = Lanes<ExecutionSpace, Scalar>;     ///< of a whole box, point by point
  using Pack = typename All::Pack;
  using Domain = ScalingDomain<All>;
  using DoubleLanes = Lanes<ExecutionSpace, double>;
  using Member = Team<ExecutionSpace>;
  using Start = InstanceControl::Start;

  AxisChain<Scalar> to_target, to_source;
  ProblemBatch<ExecutionSpace> problems;
  SinkhornSettings settings;
  StopRule rule;
  bool from_zeros;
  Matrix<double, ExecutionSpace> f;
  Vector<int, ExecutionSpace> iterations, status;
  Matrix<double, ExecutionSpace> trace;
  Vector<int, ExecutionSpace> replaced;
  LearnedStart<ExecutionSpace> learned;
  Supports<ExecutionSpace> supports;
  Vector<Scalar, ExecutionSpace> memory;
  long side_numbers, memory_numbers;  ///< of an array; of a team

  /// Of one problem: its arrays, in rows of a box.
  struct Work {
    Box source, target;
    Scalar *a, *b, *u, *v, *at_source, *at_target, *updated, *change, *between[2];
  };
  static constexpr int arrays = 10;

  KOKKOS_FUNCTION void operator()(const Member& team) const {
    for (int k = team.league_rank(); k < problems.size(); k += team.league_size())
      if (!has_ended<ExecutionSpace>(settings.observer)) solve(team, k);
  }

  KOKKOS_FUNCTION void solve(const Member& team, int k) const {
    Work work;
    work.source = Box::template around<L>(supports.source(k));
    work.target = Box::template around<L>(supports.target(k));
    Scalar* next = &memory(team.league_rank() * memory_numbers);
    Scalar** const all[arrays] = {
        &work.a, &work.u, &work.at_source, &work.updated,    &work.change,
        &work.b, &work.v, &work.at_target, &work.between[0], &work.between[1]};
    for (int array = 0; array < arrays; ++array, next += side_numbers) *all[array] = next;
    for (int array = 0; array < 5; ++array) clear_beyond(work.source, *all[array]);
    for (int array = 5; array < 8; ++array) clear_beyond(work.target, *all[array]);
    const double* const a = &problems.source.weights(problems.source_index(k), 0);
    load_weights(work.source, a, work.a);
    load_weights(work.target, &problems.target.weights(problems.target_index(k), 0), work.b);

    InstanceControl control;
    control.start = from_zeros ? Start::settled : Start::given;
    Momentum<Scalar> momentum;
    const auto begin = [&] {
      control.begin();
      momentum = {};
      load_start(team, k, from_zeros || control.start == Start::zeros_instead, a, work);
      for (long i = 0; i < work.source.numbers(); ++i) work.updated[i] = Scalar(1);
    };
    begin();
    while (true) {
      apply(to_target, work.source, work.target, work.u, work.at_target, work);
      for_packs(work.target, [&](long at) {
        All::store(work.v + at, fit(All::load(work.b + at), All::load(work.at_target + at)));
      });
      apply(to_source, work.target, work.source, work.v, work.at_source, work);
      Scalar sums[3];
      measure(work, sums);
      const double error = static_cast<double>(sums[0]);
      const auto step = control.step(rule, error, settings.doubtful_error);
      if (step.takes_zeros && replaced.extent(0) > 0) replaced(k) = 1;
      if (step.next == InstanceControl::Next::other_start) {
        begin();
        continue;
      }
      const int t = control.iteration;
      if (t < static_cast<int>(trace.extent(1))) trace(k, t) = error;
      const bool goes_on = may_go_on<ExecutionSpace>(settings.observer, k, t, error);
      if (step.next == InstanceControl::Next::stop || !goes_on) {
        if (step.next == InstanceControl::Next::stop) status(k) = static_cast<int>(step.why);
        iterations(k) = t;
        store(team, k, a, work);
        return;
      }
      ++control.iteration;
      update(work, momentum, sums);
    }
  }

  /// body(offset) for every pack of a box; the last may reach beyond it.
  template <class Body>
  KOKKOS_FUNCTION static void for_packs(const Box& box, const Body& body) {
    for (long at = 0; at < box.numbers(); at += All::pack_width) body(at);
  }
  /// What lies there holds no weight.
  KOKKOS_FUNCTION static void clear_beyond(const Box& box, Scalar* array) {
    for (int i = 0; i < All::pack_width; ++i) array[box.numbers() + i] = Scalar(0);
  }

  /// weight / applied; nothing where there is no weight, and nobody divides there.
  KOKKOS_FUNCTION static Pack fit(const Pack& weight, const Pack& applied) {
    const Pack none(Scalar(0)), one(Scalar(1));
    return weight / if_greater(weight, none, applied, one);
  }

  KOKKOS_FUNCTION void load_weights(const Box& box, const double* weights, Scalar* to) const {
    constexpr double least = Kokkos::Experimental::norm_min<Scalar>::value;
    for (int run = 0; run < box.runs; ++run) {
      const double* const row = weights + box.region.run_begin(run);
      for (int i = 0; i < box.stride; ++i) {
        const double weight = i < box.length ? row[i] : 0.0;
        to[run * box.stride + i] =
            weight > 0 ? static_cast<Scalar>(weight > least ? weight : least) : Scalar(0);
      }
    }
  }

  /// u of the start, its largest entry 1, as tiles have it.
  KOKKOS_FUNCTION void load_start(const Member& team, int k, bool zeros, const double* a,
                                  const Work& work) const {
    const Box& box = work.source;
    if (zeros) {
      for (long i = 0; i < box.numbers(); ++i) work.u[i] = work.a[i] > 0 ? Scalar(1) : Scalar(0);
      return;
    }
    if (learned.any()) return load_learned_start(team, k, work);
    const double largest = largest_on_support(team, &f(k, 0), a, box.region);
    constexpr int width = DoubleLanes::pack_width;
    for (int run = 0; run < box.runs; ++run) {
      const int first = box.region.run_begin(run);
      const double* const row = &f(k, 0) + first;
      Scalar* const u = work.u + run * box.stride;
      for (int i = 0; i < box.stride; i += width) {
        const int count = box.length - i < width ? box.length - i : width;
        double values[width], kept[width];
        for (int e = 0; e < width; ++e) {
          const bool any = e < count && a[first + i + e] > 0;
          values[e] = any ? (row[i + e] - largest) / settings.epsilon : 0.0;
          kept[e] = any ? 1.0 : 0.0;
        }
        DoubleLanes::store(values, DoubleLanes::load(kept) * exp(DoubleLanes::load(values)));
        for (int e = 0; e < width && i + e < box.stride; ++e)
          u[i + e] = static_cast<Scalar>(values[e]);
      }
    }
  }

  /// u = a exp((φ − its largest)/epsilon), φ what a network says.
  KOKKOS_FUNCTION void load_learned_start(const Member& team, int k, const Work& work) const {
    const Box& box = work.source;
    Scalar *const at_all = work.between[1], *const phi = work.change;
    interpolate_output(team, learned.grid, &learned.output(k, 0), box.region, work.between[0],
                       at_all);
    for (int run = 0; run < box.runs; ++run) {
      const Scalar* const from = at_all + box.region.run_begin(run);
      Scalar* const to = phi + run * box.stride;
      for (int i = 0; i < box.length; ++i) to[i] = from[i];
      for (int i = box.length; i < box.stride; ++i) to[i] = 0;
    }
    constexpr Scalar lowest = Kokkos::Experimental::finite_min<Scalar>::value;
    const Pack none(Scalar(0));
    Pack most{Scalar(lowest)};
    for_packs(box, [&](long at) {
      most = max(most, if_greater(All::load(work.a + at), none, All::load(phi + at),
                                  Pack(Scalar(lowest))));
    });
    Scalar lanes[All::pack_width];
    All::store(lanes, most);
    for (int lane = 1; lane < All::pack_width; ++lane)
      if (lanes[lane] > lanes[0]) lanes[0] = lanes[lane];
    const Pack largest(lanes[0]), scale(static_cast<Scalar>(1 / settings.epsilon));
    for_packs(box, [&](long at) {
      const Pack exponent = (All::load(phi + at) - largest) * scale;
      Pack u[1];
      // Where there is no weight the exponent may be anything.
      Domain::from_weighted_exponent(All::load(work.a + at),
                                     if_greater(exponent, none, none, exponent), u);
      All::store(work.u + at, u[0]);
    });
  }

  /// y = K x, axis after axis, the last one first.
  KOKKOS_FUNCTION void apply(const AxisChain<Scalar>& chain, const Box& in, const Box& out,
                             const Scalar* x, Scalar* y, const Work& work) const {
    const auto table = [&](int axis) {  // of three; null: there is none, and one point
      const int d = axis - (3 - chain.axes);
      return d < 0 ? nullptr : &chain.axis[d];
    };
    const auto corner = [&](int axis) {
      return table(axis)->linear + static_cast<long>(in.region.begin[axis]) * table(axis)->out +
             out.region.begin[axis];
    };
    const int first = 3 - chain.axes;
    Scalar* to = first == 2 ? y : work.between[0];
    multiply_rows<L>(x, in.stride, 1, in.runs, in.length, out.packs, corner(2), table(2)->out, to,
                     out.stride);
    if (first <= 1) {
      const Scalar* from = to;
      to = first == 1 ? y : work.between[1];
      const int rows = in.region.extent(1), outputs = out.region.extent(1);
      for (int i = 0; i < in.region.extent(0); ++i)
        multiply_rows<L>(corner(1), 1, table(1)->out, outputs, rows, out.packs,
                         from + static_cast<long>(i) * rows * out.stride, out.stride,
                         to + static_cast<long>(i) * outputs * out.stride, out.stride);
    }
    if (first == 0) {
      const long row = static_cast<long>(out.region.extent(1)) * out.stride;
      multiply_rows<L>(corner(0), 1, table(0)->out, out.region.extent(0), in.region.extent(0),
                       out.region.extent(1) * out.packs, to, row, y, row);
    }
  }

  /// As SinkhornKernel: the error; with momentum the plain update, its change, and their sums.
  KOKKOS_FUNCTION void measure(const Work& work, Scalar (&sums)[3]) const {
    Pack total[3];
    for (auto& sum : total) sum = Pack(Scalar(0));
    const bool momentum = settings.acceleration == Acceleration::momentum;
    for_packs(work.source, [&](long at) {
      const Pack weight = All::load(work.a + at), product = All::load(work.at_source + at);
      const Pack missing = weight - Domain::marginal(All::load(work.u + at), product);
      total[0] = total[0] + abs(missing);
      if (!momentum) return;
      const Pack update = fit(weight, product);
      const Pack step = Domain::log_ratio(update, All::load(work.updated + at));
      All::store(work.updated + at, update);
      All::store(work.change + at, step);
      total[1] = total[1] + missing * step;
      total[2] = total[2] + weight * step;
    });
    for (int s = 0; s < 3; ++s) {
      Scalar lanes[All::pack_width];
      All::store(lanes, total[s]);
      sums[s] = 0;
      for (int lane = 0; lane < All::pack_width; ++lane) sums[s] += lanes[lane];
    }
  }

  KOKKOS_FUNCTION void update(const Work& work, Momentum<Scalar>& momentum,
                              const Scalar (&sums)[3]) const {
    if (settings.acceleration != Acceleration::momentum) {
      for_packs(work.source, [&](long at) {
        All::store(work.u + at, fit(All::load(work.a + at), All::load(work.at_source + at)));
      });
      return;
    }
    momentum.update(static_cast<double>(sums[1]), sums[2]);
    const Pack factor(momentum.factor), center(momentum.center);
    for_packs(work.source, [&](long at) {
      const Pack exponent = factor * All::load(work.change + at) - center;
      All::store(work.u + at, times_limited_exp<Domain>(All::load(work.updated + at), exponent));
    });
  }

  KOKKOS_FUNCTION void store(const Member& team, int k, const double* a, const Work& work) const {
    const Box& box = work.source;
    double* const row = &f(k, 0);
    constexpr double infinity = Kokkos::Experimental::infinity<double>::value;
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, box.region.points()),
                         [&](int i) { row[i] = -infinity; });
    constexpr int width = DoubleLanes::pack_width;
    for (int run = 0; run < box.runs; ++run) {
      const int first = box.region.run_begin(run);
      const Scalar* const u = work.u + run * box.stride;
      for (int i = 0; i < box.length; i += width) {
        const int count = box.length - i < width ? box.length - i : width;
        double piece[width];
        for (int e = 0; e < width; ++e)  // log(1) for what is not stored
          piece[e] = e < count && a[first + i + e] > 0 ? static_cast<double>(u[i + e]) : 1.0;
        DoubleLanes::store(piece, log(DoubleLanes::load(piece)));
        for (int e = 0; e < count; ++e)
          row[first + i + e] = a[first + i + e] > 0 ? settings.epsilon * piece[e] : -infinity;
      }
    }
  }
};

template <class Scalar, class ExecutionSpace>
void solve_all(const ExecutionSpace& space, const SeparableCost& cost,
               const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
               bool from_zeros, const Matrix<double, ExecutionSpace>& f,
               const Vector<int, ExecutionSpace>& iterations,
               const Vector<int, ExecutionSpace>& status,
               const Matrix<double, ExecutionSpace>& error_trace,
               const Vector<int, ExecutionSpace>& replaced,
               const LearnedStart<ExecutionSpace>& learned) {
  using Gibbs = GibbsKernel<ExecutionSpace, Scalar>;
  using Kernel = ByPoints<Scalar, ExecutionSpace>;
  const auto gibbs = gibbs_kernel<ExecutionSpace, Scalar>(cost, settings.epsilon);
  Kernel kernel{gibbs->gibbs(Gibbs::Direction::to_target),
                gibbs->gibbs(Gibbs::Direction::to_source),
                problems,
                settings,
                settings.stop_rule(rounding_error<Scalar>(0)),
                from_zeros,
                f,
                iterations,
                status,
                error_trace,
                replaced,
                learned,
                find_supports(space, cost, problems),
                {},
                0,
                0};
  // Arrays, and products of which some axes are contracted, are at most so large.
  const auto padded = [](int points) {
    constexpr int width = Kernel::L::pack_width;
    return static_cast<long>(points + width - 1) / width * width;
  };
  const Region &from = kernel.to_target.from, &to = kernel.to_target.to;
  long rows = 1;
  for (int axis = 0; axis < 2; ++axis) rows *= std::max(from.length[axis], to.length[axis]);
  kernel.side_numbers =
      rows * std::max(padded(from.length[2]), padded(to.length[2])) + Kernel::All::pack_width;
  kernel.memory_numbers = Kernel::arrays * kernel.side_numbers;
  const int teams = std::min(problems.size(), concurrent_teams(space));
  kernel.memory = Vector<Scalar, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::sinkhorn::arrays"),
      static_cast<std::size_t>(teams * kernel.memory_numbers));
  begin_observed(space, settings.observer, iterations, status);
  Kokkos::parallel_for("otfleet::sinkhorn::by_points", Policy<ExecutionSpace>(space, teams, 1, 1),
                       kernel);
  space.fence();
}
}  // namespace

template <class Scalar, class ExecutionSpace>
void sinkhorn_by_points(
    const ExecutionSpace& space, const SeparableCost& cost,
    const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings, bool from_zeros,
    const Matrix<double, ExecutionSpace>& f, const Vector<int, ExecutionSpace>& iterations,
    const Vector<int, ExecutionSpace>& status, const Matrix<double, ExecutionSpace>& error_trace,
    const Vector<int, ExecutionSpace>& replaced, const LearnedStart<ExecutionSpace>& learned) {
  // Elsewhere nobody asks for it, and nothing is compiled.
  if constexpr (Backend<ExecutionSpace>::takes_points_in_lanes)
    solve_all<Scalar>(space, cost, problems, settings, from_zeros, f, iterations, status,
                      error_trace, replaced, learned);
}

#define OTFLEET_INSTANTIATE(Space, Scalar)                                                      \
  template void sinkhorn_by_points<Scalar, Space>(                                              \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, const SinkhornSettings&,  \
      bool, const Matrix<double, Space>&, const Vector<int, Space>&, const Vector<int, Space>&, \
      const Matrix<double, Space>&, const Vector<int, Space>&, const LearnedStart<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
