#pragma once
#include "kernels/backend.hpp"

// What the threads of a team do together; each ends with a team barrier.

namespace otfleet::kernels {

/// A team for each of `count` problems.
template <class ExecutionSpace>
Policy<ExecutionSpace> team_each(const ExecutionSpace& space, int count) {
  using Tuned = Backend<ExecutionSpace>;
  return Policy<ExecutionSpace>(space, count, Tuned::team_size, Tuned::vector_length);
}

/// body(i) for i < count.
template <class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void team_for(const TeamMember& team, int count, const Body& body) {
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, count), body);
  team.team_barrier();
}

/// The sum of term(i); every thread of the team gets it.
template <class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION double team_sum(const TeamMember& team, int count, const Term& term) {
  double total = 0;
  Kokkos::parallel_reduce(
      Kokkos::TeamVectorRange(team, count), [&](int i, double& sum) { sum += term(i); }, total);
  team.team_barrier();
  return total;
}

/// How many i < count there are with matters(i); every thread of the team gets it.
template <class TeamMember, class Matters>
KOKKOS_INLINE_FUNCTION int team_count(const TeamMember& team, int count, const Matters& matters) {
  int total = 0;
  Kokkos::parallel_reduce(
      Kokkos::TeamVectorRange(team, count), [&](int i, int& sum) { sum += matters(i) ? 1 : 0; },
      total);
  team.team_barrier();
  return total;
}

/// The largest term(i), or the smallest double; every thread of the team gets it. NaN is passed
/// over.
template <class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION double team_max(const TeamMember& team, int count, const Term& term) {
  double largest = -Kokkos::Experimental::finite_max<double>::value;
  Kokkos::parallel_reduce(
      Kokkos::TeamVectorRange(team, count),
      [&](int i, double& most) {
        const double value = term(i);
        if (value > most) most = value;
      },
      Kokkos::Max<double>(largest));
  team.team_barrier();
  return largest;
}

}  // namespace otfleet::kernels
