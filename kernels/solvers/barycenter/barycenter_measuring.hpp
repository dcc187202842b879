#pragma once
#include "kernels/solvers/barycenter/barycenter_tiles.hpp"

namespace otfleet::kernels {

/// What an iteration has left to do: how far another update would go.
template <class Batch>
struct BarycenterMeasuring {
  using Domain = typename Batch::Domain;
  using L = typename Batch::L;
  using Pack = typename Batch::Pack;
  using Value = typename Batch::Value;
  using TeamMember = typename Batch::TeamMember;
  using Places = typename Batch::Places;
  using State = typename Batch::State;

  /// The sums over all measures; where they are needed, the logarithms of the plain updates u =
  /// (p/y)^tau and their change.
  KOKKOS_FUNCTION static void measure_step(const Batch& batch, const TeamMember& team,
                                           const Places& place, State& s, double* partial) {
    const double *const p = place.row(Batch::barycenter), *const log_p =
                                                              place.row(Batch::log_barycenter);
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      for (double& total : s.total) total = 0;
      s.blur_change = 0;
    });
    team.team_barrier();
    const bool momentum = batch.has_momentum(), exact = batch.is_exact(),
               debiased = batch.settings.debiased;
    for (int t = 0; t < s.tiles; ++t) {
      const double *const u = place.array(Batch::left, t), *const y =
                                                               place.array(Batch::applied, t);
      const double *const log_y = place.array(Batch::log_applied, t), *const share = place.lane(
                                                                          Batch::weight, t);
      double *const last = place.array(Batch::updated, t), *const changes =
                                                               place.array(Batch::change, t);
      add_rows<L, Batch::sums>(
          team, batch.to_source.to, partial, s.lane_sums,
          [&](int row, int pack, Pack(&add)[Batch::sums]) {
            const Value product = Domain::load(y, row, pack);
            const Pack now = Domain::marginal(Domain::load(u, row, pack), product);
            Pack update = Pack(log_p[row]) - load_plain<L>(log_y, row, pack);
            if (exact) {
              add[Batch::error] = add[Batch::error] + abs(Pack(p[row]) - now);
            } else {
              update = Pack(batch.settings.tau) * update;
              add[Batch::error] =
                  add[Batch::error] +
                  abs(Domain::marginal(value_of_logarithm<Domain>(update), product) - now);
            }
            if (momentum) {
              const Pack step = update - load_plain<L>(last, row, pack);
              store_plain<L>(changes, row, pack, step);
              add[Batch::slope] = add[Batch::slope] - now * step;
              add[Batch::mean_change] = add[Batch::mean_change] + Pack(p[row]) * step;
            }
            if (momentum || !exact) store_plain<L>(last, row, pack, update);
          });
      Kokkos::single(Kokkos::PerTeam(team), [&]() {
        for (int lane = 0; lane < L::width; ++lane) {
          for (int c = 0; c < Batch::mean_change; ++c)
            if (share[lane] > 0) s.total[c] += share[lane] * s.lane_sums[c * L::width + lane];
          place.lane(Batch::center, t)[lane] =
              debiased ? 0.0 : s.lane_sums[Batch::mean_change * L::width + lane];
        }
      });
      team.team_barrier();
    }
    if (batch.settings.debiased) update_blur(batch, team, place, s);
    double mass = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, batch.n()), [&](int i, double& sum) { sum += p[i]; }, mass);
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      s.mass = mass;
      s.residual = (s.total[Batch::error] + s.blur_change) / mass;
    });
    team.team_barrier();
  }

  /// log d ← log sqrt(d p/(K d)), into Row::next_log_blur; K is symmetric.
  KOKKOS_FUNCTION static void update_blur(const Batch& batch, const TeamMember& team,
                                          const Places& place, State& s) {
    const double *const d = place.row(Batch::log_blur), *const log_p =
                                                            place.row(Batch::log_barycenter);
    const double* const p = place.row(Batch::barycenter);
    double* const after = place.row(Batch::next_log_blur);
    double *const input = place.work.array(Batch::right), *const output =
                                                              place.work.array(Batch::log_mean);
    for_rows<L>(team, batch.to_target.from, [&](int row, int pack) {
      Domain::store(input, row, pack, value_of_logarithm<Domain>(Pack(d[row])));
    });
    Domain::apply(team, batch.to_target, input, output, place.work, Batch::scratch);
    for_rows<L>(team, batch.to_target.to, [&](int row, int pack) {
      store_plain<L>(input, row, pack, Domain::logarithm(Domain::load(output, row, pack)));
    });
    double moved_mass = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, batch.n()),
        [&](int i, double& sum) {
          after[i] = 0.5 * (d[i] + log_p[i] - input[static_cast<long>(i) * L::width]);
          sum += p[i] * ::fabs(::expm1(after[i] - d[i]));
        },
        moved_mass);
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team), [&]() { s.blur_change = moved_mass; });
    team.team_barrier();
  }
};

}  // namespace otfleet::kernels
