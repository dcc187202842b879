#include "kernels/outputs/certificate.hpp"

#include <stdexcept>

#include "kernels/operators/form_choice.hpp"
#include "kernels/operators/in_lanes/half_step.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/outputs/allowed_rounding.hpp"
#include "kernels/outputs/bounds.hpp"
#include "kernels/outputs/certificate_in_passes.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_in_passes.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
Certificates<ExecutionSpace>::Certificates(int batch)
    : dual_value("otfleet::certificate::dual_value", batch),
      transport_cost("otfleet::certificate::transport_cost", batch),
      upper_bound("otfleet::certificate::upper_bound", batch),
      lower_bound("otfleet::certificate::lower_bound", batch),
      marginal_error("otfleet::certificate::marginal_error", batch) {}

namespace {

/// Chains beyond the Gibbs kernel that a certificate applies.
struct CostChains {
  AxisChain<double> weighted[SeparableCost::max_axes];  ///< to_source
  AxisChain<double> product[SeparableCost::max_axes];   ///< to_source, for rank-one plans
  AxisChain<double> to_target, to_source;               ///< plain costs, for c-transforms
  double range;     ///< no two potentials need to differ by more
  double offset;    ///< what the sizes of the axes' minima add up to
  double rounding;  ///< relative, of every sum: see bounds.hpp
  bool forbids;     ///< see SeparableCost
};

template <class Domain_, class ExecutionSpace>
struct CertificateKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Scalar = double;
  using Pack = typename Domain::Pack;
  using Memory = typename Domain::Memory;
  using Half = HalfStep<Domain, ExecutionSpace>;

  enum Array { result = Half::first_free, left_gap, right_gap, scratch };
  static constexpr int arrays = scratch + 3;  // c-transforms need no more than the extended path
  enum Sum {
    row_mass,
    error,
    target_dual,
    cost,
    rounded_cost,
    gap_cost,
    gap_mass,
    first_dual,
    second_dual,
    second_size,
    largest_first,
    largest_potential,
    sums
  };

