#pragma once
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/barycenter/barycenter_loading.hpp"
#include "kernels/solvers/barycenter/barycenter_means.hpp"
#include "kernels/solvers/barycenter/barycenter_measuring.hpp"
#include "kernels/solvers/barycenter/barycenter_storing.hpp"
#include "kernels/solvers/barycenter/barycenter_update.hpp"

namespace otfleet::kernels {

/// Iterates one problem after the other on a team.
template <class Domain, class ExecutionSpace>
struct BarycenterKernel {
  using Batch = BarycenterTiles<Domain, ExecutionSpace>;
  using TeamMember = typename Batch::TeamMember;
  using Places = typename Batch::Places;
  using State = typename Batch::State;

  Batch batch;

  KOKKOS_FUNCTION void operator()(const TeamMember& team) const {
    State& s =
        *static_cast<State*>(team.team_shmem().get_shmem_aligned(sizeof(State), alignof(State)));
    double* partial = static_cast<double*>(team.team_shmem().get_shmem_aligned(
        sizeof(double) * Batch::L::width * Batch::sums * team.team_size(), 64));
    const Places place = batch.places(team);
    const BarycenterKernel& self = *this;
    while (true) {
      Kokkos::single(Kokkos::PerTeam(team), [&]() { self.take_problem(s); });
      team.team_barrier();
      if (s.problem < 0) return;
      BarycenterLoading<Batch>::load(batch, team, place, s);
      while (true) {
        BarycenterMeans<Batch>::half_steps(batch, team, place, s);
        BarycenterMeasuring<Batch>::measure_step(batch, team, place, s, partial);
        Kokkos::single(Kokkos::PerTeam(team), [&]() { self.test(s); });
        team.team_barrier();
        if (s.stops) break;
        BarycenterUpdate<Batch>::update(batch, team, place, s);
      }
      BarycenterStoring<Batch>::store(batch, team, place, s, partial);
      team.team_barrier();
    }
  }

  KOKKOS_FUNCTION void take_problem(State& s) const {
    const bool any = !has_ended<ExecutionSpace>(batch.settings.observer);
    const int k = any ? Kokkos::atomic_fetch_add(&batch.next(0), 1) : batch.solution.size();
    s.problem = k < batch.solution.size() ? k : -1;
    if (s.problem < 0) return;
    s.control = {};
    s.control.begin();
    s.momentum = {};
    s.last_residual = Kokkos::Experimental::finite_max<double>::value;
    s.tiles = static_cast<int>((batch.offsets(k + 1) - batch.offsets(k) + Batch::L::width - 1) /
                               Batch::L::width);
    s.largest_mass = batch.measures.mass(batch.index(batch.offsets(k)));
    if (!(batch.settings.tau < 1)) return;
    for (std::int64_t at = batch.offsets(k); at < batch.offsets(k + 1); ++at)
      if (batch.measures.mass(batch.index(at)) > s.largest_mass)
        s.largest_mass = batch.measures.mass(batch.index(at));
  }

  KOKKOS_FUNCTION void test(State& s) const {
    const auto decision = s.control.test(batch.rule, s.residual);
    s.stops = decision.stops;
    s.why = decision.why;
    if (s.stops) return;
    if (!may_go_on<ExecutionSpace>(batch.settings.observer, s.problem, s.control.iteration,
                                   s.residual)) {
      s.stops = true;
      s.why = Status::ended;
      return;
    }
    ++s.control.iteration;
    if (batch.has_momentum())
      s.momentum.update(
          batch.settings.debiased ? s.last_residual - s.residual : s.total[Batch::slope], 0.0);
    s.last_residual = s.residual;
  }
};

}  // namespace otfleet::kernels
