#pragma once
#include "kernels/solvers/barycenter/barycenter_tiles.hpp"

namespace otfleet::kernels {

/// From the batch to a team: measures, start, and the box that holds all mass.
template <class Batch>
struct BarycenterLoading {
  using Domain = typename Batch::Domain;
  using L = typename Batch::L;
  using Pack = typename Batch::Pack;
  using TeamMember = typename Batch::TeamMember;
  using Places = typename Batch::Places;
  using State = typename Batch::State;

  KOKKOS_FUNCTION static void load(const Batch& batch, const TeamMember& team, const Places& place,
                                   State& s) {
    double sum = 0;
    for (std::int64_t at = batch.offsets(s.problem); at < batch.offsets(s.problem + 1); ++at)
      sum += batch.weights(at);
    const std::int64_t count = batch.offsets(s.problem + 1) - batch.offsets(s.problem);
    for (int t = 0; t < s.tiles; ++t) {
      for (int lane = 0; lane < L::width; ++lane) {
        const std::int64_t at = batch.entry(s, t * L::width + lane);
        const int which = batch.index(at);
        load_weights<L>(team, &batch.measures.weights(which, 0), Region::line(batch.m()), lane,
                        place.array(Batch::measure, t));
        if (batch.settings.tau < 1) {
          const double share = batch.measures.mass(which) / s.largest_mass;
          double* const to = place.array(Batch::measure, t);
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, batch.m()),
                               [&](int j) { to[static_cast<long>(j) * L::width + lane] *= share; });
          team.team_barrier();
        }
        if (batch.settings.from_solution) {
          double* const plain = place.work.array(Batch::log_mean);
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, batch.n()), [&](int i) {
            plain[static_cast<long>(i) * L::width + lane] =
                batch.solution.f(at, i) / batch.settings.epsilon;
          });
          team.team_barrier();
        }
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          place.lane(Batch::weight, t)[lane] =
              t * L::width + lane < count ? batch.weights(at) / sum : 0.0;
          place.lane(Batch::center, t)[lane] = 0;
        });
      }
      team.team_barrier();
      const double* const start = place.work.array(Batch::log_mean);
      double* const u = place.array(Batch::left, t);
      for_rows<L>(team, batch.to_source.to, [&](int row, int pack) {
        const Pack exponent =
            batch.settings.from_solution ? load_plain<L>(start, row, pack) : Pack(0.0);
        Domain::store(u, row, pack, value_of_logarithm<Domain>(exponent));
      });
    }
    find_support(batch, team, place, s);
    double* const blur = place.row(Batch::log_blur);
    const bool goes_on = batch.settings.from_solution && batch.keeps_blur();
    const int k = s.problem;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.n()),
                         [&](int i) { blur[i] = goes_on ? batch.solution.log_blur(k, i) : 0.0; });
    team.team_barrier();
  }

  /// State::support.
  KOKKOS_FUNCTION static void find_support(const Batch& batch, const TeamMember& team,
                                           const Places& place, State& s) {
    const Region& all = batch.to_target.to;
    double* const used = place.work.array(Batch::right);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.m()), [&](int j) {
      bool any = false;
      for (int t = 0; t < s.tiles; ++t) {
        const double* const b = place.array(Batch::measure, t) + static_cast<long>(j) * L::width;
        for (int lane = 0; lane < L::width; ++lane) any |= b[lane] > 0;
      }
      used[j] = any ? 1 : 0;
    });
    team.team_barrier();
    Region support = all;
    int stride = 1;
    for (int axis = 2; axis >= 0; --axis) {
      const int length = all.length[axis], step = stride;
      int first = length, last = -1;
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, batch.m()),
          [&](int j, int& least) {
            const int at = j / step % length;
            if (used[j] > 0 && at < least) least = at;
          },
          Kokkos::Min<int>(first));
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, batch.m()),
          [&](int j, int& most) {
            const int at = j / step % length;
            if (used[j] > 0 && at > most) most = at;
          },
          Kokkos::Max<int>(last));
      support.begin[axis] = first;
      support.end[axis] = last + 1;
      stride *= length;
    }
    Kokkos::single(Kokkos::PerTeam(team), [&]() { s.support = support; });
    team.team_barrier();
  }
};

}  // namespace otfleet::kernels
