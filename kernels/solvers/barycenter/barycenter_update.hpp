#pragma once
#include "kernels/solvers/barycenter/barycenter_tiles.hpp"
#include "kernels/solvers/momentum_step.hpp"

namespace otfleet::kernels {

/// The next potentials on the barycenter's side, with momentum.
template <class Batch>
struct BarycenterUpdate {
  using Domain = typename Batch::Domain;
  using L = typename Batch::L;
  using Pack = typename Batch::Pack;
  using Value = typename Batch::Value;
  using TeamMember = typename Batch::TeamMember;
  using Places = typename Batch::Places;
  using State = typename Batch::State;

  /// u = (p/y)^tau, where there is momentum times exp(factor (change − its mean)).
  KOKKOS_FUNCTION static void update(const Batch& batch, const TeamMember& team,
                                     const Places& place, const State& s) {
    const double factor = momentum_factor(batch, s);
    const bool exact = batch.is_exact();
    for (int t = 0; t < s.tiles; ++t) {
      double* const u = place.array(Batch::left, t);
      const double *const y = place.array(Batch::applied, t), *const changes =
                                                                  place.array(Batch::change, t);
      const double *const means = place.lane(Batch::center, t), *const plain =
                                                                    place.array(Batch::updated, t);
      const double mass = s.mass;
      for_rows<L>(team, batch.to_source.to, [&](int row, int pack) {
        if (!exact) {
          Domain::store(u, row, pack, value_of_logarithm<Domain>(load_plain<L>(plain, row, pack)));
          return;
        }
        Value next =
            Domain::ratio(stored_barycenter(batch, place, row), Domain::load(y, row, pack));
        if (factor > 0) {
          const Pack mean = L::load(means + pack * L::pack_width) * Pack(1 / mass);
          const Pack exponent =
              Momentum<double>::beyond(Pack(factor), load_plain<L>(changes, row, pack), mean);
          next = times_limited_exp<Domain>(next, exponent);
        }
        Domain::store(u, row, pack, next);
      });
    }
    if (!batch.settings.debiased) return;
    const double* const d = place.row(Batch::next_log_blur);
    double *const blur_now = place.row(Batch::log_blur), *const last =
                                                             place.row(Batch::last_log_blur);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()), [&](int i) {
      blur_now[i] = factor > 0 ? d[i] + factor * (d[i] - last[i]) : d[i];
      last[i] = d[i];
    });
    team.team_barrier();
  }

  /// 0 where Kept::change holds no change yet. Debiased updates are those of no ascent, and
  /// oscillate under factors as large as Momentum's: they have Nesterov's, which are smaller.
  KOKKOS_FUNCTION static double momentum_factor(const Batch& batch, const State& s) {
    if (!batch.settings.debiased) return s.momentum.factor;
    const int k = s.momentum.ascents;
    return k > 1 ? (k - 1) / (k + 2.0) : 0.0;
  }

  /// The barycenter at a point, in every lane.
  KOKKOS_INLINE_FUNCTION static Value stored_barycenter(const Batch& batch, const Places& place,
                                                        int row) {
    const double* const planes = place.row(Batch::stored);
    if constexpr (Domain::planes == 1)
      return Pack(planes[row]);
    else
      return {Pack(planes[row]), Pack(planes[batch.n() + row])};
  }
};

}  // namespace otfleet::kernels
