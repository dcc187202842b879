#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/lanes/pack.hpp"

// What a team does together, and the two horizontal operations on packs that Newton's passes need.

namespace otfleet::kernels::newton_detail {

template <class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void for_each(const TeamMember& team, int count, const Body& body) {
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, count), body);
  team.team_barrier();
}

/// sum of term(i); every thread of the team gets it.
template <class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION double sum_of(const TeamMember& team, int count, const Term& term) {
  double total = 0;
  Kokkos::parallel_reduce(
      Kokkos::TeamVectorRange(team, count), [&](int i, double& sum) { sum += term(i); }, total);
  team.team_barrier();
  return total;
}

/// The largest term(i), count > 0; every thread of the team gets it.
template <class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION double largest_of(const TeamMember& team, int count, const Term& term) {
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

/// *sum += x, from several threads of a team on a device.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void add(double* sum, double x) {
  if constexpr (runs_on_host<ExecutionSpace>)
    *sum += x;
  else
    Kokkos::atomic_add(sum, x);
}

inline double sum_lanes(const HostPack<double>& x) {
  const auto sum = x.v[0] + x.v[1];
  double total = 0;
  for (int e = 0; e < HostPack<double>::vector_width; e += 2) total += sum[e] + sum[e + 1];
  return total;
}
inline double largest_lane(const HostPack<double>& x) {
  const auto larger = x.v[0] > x.v[1] ? x.v[0] : x.v[1];
  double largest = larger[0];
  for (int e = 1; e < HostPack<double>::vector_width; ++e)
    largest = largest > larger[e] ? largest : larger[e];
  return largest;
}
inline bool some_lane_positive(const HostPack<double>& x) {
  const auto larger = x.v[0] > x.v[1] ? x.v[0] : x.v[1];
#if defined(OTFLEET_INTRINSICS) && !defined(__AVX512F__)
  return _mm256_movemask_pd(reinterpret_cast<__m256d>(larger > 0)) != 0;
#else
  bool any = false;
  for (int e = 0; e < HostPack<double>::vector_width; ++e) any |= larger[e] > 0;
  return any;
#endif
}
KOKKOS_INLINE_FUNCTION double sum_lanes(double x) {
  return x;
}
KOKKOS_INLINE_FUNCTION double largest_lane(double x) {
  return x;
}
KOKKOS_INLINE_FUNCTION bool some_lane_positive(double x) {
  return x > 0;
}

}  // namespace otfleet::kernels::newton_detail
