#pragma once
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/solvers/sinkhorn/marginals.hpp"
#include "kernels/solvers/sinkhorn/penalized_updates.hpp"

namespace otfleet::kernels {

/// Marginals that are bounded. Potentials are without the masses, factors M with them, so that no
/// constant is left open.
template <class Kernel>
struct BoundedUpdates {
  using Domain = typename Kernel::Domain;
  using L = typename Kernel::L;
  using Scalar = typename Kernel::Scalar;
  using Pack = typename Kernel::Pack;
  using Memory = typename Kernel::Memory;
  using LaneState = typename Kernel::LaneState;
  using Member = typename Kernel::Member;
  using Penalized = PenalizedUpdates<Kernel>;
  using Sums = typename Kernel::Sums;

  KOKKOS_FUNCTION static void load_potential(const Kernel& kernel, const Member& team, int k,
                                             const double* weights, int lane, Scalar* u) {
    const double log_mass = ::log(kernel.problems.source.mass(kernel.problems.source_index(k)));
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, kernel.to_target.in_points()), [&](int i) {
      double stored[Domain::planes] = {};
      if (weights[i] > 0)
        Domain::from_exponent(kernel.f(k, i) / kernel.settings.epsilon - log_mass, 0.0, stored);
      for (int plane = 0; plane < Domain::planes; ++plane)
        u[(static_cast<long>(i) * Domain::planes + plane) * L::width + lane] =
            weights[i] > 0 ? static_cast<Scalar>(stored[plane]) : Domain::nothing(plane);
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION static void begin_search(const Kernel& kernel, const Member& team, int k,
                                           int lane, LaneState& lanes) {
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      auto& state = lanes.marginal;
      const double ratio = kernel.problems.target.mass(kernel.problems.target_index(k)) /
                           kernel.problems.source.mass(kernel.problems.source_index(k));
      state.log_masses[lane] =
          ::log2(kernel.problems.target.mass(kernel.problems.target_index(k))) -
          ::log2(kernel.problems.source.mass(kernel.problems.source_index(k)));
      state.asked[state.source][lane] = kernel.marginals.share * (ratio < 1 ? ratio : 1.0);
      state.asked[state.target][lane] = kernel.marginals.share * (ratio > 1 ? 1 / ratio : 1.0);
      state.log_factor[state.source][lane] = state.log_factor[state.target][lane] = -infinite_log;
    });
    team.team_barrier();
  }
  static constexpr double infinite_log = Kokkos::Experimental::infinity<double>::value;

  KOKKOS_FUNCTION static void try_factor(LaneState& lanes, int lane, double log_factor) {
    auto& state = lanes.marginal;
    const double whole = ::floor(log_factor);
    state.log_tried[lane] = log_factor;
    state.mantissa[lane] = static_cast<Scalar>(::exp2(log_factor - whole));
    state.exponent[lane] = static_cast<Scalar>(whole);
  }

  /// What a factor is multiplied with.
  KOKKOS_FORCEINLINE_FUNCTION static typename Domain::Value tried_product(const LaneState& lanes,
                                                                          const Scalar* x, int row,
                                                                          int pack) {
    const auto& state = lanes.marginal;
    const int at = pack * L::pack_width;
    return Domain::times(
        Domain::in_units(Domain::load(x, row, pack), L::load(state.unit + at)),
        ExtendedRange<Pack>{L::load(state.mantissa + at), L::load(state.exponent + at)});
  }