  Half half;
  CostChains costs;
  Matrix<double, ExecutionSpace> g;
  Certificates<ExecutionSpace> out;
  Vector<double, ExecutionSpace> memory = {};
  long rows = 0;

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(double) * L::width * (sums + 2 * team_size) + 256;
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const Memory tile = team_tile<Domain>(team, memory, arrays, rows);
    double* totals = static_cast<double*>(
        team.team_shmem().get_shmem_aligned(sizeof(double) * L::width * sums, 64));
    double* partial = static_cast<double*>(
        team.team_shmem().get_shmem_aligned(sizeof(double) * L::width * 2 * team.team_size(), 64));
    const int tiles = (half.problems.size() + L::width - 1) / L::width;
    for (int t = team.league_rank(); t < tiles; t += team.league_size()) {
      Region source, target;
      half.regions(t, source, target);
      half.load(team, t, tile);
      for (int lane = 0; lane < L::width; ++lane)
        totals[largest_potential * L::width + lane] = half.largest(team, half.instance(t, lane));
      team.team_barrier();
      Half::run(team, tile, half.to_target.within(source, target),
                half.to_source.within(target, source), scratch);
      measure(team, tile, source, target, totals, partial);
      write_target_potentials(team, t, tile, totals);
      round(team, tile, source, target, totals, partial);
      bound_below(team, t, tile, source, target, totals, partial);
      write(team, t, totals);
    }
  }

  KOKKOS_FUNCTION static double largest_of(const double* totals, int lane) {
    return totals[largest_potential * L::width + lane];
  }

  KOKKOS_FUNCTION static Pack row_sum(const double* u, const double* y, int row, int pack) {
    return Domain::marginal(Domain::load(u, row, pack), Domain::load(y, row, pack));
  }

  /// Row sums of the plan, their error, and the plan's cost.
  KOKKOS_FUNCTION void measure(const Team<ExecutionSpace>& team, const Memory& tile,
                               const Region& source, const Region& target, double* totals,
                               double* partial) const {
    const double *a = tile.array(Half::a), *u = tile.array(Half::left),
                 *y = tile.array(Half::applied);
    sum_rows<L>(team, source, partial, totals + row_mass * L::width,
                [&](int row, int pack) { return row_sum(u, y, row, pack); });
    sum_rows<L>(team, source, partial, totals + error * L::width, [&](int row, int pack) {
      return abs(row_sum(u, y, row, pack) - load_plain<L>(a, row, pack));
    });
    half.target_dual(team, tile, target, partial, totals + target_dual * L::width);
    plan_cost(team, tile, source, target, totals + cost * L::width, totals + gap_mass * L::width,
              partial);
  }

  /// out = sum over axes of <C~_d, P> for the plan of `left` and `right`; `work` is [width].
  KOKKOS_FUNCTION void plan_cost(const Team<ExecutionSpace>& team, const Memory& tile,
                                 const Region& source, const Region& target, double* out_sum,
                                 double* work, double* partial) const {
    const double* u = tile.array(Half::left);
    double* y = tile.array(result);
    zero(team, out_sum);
    for (int d = 0; d < half.to_target.axes; ++d) {
      Domain::apply(team, costs.weighted[d].within(target, source), tile.array(Half::right), y,
                    tile, scratch);
      sum_rows<L>(team, source, partial, work,
                  [&](int row, int pack) { return row_sum(u, y, row, pack); });
      add(team, out_sum, work);
    }
  }

  /// Altschuler et al. 2017, algorithm 2: scale rows down to a, then columns down to b, then add
  /// the product of what is missing, and of what rounding may hide (rounding.hpp).
  KOKKOS_FUNCTION void round(const Team<ExecutionSpace>& team, const Memory& tile,
                             const Region& source, const Region& target, double* totals,
                             double* partial) const {
    const double *a = tile.array(Half::a), *b = tile.array(Half::b);
    double *u = tile.array(Half::left), *v = tile.array(Half::right),
           *y = tile.array(Half::applied);
    double *missing_a = tile.array(left_gap), *missing_b = tile.array(right_gap);
    const AxisChain<double> to_target = half.to_target.within(source, target);
    const AxisChain<double> to_source = half.to_source.within(target, source);
    const Pack none(0.0), hidden(widening * costs.rounding);
    for_rows<L>(team, source, [&](int row, int pack) {
      const Pack factor = at_most_one(load_plain<L>(a, row, pack), row_sum(u, y, row, pack));
      Domain::store(u, row, pack, Domain::scale(Domain::load(u, row, pack), factor));
    });
    Domain::apply(team, to_target, u, y, tile, scratch);
    for_rows<L>(team, target, [&](int row, int pack) {
      const Pack sum = row_sum(v, y, row, pack), weight = load_plain<L>(b, row, pack);
      const Pack factor = at_most_one(weight, sum);
      Domain::store(v, row, pack, Domain::scale(Domain::load(v, row, pack), factor));
      store_plain<L>(missing_b, row, pack, max(weight - sum * factor, none) + hidden * weight);
    });
    Domain::apply(team, to_source, v, y, tile, scratch);
    for_rows<L>(team, source, [&](int row, int pack) {
      const Pack weight = load_plain<L>(a, row, pack);
      store_plain<L>(missing_a, row, pack,
                     max(weight - row_sum(u, y, row, pack), none) + hidden * weight);
    });
    double* work = totals + first_dual * L::width;
    plan_cost(team, tile, source, target, totals + rounded_cost * L::width, work, partial);
    sum_rows<L>(team, source, partial, totals + gap_mass * L::width,
                [&](int row, int pack) { return load_plain<L>(missing_a, row, pack); });
    zero(team, totals + gap_cost * L::width);
    if (costs.forbids) return;  // the product may go where nothing may: see allowed_rounding.hpp
    for (int d = 0; d < half.to_target.axes; ++d) {
      apply_linear<L>(team, costs.product[d].within(target, source), missing_b, y,
                      tile.array(scratch));
      sum_rows<L>(team, source, partial, work, [&](int row, int pack) {
        return load_plain<L>(missing_a, row, pack) * load_plain<L>(y, row, pack);
      });
      add(team, totals + gap_cost * L::width, work);
    }
  }

  /// f' and f'' and their dual value, both taken over the supports alone: constraints between
  /// points without weight bind nobody. Works on max f − f, so that both transforms are minima of
  /// sums of numbers between 0 and twice the range: the bound holds for potentials of any size.
  KOKKOS_FUNCTION void bound_below(const Team<ExecutionSpace>& team, int t, const Memory& tile,
                                   const Region& source, const Region& target, double* totals,
                                   double* partial) const {
    const double *a = tile.array(Half::a), *b = tile.array(Half::b);
    double *below = tile.array(Half::left), *first = tile.array(Half::right);
    double* second = tile.array(Half::applied);
    // A point that far below the largest potential is in no minimum, nor is one without weight;
    // what is not a number is taken for one.
    const double far = costs.range;
    for (int lane = 0; lane < L::width; ++lane) {
      const int k = half.instance(t, lane);
      const double *from = &half.f(k, 0), *weights = half.source_weights(k);
      const double largest = largest_of(totals, lane);
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, half.n()), [&](int i) {
        const double gap = largest - from[i];
        below[static_cast<long>(i) * L::width + lane] = weights[i] > 0 && gap < far ? gap : far;
      });
    }
    team.team_barrier();
    apply_min_plus<L>(team, costs.to_target.within(source, target), below, first,
                      tile.array(scratch));
    sum_rows<L>(team, target, partial, totals + first_dual * L::width, [&](int row, int pack) {
      return load_plain<L>(b, row, pack) * load_plain<L>(first, row, pack);
    });
    largest_row<L>(team, target, partial, totals + largest_first * L::width,
                   [&](int row, int pack) {
                     return if_greater(load_plain<L>(b, row, pack), Pack(0.0),
                                       load_plain<L>(first, row, pack), Pack(0.0));
                   });
    const Pack none(0.0), beyond(3 * costs.range);
    for_rows<L>(team, target, [&](int row, int pack) {
      store_plain<L>(first, row, pack,
                     if_greater(load_plain<L>(b, row, pack), none,
                                none - load_plain<L>(first, row, pack), beyond));
    });
    apply_min_plus<L>(team, costs.to_source.within(target, source), first, second,
                      tile.array(scratch));
    static_assert(second_size == second_dual + 1);
    add_rows<L, 2>(team, source, partial, totals + second_dual * L::width,
                   [&](int row, int pack, Pack(&sums)[2]) {
                     const Pack term =
                         load_plain<L>(a, row, pack) * load_plain<L>(second, row, pack);
                     sums[0] = sums[0] + term;
                     sums[1] = sums[1] + abs(term);
                   });
  }

  KOKKOS_FUNCTION void write_target_potentials(const Team<ExecutionSpace>& team, int t,
                                               const Memory& tile, const double* totals) const {
    if (g.extent(1) == 0) return;
    for (int lane = 0; lane < L::width; ++lane) {
      if (t * L::width + lane >= half.problems.size()) break;
      const int k = half.instance(t, lane);
      store_potential<Domain, ExecutionSpace>(
          team, tile.array(Half::right), half.target_weights(k), half.epsilon,
          half.constant(largest_of(totals, lane), k), half.m(), lane, &g(k, 0));
    }
  }

  /// Every instance's figures from the totals of its lane.
  KOKKOS_FUNCTION void write(const Team<ExecutionSpace>& team, int t, const double* totals) const {
    for (int lane = 0; lane < L::width; ++lane) {
      if (t * L::width + lane >= half.problems.size()) break;
      const int k = half.instance(t, lane);
      const double mass = half.mass(k);
      const double source_dual = half.source_dual(team, k);
      const double constant = half.constant(largest_of(totals, lane), k);
      const CertificateKernel& self = *this;
      Kokkos::single(Kokkos::PerTeam(team), [&]() {
        const auto total = [&](int which) { return totals[which * L::width + lane]; };
        const double low = self.half.cost_minimum;
        self.out.marginal_error(k) = total(error);
        self.out.dual_value(k) = mass * (source_dual + total(target_dual) + constant +
                                         self.half.epsilon * (1 - total(row_mass)));
        self.out.transport_cost(k) = mass * (total(cost) + low * total(row_mass));
        const double r = self.costs.rounding, hidden = r * self.costs.offset;
        const double completion = completion_cost(total(gap_cost), total(gap_mass), r);
        self.out.upper_bound(k) =
            mass * ((total(rounded_cost) + completion) * (1 + 3 * r) + (low + hidden));
        // Every unit of mass costs at least the smallest cost, whatever f is.
        const double operations = self.half.to_target.axes + 1;
        const double dual = certain_dual(total(first_dual), total(second_dual), total(second_size),
                                         total(largest_first), operations, 0, r);
        self.out.lower_bound(k) = mass * ((dual > 0 ? dual : 0.0) + (low - hidden));
      });
    }
    team.team_barrier();
  }

  /// min(weight / sum, 1), without a quotient that overflows.
  KOKKOS_FUNCTION static Pack at_most_one(const Pack& weight, const Pack& sum) {
    const Pack tiny(Kokkos::Experimental::norm_min<double>::value);
    return weight / max(max(sum, weight), tiny);
  }
  KOKKOS_FUNCTION static void zero(const Team<ExecutionSpace>& team, double* lanes) {
    for_packs<L>(team, [&](int pack) { L::store(lanes + pack * L::pack_width, Pack(0.0)); });
  }
  KOKKOS_FUNCTION static void add(const Team<ExecutionSpace>& team, double* lanes,
                                  const double* more) {
    for_packs<L>(team, [&](int pack) {
      const int at = pack * L::pack_width;
      L::store(lanes + at, L::load(lanes + at) + L::load(more + at));
    });
  }
};

