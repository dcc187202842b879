#pragma once
#include <limits>

// Functions that run on the host and on the device, in headers that do not include Kokkos. What the
// compiler is decides, not what was included before, so that a function has one meaning.

#if defined(__CUDACC__) || defined(__HIPCC__)
#define OTFLEET_FUNCTION __host__ __device__
#define OTFLEET_FORCEINLINE_FUNCTION __host__ __device__ __forceinline__
#else
#define OTFLEET_FUNCTION
#define OTFLEET_FORCEINLINE_FUNCTION inline __attribute__((always_inline))
#endif
#define OTFLEET_INLINE_FUNCTION OTFLEET_FUNCTION inline

namespace otfleet::kernels {

// Constants, since the functions of std::numeric_limits are the host's alone.
template <class Scalar>
inline constexpr Scalar machine_epsilon = std::numeric_limits<Scalar>::epsilon();
template <class Scalar>
inline constexpr Scalar least_normal = std::numeric_limits<Scalar>::min();

}  // namespace otfleet::kernels