  /// The M of a side with sum_i w_i min(1, M x_i) = what is asked for: Newton's method on a
  /// concave, piecewise linear function, from the last M. Its first step leads below the solution;
  /// from there bounds that bind only become more, and when none is new, M is exact.
  KOKKOS_FUNCTION static void find_factor(const Member& team, const Region& region, int side,
                                          const Scalar* weights, const Scalar* x, LaneState& lanes,
                                          Scalar* partial) {
    auto& state = lanes.marginal;
    Penalized::find_units(team, region, weights, x, partial, state.unit);
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
        try_factor(lanes, lane,
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
            const Pack part = Domain::at_most_one(tried_product(lanes, x, row, pack));
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
              try_factor(lanes, lane, ::log2(asked));
              state.log_factor[side][lane] = -infinite_log;
            } else {
              state.searches[lane] = 0;
            }
          } else if (open > 0) {
            try_factor(lanes, lane, state.log_tried[lane] + ::log2(missing / open));
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
  KOKKOS_FUNCTION static void regain_open_mass(const Member& team, const Region& region,
                                               const Scalar* weights, const Scalar* x, int side,
                                               LaneState& lanes, Scalar* partial) {
    auto& state = lanes.marginal;
    largest_row<L>(
        team, region, partial, state.size,
        [&](int row, int pack) {
          const Pack one(Scalar(1)), none(Scalar(0)), least(Domain::least_size);
          const auto product = Domain::in_units(Domain::load(x, row, pack),
                                                L::load(state.unit + pack * L::pack_width));
          const Pack part = Domain::at_most_one(tried_product(lanes, x, row, pack));
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
          try_factor(lanes, lane, ::log2(missing / open) - Domain::log2_size(state.size[lane]));
        else
          state.searches[lane] = 0;  // nothing reaches these points
      }
    });
    team.team_barrier();
  }

  KOKKOS_FUNCTION static void fit(const Member& team, const Region& region, int side,
                                  const Scalar* weights, const Scalar* x, Scalar* potential,
                                  LaneState& lanes, Scalar* partial) {
    find_factor(team, region, side, weights, x, lanes, partial);
    for_rows<L>(team, region, [&](int row, int pack) {
      Domain::store(
          potential, row, pack,
          Domain::fit_bound(load_plain<L>(weights, row, pack), tried_product(lanes, x, row, pack)));
    });
  }
  KOKKOS_FUNCTION static void fit_target(const Member& team, const Memory& tile,
                                         const Region& target, LaneState& lanes, Scalar* partial) {
    fit(team, target, lanes.marginal.target, tile.array(Kernel::target_weights),
        tile.array(Kernel::applied), tile.array(Kernel::right), lanes, partial);
  }
  KOKKOS_FUNCTION static void fit_source(const Member& team, const Memory& tile,
                                         const Region& source, LaneState& lanes, Scalar* partial) {
    fit(team, source, lanes.marginal.source, tile.array(Kernel::source_weights),
        tile.array(Kernel::applied), tile.array(Kernel::left), lanes, partial);
  }

  /// The error is what the source's marginal lacks of min(weight, what it would become if its
  /// potential alone were optimal), as a share of the larger sum.
  KOKKOS_FUNCTION static void measure_violation(const Member& team, const Memory& tile,
                                                const Region& source, LaneState& lanes,
                                                Scalar* partial) {
    const Scalar *a = tile.array(Kernel::source_weights), *u = tile.array(Kernel::left),
                 *y = tile.array(Kernel::applied);
    auto& state = lanes.marginal;
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (int lane = 0; lane < L::width; ++lane)
        try_factor(lanes, lane,
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

  KOKKOS_FUNCTION static void find_constants(const Kernel& kernel, const Member& team,
                                             const LaneState& lanes, int lane, double& source,
                                             double& target) {
    const int k = lanes.instance[lane];
    const auto& state = lanes.marginal;
    source = kernel.settings.epsilon *
             ::log(kernel.problems.source.mass(kernel.problems.source_index(k)));
    target = kernel.settings.epsilon *
             ::log(kernel.problems.target.mass(kernel.problems.target_index(k)));
    const double potential =
        kernel.settings.epsilon * state.log_factor[state.target][lane] * 0.693147180559945309417 -
        source + kernel.marginals.cost_minimum;
    Kokkos::single(Kokkos::PerTeam(team),
                   [&]() { kernel.marginals.mass_potential(k) = potential; });
  }
};

}  // namespace otfleet::kernels
