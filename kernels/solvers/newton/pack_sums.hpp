#pragma once
#include "kernels/backend.hpp"
#include "kernels/lanes/pack.hpp"

// Sums that several threads add to, and operations across the lanes of a pack.

namespace otfleet::kernels::newton_detail {

/// *sum += x, from several threads of a team on a device.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void add(double* sum, double x) {
  if constexpr (Backend<ExecutionSpace>::team_is_one_thread)
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
