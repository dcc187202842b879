#pragma once

// What the program was compiled to use of the processor. On one that lacks it the program would end
// with an illegal instruction, anywhere; processor_check.cpp says so first.

/// M(name, as compilers spell it) for x86. What processors of one kind have together is here once.
#define OTFLEET_FOR_EACH_PROCESSOR_FEATURE(M) \
  M(popcnt, "popcnt")                         \
  M(sse4_2, "sse4.2")                         \
  M(fma4, "fma4")                             \
  M(avx, "avx")                               \
  M(bmi, "bmi")                               \
  M(bmi2, "bmi2")                             \
  M(fma, "fma")                               \
  M(avx2, "avx2")                             \
  M(avx512f, "avx512f")                       \
  M(avx512cd, "avx512cd")                     \
  M(avx512bw, "avx512bw")                     \
  M(avx512dq, "avx512dq")                     \
  M(avx512vl, "avx512vl")                     \
  M(avx512ifma, "avx512ifma")                 \
  M(avx512vbmi, "avx512vbmi")                 \
  M(avx512vbmi2, "avx512vbmi2")               \
  M(avx512vnni, "avx512vnni")                 \
  M(avx512bitalg, "avx512bitalg")             \
  M(avx512vpopcntdq, "avx512vpopcntdq")       \
  M(gfni, "gfni")                             \
  M(vpclmulqdq, "vpclmulqdq")

namespace otfleet {

/// Of a processor: what it has; of a program: what it was compiled to use.
struct ProcessorFeatures {
#define OTFLEET_MEMBER(name, text) bool name = false;
  OTFLEET_FOR_EACH_PROCESSOR_FEATURE(OTFLEET_MEMBER)
#undef OTFLEET_MEMBER
};

/// Of this program. A constant in its data, which can be read before any constructor has run.
extern const ProcessorFeatures processor_needs;

}  // namespace otfleet
