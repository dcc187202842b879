#pragma once
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/solvers/sinkhorn/marginals.hpp"

namespace otfleet::kernels {

/// Marginals that are penalized. With x the kernel applied to the other side's potential and w the
/// weights, an update is w (x/unit)^−tau: the unit, the largest x, changes a constant only, and
/// constants come last (find_constants()). What the update asks of its marginal is w (x/unit)^
/// (1 − tau), likewise up to a constant; the best translation makes the sum of that as large as
/// that of the other side's, and so as large as the plan's mass.
template <class Kernel>
struct PenalizedUpdates {
  using Domain = typename Kernel::Domain;
  using L = typename Kernel::L;
  using Scalar = typename Kernel::Scalar;
  using Pack = typename Kernel::Pack;
  using Memory = typename Kernel::Memory;
  using LaneState = typename Kernel::LaneState;
  using Member = typename Kernel::Member;

  /// The units of numbers x on rows with weight, one a lane, into `units`.
  KOKKOS_FUNCTION static void find_units(const Member& team, const Region& region,
                                         const Scalar* weights, const Scalar* x, Scalar* partial,
                                         Scalar* units) {
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
  KOKKOS_FUNCTION static void fit_side(const Member& team, const Region& region, double tau,
                                       const Scalar* weights, const Scalar* x, const Scalar* units,
                                       Scalar* potential, Scalar* asked, Scalar* partial,
                                       Scalar* sums) {
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

  KOKKOS_FUNCTION static void fit_target(const Kernel& kernel, const Member& team,
                                         const Memory& tile, const Region& target, LaneState& lanes,
                                         Scalar* partial) {
    const Scalar *b = tile.array(Kernel::target_weights), *x = tile.array(Kernel::applied);
    find_units(team, target, b, x, partial, lanes.marginal.unit);
    fit_side(team, target, kernel.marginals.tau_target, b, x, lanes.marginal.unit,
             tile.array(Kernel::right), nullptr, partial, lanes.marginal.target_sum);
  }

  KOKKOS_FUNCTION static void fit_source(const Kernel& kernel, const Member& team,
                                         const Memory& tile, const Region& source, LaneState& lanes,
                                         Scalar* partial) {
    const Scalar *a = tile.array(Kernel::source_weights), *y = tile.array(Kernel::applied);
    find_units(team, source, a, y, partial, lanes.marginal.unit);
    fit_side(team, source, kernel.marginals.tau_source, a, y, lanes.marginal.unit,
             tile.array(Kernel::left), tile.array(Kernel::wanted), partial,
             lanes.marginal.wanted_sum);
  }

  /// The error is what the source's marginal lacks of the one it asks for, the sums of both being
  /// equal, as a share of them.
  KOKKOS_FUNCTION static void measure_violation(const Member& team, const Memory& tile,
                                                const Region& source, LaneState& lanes,
                                                Scalar* partial) {
    const Scalar *u = tile.array(Kernel::left), *y = tile.array(Kernel::applied),
                 *asked = tile.array(Kernel::wanted);
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
  KOKKOS_FUNCTION static void load_weights_as_potential(const Member& team, const double* weights,
                                                        int points, int lane, Scalar* u) {
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
  KOKKOS_FUNCTION static void load_wanted(const Kernel& kernel, const Member& team,
                                          const Memory& tile, bool zeros, int k,
                                          const double* weights, int lane, LaneState& lanes) {
    const int n = kernel.to_target.in_points();
    Scalar* const asked = tile.array(Kernel::wanted);
    const double slope = zeros ? 0.0 : kernel.marginals.inverse_slope();
    double largest = 0, shift = 0;
    const auto exponent = [&](int i) {
      return slope * (::log(weights[i]) - (kernel.f(k, i) - largest) / kernel.settings.epsilon);
    };
    if (slope > 0) {
      largest = largest_on_support(team, &kernel.f(k, 0), weights, kernel.supports.source(k));
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

  KOKKOS_FUNCTION static void sum_wanted(const Member& team, const Memory& tile, LaneState& lanes,
                                         Scalar* partial) {
    const Scalar* asked = tile.array(Kernel::wanted);
    sum_rows<L>(team, lanes.all_sources, partial, lanes.marginal.wanted_sum,
                [&](int row, int pack) { return load_plain<L>(asked, row, pack); });
  }

  /// What is missing from epsilon log u and epsilon log v.
  KOKKOS_FUNCTION static void find_constants(const Kernel& kernel, const LaneState& lanes, int lane,
                                             double& source, double& target) {
    const int k = lanes.instance[lane];
    const auto& sums = lanes.marginal;
    const double source_mass = kernel.problems.source.mass(kernel.problems.source_index(k));
    const double target_mass = kernel.marginals.equal_masses
                                   ? source_mass
                                   : kernel.problems.target.mass(kernel.problems.target_index(k));
    const double asked = ::log(static_cast<double>(sums.wanted_sum[lane])) +
                         (lanes.control[lane].iteration == 0 ? sums.log_wanted[lane] : 0.0);
    const auto constants = kernel.marginals.constants(
        ::log(source_mass), ::log(target_mass),
        kernel.marginals.cost_minimum / kernel.settings.epsilon, asked,
        ::log(static_cast<double>(sums.target_sum[lane])), Domain::log_unit(sums.unit[lane]));
    source = kernel.settings.epsilon * constants.source;
    target = kernel.settings.epsilon * constants.target;
  }
};

}  // namespace otfleet::kernels
