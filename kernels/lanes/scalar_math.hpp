#pragma once
#include <cmath>

#include "kernels/host_device.hpp"

// What kernels may do with a pack (pack.hpp) besides arithmetic, for a single number: a pack of a
// GPU, and code that looks at one pair at a time. The names are those of packs.

namespace otfleet::kernels {

#define OTFLEET_SCALAR_PACK(Scalar)                                                      \
  OTFLEET_INLINE_FUNCTION Scalar max(Scalar x, Scalar y) {                               \
    return x > y ? x : y;                                                                \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar min(Scalar x, Scalar y) {                               \
    return x < y ? x : y;                                                                \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar abs(Scalar x) {                                         \
    return x < 0 ? -x : x;                                                               \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar exp(Scalar x) {                                         \
    return ::exp(x);                                                                     \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar log(Scalar x) {                                         \
    return ::log(x);                                                                     \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar sin(Scalar x) {                                         \
    return ::sin(x);                                                                     \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar cos(Scalar x) {                                         \
    return ::cos(x);                                                                     \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar if_greater(Scalar x, Scalar y, Scalar yes, Scalar no) { \
    return x > y ? yes : no;                                                             \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION bool any_positive(Scalar x) {                                  \
    return x > 0;                                                                        \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION void keep(Scalar&) {}                                          \
  OTFLEET_INLINE_FUNCTION Scalar log2_normal(Scalar x) {                                 \
    return ::log2(x);                                                                    \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar exp2_bounded(Scalar x) {                                \
    const Scalar lowest = sizeof(Scalar) == 4 ? -126 : -1022;                            \
    return ::exp2(lowest > x ? lowest : x);                                              \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar sqrt(Scalar x) {                                        \
    return ::sqrt(x);                                                                    \
  }                                                                                      \
  OTFLEET_INLINE_FUNCTION Scalar angle_between(Scalar apart, Scalar together) {          \
    return 2 * ::atan2(::sqrt(apart), ::sqrt(together));                                 \
  }
OTFLEET_SCALAR_PACK(float)
OTFLEET_SCALAR_PACK(double)
#undef OTFLEET_SCALAR_PACK

}  // namespace otfleet::kernels