template <class Domain, class ExecutionSpace>
void run(const ExecutionSpace& space, const SeparableCost& cost,
         const ProblemBatch<ExecutionSpace>& problems, double epsilon,
         const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
         const Certificates<ExecutionSpace>& out) {
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  constexpr auto to_target = Gibbs::Direction::to_target, to_source = Gibbs::Direction::to_source;
  const auto gibbs = gibbs_kernel<ExecutionSpace, double>(cost, epsilon, true);
  CostChains costs;
  for (int d = 0; d < gibbs->axes(); ++d) {
    costs.weighted[d] = gibbs->weighted(d, to_source);
    costs.product[d] = gibbs->rank_one(d, to_source);
  }
  costs.to_target = gibbs->cost(to_target);
  costs.to_source = gibbs->cost(to_source);
  costs.range = cost.longest_detour();
  costs.forbids = cost.forbids();
  costs.offset = cost.offset();
  costs.rounding = sum_rounding(cost.summed_terms());
  CertificateKernel<Domain, ExecutionSpace> kernel{
      {gibbs->gibbs(to_target), gibbs->gibbs(to_source), problems, epsilon, cost.minimum(), f,
       find_supports(space, cost, problems)},
      costs,
      g,
      out};
  launch_tiles(space, "otfleet::certificate::certify", kernel, problems.size(), cost.max_points());
}

}  // namespace

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const SeparableCost& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& out) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  if (g.extent(1) > 0) check_rows("g", g, problems.size(), cost.m());
  if (out.dual_value.extent(0) != static_cast<std::size_t>(problems.size()))
    throw std::invalid_argument("certificates do not have one entry for each problem");
  using L = Lanes<ExecutionSpace, double>;
  const bool safe = scaling_is_safe<double>(cost, epsilon, problems.smallest_weight());
  if (prefers_passes<ExecutionSpace>(cost, problems.size(), safe))
    certify_in_passes(space, cost, problems, epsilon, f, g, out);
  else if (safe)
    run<ScalingDomain<L>>(space, cost, problems, epsilon, f, g, out);
  else
    run<ExtendedDomain<L>>(space, cost, problems, epsilon, f, g, out);
  if (cost.forbids()) bound_by_allowed_plans(cost, problems, epsilon, f, out.upper_bound);
}

#define OTFLEET_INSTANTIATE(Space)                                                             \
  template struct Certificates<Space>;                                                         \
  template void certify<Space>(const Space&, const SeparableCost&, const ProblemBatch<Space>&, \
                               double, const Matrix<const double, Space>&,                     \
                               const Matrix<double, Space>&, const Certificates<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
