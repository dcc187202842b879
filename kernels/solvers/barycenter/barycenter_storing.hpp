#pragma once
#include "kernels/solvers/barycenter/barycenter_means.hpp"

namespace otfleet::kernels {

/// From a team to the solution.
template <class Batch>
struct BarycenterStoring {
  using Domain = typename Batch::Domain;
  using L = typename Batch::L;
  using Pack = typename Batch::Pack;
  using TeamMember = typename Batch::TeamMember;
  using Places = typename Batch::Places;
  using State = typename Batch::State;

  KOKKOS_FUNCTION static void store(const Batch& batch, const TeamMember& team, const Places& place,
                                    State& s, double* partial) {
    const double* const p = place.row(Batch::barycenter);
    const int k = s.problem;
    const double scale = s.largest_mass;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()),
                         [&](int i) { batch.solution.barycenter(k, i) = scale * p[i]; });
    if (batch.keeps_blur()) {
      const double* const blur = place.row(Batch::log_blur);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()),
                           [&](int i) { batch.solution.log_blur(k, i) = blur[i]; });
    }
    const bool plain = !(batch.settings.tau < 1) && !batch.settings.debiased;
    const std::int64_t count = batch.offsets(k + 1) - batch.offsets(k);
    double dual = 0;
    for (int t = 0; t < s.tiles; ++t) {
      const double* const share = place.lane(Batch::weight, t);
      if (plain) {
        BarycenterMeans<Batch>::fit_target(batch, team, place, s, t);
        const double *const v = place.work.array(Batch::right), *const b =
                                                                    place.array(Batch::measure, t);
        sum_rows<L>(team, s.support, partial, s.lane_sums, [&](int row, int pack) {
          return load_plain<L>(b, row, pack) * Domain::logarithm(Domain::load(v, row, pack));
        });
        for (int lane = 0; lane < L::width; ++lane) dual += share[lane] * s.lane_sums[lane];
        team.team_barrier();
      }
      if (batch.solution.f.extent(0) == 0) continue;
      const double* const u = place.array(Batch::left, t);
      double* const logarithms = place.work.array(Batch::log_mean);
      for_rows<L>(team, batch.to_source.to, [&](int row, int pack) {
        store_plain<L>(logarithms, row, pack, Domain::logarithm(Domain::load(u, row, pack)));
      });
      for (int lane = 0; lane < L::width && t * L::width + lane < count; ++lane) {
        const std::int64_t at = batch.offsets(k) + t * L::width + lane;
        Kokkos::parallel_for(Kokkos::TeamVectorRange(team, batch.n()), [&](int i) {
          batch.solution.f(at, i) =
              batch.settings.epsilon * logarithms[static_cast<long>(i) * L::width + lane];
        });
      }
      team.team_barrier();
    }
    const double epsilon = batch.settings.epsilon;
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      batch.solution.dual_value(k) =
          plain ? scale * (epsilon * dual + epsilon * ::log(scale) + batch.cost_minimum)
                : Domain::not_a_number;
      batch.solution.mass(k) = scale * s.mass;
      batch.solution.residual(k) = s.residual;
      batch.solution.iterations(k) = s.control.iteration;
      const bool finite = s.residual - s.residual == 0 && s.mass - s.mass == 0;
      batch.solution.status(k) =
          static_cast<int>(final_status(s.why, s.residual, batch.rule.threshold, finite));
    });
  }
};

}  // namespace otfleet::kernels
