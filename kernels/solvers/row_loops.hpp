#pragma once
#include "kernels/lanes/pack.hpp"
#include "kernels/team_loops.hpp"

// What a team does with the rows of one problem's matrices, whose columns lie in the lanes of
// packs.

namespace otfleet::kernels {

/// body(i) for i < count, each by one thread of the team, with its vector lanes.
template <class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void each_row(const TeamMember& team, int count, const Body& body) {
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), body);
  team.team_barrier();
}

/// Within each_row(): body(at) for every pack of a row, which begins at number `at`.
template <class L, class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void each_pack(const TeamMember& team, int packs, const Body& body) {
  Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, packs),
                       [&](int p) { body(p * L::pack_width); });
}

/// body(at) for every pack of columns, by the whole team.
template <class L, class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void each_column_pack(const TeamMember& team, int packs, const Body& body) {
  team_for(team, packs, [&](int p) { body(p * L::pack_width); });
}

/// Within each_row(): the sum of term(at), a pack, over the lanes of all packs.
template <class L, class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION double row_sum(const TeamMember& team, int packs, const Term& term) {
  if constexpr (L::pack_width > 1) {
    typename L::Pack total(0);
    for (int p = 0; p < packs; ++p) total = total + term(p * L::pack_width);
    typename L::Scalar lanes[L::pack_width];
    double sum = 0;
    L::store(lanes, total);
    for (const auto lane : lanes) sum += lane;
    return sum;
  } else {
    double total = 0;
    Kokkos::parallel_reduce(
        Kokkos::ThreadVectorRange(team, packs), [&](int p, double& sum) { sum += term(p); }, total);
    return total;
  }
}

/// The same, its largest; every number is finite or −inf.
template <class L, class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION double row_max(const TeamMember& team, int packs, const Term& term) {
  constexpr auto lowest = Kokkos::Experimental::finite_min<typename L::Scalar>::value;
  if constexpr (L::pack_width > 1) {
    typename L::Pack most(lowest);
    for (int p = 0; p < packs; ++p) most = max(most, term(p * L::pack_width));
    typename L::Scalar lanes[L::pack_width], largest = lowest;
    L::store(lanes, most);
    for (const auto lane : lanes) largest = lane > largest ? lane : largest;
    return largest;
  } else {
    double largest = lowest;
    Kokkos::parallel_reduce(
        Kokkos::ThreadVectorRange(team, packs),
        [&](int p, double& most) {
          const double value = term(p);
          if (value > most) most = value;
        },
        Kokkos::Max<double>(largest));
    return largest;
  }
}

}  // namespace otfleet::kernels
