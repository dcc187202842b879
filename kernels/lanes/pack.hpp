#pragma once
#include <Kokkos_Core.hpp>
#include <cmath>
#include <limits>

#include "kernels/backend.hpp"
#include "kernels/lanes/scalar_math.hpp"

// A file that is compiled for a GPU has packs for the host too, but without intrinsics, which the
// device's pass over the file does not know.
#if !defined(__CUDACC__) && !defined(__HIPCC__)
#ifdef __AVX__
#define OTFLEET_INTRINSICS
#include <immintrin.h>
#ifdef OTFLEET_SLEEF
#include <sleef.h>
#endif
#endif
#endif

// A Pack holds the same quantity of several instances side by side. On a CPU it is two hardware
// vectors, so that a product of a matrix with packs keeps enough independent multiply-adds in
// flight; on a GPU it is one number and the instances sit in neighboring threads.

#if defined(__AVX512F__)
#define OTFLEET_VECTOR_BYTES 64
#elif defined(__AVX__)
#define OTFLEET_VECTOR_BYTES 32
#else
#define OTFLEET_VECTOR_BYTES 16
#endif

// A pack is many registers: as an argument of a call that is not inlined it goes through memory.
#if defined(__GNUC__)
#define OTFLEET_PACK_INLINE __attribute__((always_inline)) inline
#else
#define OTFLEET_PACK_INLINE inline
#endif

namespace otfleet::kernels {

template <class Scalar, int vectors_ = 2>
struct HostPack {
  using Number = Scalar;
  static constexpr int vectors = vectors_;
  static constexpr int vector_width = OTFLEET_VECTOR_BYTES / static_cast<int>(sizeof(Scalar));
  static constexpr int width = vectors * vector_width;
  typedef Scalar Vector __attribute__((vector_size(OTFLEET_VECTOR_BYTES)));
  typedef Scalar UnalignedVector
      __attribute__((vector_size(OTFLEET_VECTOR_BYTES), aligned(alignof(Scalar)), may_alias));

  Vector v[vectors];

  HostPack() = default;
  explicit HostPack(Scalar x) {
    for (auto& part : v) part = x - Vector{};  // x − 0 is x: one broadcast, no arithmetic
  }
  static HostPack load(const Scalar* from) {
    HostPack p;
    for (int k = 0; k < vectors; ++k) p.v[k] = reinterpret_cast<const UnalignedVector*>(from)[k];
    return p;
  }
  void store(Scalar* to) const {
    for (int k = 0; k < vectors; ++k) reinterpret_cast<UnalignedVector*>(to)[k] = v[k];
  }
};

#define OTFLEET_PACK_OPERATOR(op)                                                                 \
  template <class Scalar, int vectors>                                                            \
  OTFLEET_PACK_INLINE HostPack<Scalar, vectors> operator op(const HostPack<Scalar, vectors>& x,   \
                                                            const HostPack<Scalar, vectors>& y) { \
    HostPack<Scalar, vectors> r;                                                                  \
    for (int k = 0; k < vectors; ++k) r.v[k] = x.v[k] op y.v[k];                                  \
    return r;                                                                                     \
  }
OTFLEET_PACK_OPERATOR(+)
OTFLEET_PACK_OPERATOR(-)
OTFLEET_PACK_OPERATOR(*)
OTFLEET_PACK_OPERATOR(/)
#undef OTFLEET_PACK_OPERATOR

namespace detail {

#if defined(OTFLEET_SLEEF) && defined(OTFLEET_INTRINSICS) && defined(__AVX512F__)
inline __m512d vector_exp(__m512d x) {
  return Sleef_expd8_u10avx512f(x);
}
inline __m512d vector_log(__m512d x) {
  return Sleef_logd8_u10avx512f(x);
}
inline __m512d vector_sin(__m512d x) {
  return Sleef_sind8_u10avx512f(x);
}
inline __m512d vector_cos(__m512d x) {
  return Sleef_cosd8_u10avx512f(x);
}
inline __m512 vector_sin(__m512 x) {
  return Sleef_sinf16_u10avx512f(x);
}
inline __m512 vector_cos(__m512 x) {
  return Sleef_cosf16_u10avx512f(x);
}
inline __m512 vector_exp(__m512 x) {
  return Sleef_expf16_u10avx512f(x);
}
inline __m512 vector_log(__m512 x) {
  return Sleef_logf16_u10avx512f(x);
}
#elif defined(OTFLEET_SLEEF) && defined(OTFLEET_INTRINSICS) && defined(__AVX2__)
inline __m256d vector_exp(__m256d x) {
  return Sleef_expd4_u10avx2(x);
}
inline __m256d vector_log(__m256d x) {
  return Sleef_logd4_u10avx2(x);
}
inline __m256d vector_sin(__m256d x) {
  return Sleef_sind4_u10avx2(x);
}
inline __m256d vector_cos(__m256d x) {
  return Sleef_cosd4_u10avx2(x);
}
inline __m256 vector_sin(__m256 x) {
  return Sleef_sinf8_u10avx2(x);
}
inline __m256 vector_cos(__m256 x) {
  return Sleef_cosf8_u10avx2(x);
}
inline __m256 vector_exp(__m256 x) {
  return Sleef_expf8_u10avx2(x);
}
inline __m256 vector_log(__m256 x) {
  return Sleef_logf8_u10avx2(x);
}
#else
template <class Vector>
Vector vector_exp(Vector x) {
  for (int e = 0; e < static_cast<int>(sizeof(Vector) / sizeof(x[0])); ++e) x[e] = std::exp(x[e]);
  return x;
}
template <class Vector>
Vector vector_log(Vector x) {
  for (int e = 0; e < static_cast<int>(sizeof(Vector) / sizeof(x[0])); ++e) x[e] = std::log(x[e]);
  return x;
}
template <class Vector>
Vector vector_sin(Vector x) {
  for (int e = 0; e < static_cast<int>(sizeof(Vector) / sizeof(x[0])); ++e) x[e] = std::sin(x[e]);
  return x;
}
template <class Vector>
Vector vector_cos(Vector x) {
  for (int e = 0; e < static_cast<int>(sizeof(Vector) / sizeof(x[0])); ++e) x[e] = std::cos(x[e]);
  return x;
}
#endif

}  // namespace detail

// What kernels may do with a pack besides arithmetic; with single numbers: scalar_math.hpp.

template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> exp(HostPack<Scalar, vectors> x) {
  for (auto& part : x.v) part = detail::vector_exp(part);
  return x;
}
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> log(HostPack<Scalar, vectors> x) {
  for (auto& part : x.v) part = detail::vector_log(part);
  return x;
}
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> sin(HostPack<Scalar, vectors> x) {
  for (auto& part : x.v) part = detail::vector_sin(part);
  return x;
}
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> cos(HostPack<Scalar, vectors> x) {
  for (auto& part : x.v) part = detail::vector_cos(part);
  return x;
}
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> abs(HostPack<Scalar, vectors> x) {
  for (auto& part : x.v) part = part < 0 ? -part : part;
  return x;
}
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> max(HostPack<Scalar, vectors> x,
                                                  const HostPack<Scalar, vectors>& y) {
  for (int k = 0; k < vectors; ++k) x.v[k] = x.v[k] > y.v[k] ? x.v[k] : y.v[k];
  return x;
}
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> min(HostPack<Scalar, vectors> x,
                                                  const HostPack<Scalar, vectors>& y) {
  for (int k = 0; k < vectors; ++k) x.v[k] = x.v[k] < y.v[k] ? x.v[k] : y.v[k];
  return x;
}
/// Keeps a loaded pack in registers: the compiler would read it again at every use, and the loads
/// would then cost more than the multiply-adds.
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE void keep(HostPack<Scalar, vectors>& x) {
#if defined(__x86_64__) && defined(__GNUC__)
  for (auto& part : x.v) asm("" : "+x"(part));
#else
  (void)x;
#endif
}
/// Lane by lane: x > y ? yes : no.
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> if_greater(const HostPack<Scalar, vectors>& x,
                                                         const HostPack<Scalar, vectors>& y,
                                                         const HostPack<Scalar, vectors>& yes,
                                                         HostPack<Scalar, vectors> no) {
  for (int k = 0; k < vectors; ++k) no.v[k] = x.v[k] > y.v[k] ? yes.v[k] : no.v[k];
  return no;
}
/// Is x > 0 in any lane?
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE bool any_positive(const HostPack<Scalar, vectors>& x) {
  auto larger = x.v[0];
  for (int k = 1; k < vectors; ++k) larger = x.v[k] > larger ? x.v[k] : larger;
  bool any = false;
  for (int e = 0; e < HostPack<Scalar, vectors>::vector_width; ++e) any |= larger[e] > 0;
  return any;
}

/// How a tile of instances is laid out on an execution space: `width` instances innermost, seen as
/// `packs` packs of `pack_width` instances; one thread handles one pack.
template <class ExecutionSpace, class Scalar_,
          bool vectors = Backend<ExecutionSpace>::packs_are_vectors>
struct Lanes {
  using Scalar = Scalar_;
  using Pack = HostPack<Scalar>;
  static constexpr int pack_width = Pack::width;
  static constexpr int packs = Backend<ExecutionSpace>::vector_length;
  static constexpr int width = pack_width * packs;
  /// Outputs a thread computes at once in a matrix product.
  static constexpr int block = Backend<ExecutionSpace>::product_outputs;

  static Pack load(const Scalar* from) { return Pack::load(from); }
  static void store(Scalar* to, const Pack& value) { value.store(to); }
};

template <class ExecutionSpace, class Scalar_>
struct Lanes<ExecutionSpace, Scalar_, false> {
  using Scalar = Scalar_;
  using Pack = Scalar;
  static constexpr int pack_width = 1;
  static constexpr int packs = Backend<ExecutionSpace>::vector_length;
  static constexpr int width = pack_width * packs;
  static constexpr int block = Backend<ExecutionSpace>::product_outputs;

  KOKKOS_INLINE_FUNCTION static Pack load(const Scalar* from) { return *from; }
  KOKKOS_INLINE_FUNCTION static void store(Scalar* to, Pack value) { *to = value; }
};

/// The lanes of one problem's points, on one thread: packs of one vector, since rows are short.
template <class ExecutionSpace, class Scalar_,
          bool vectors = Backend<ExecutionSpace>::packs_are_vectors>
struct PointLanes {
  using Scalar = Scalar_;
  using Pack = HostPack<Scalar, 1>;
  static constexpr int pack_width = Pack::width;

  static Pack load(const Scalar* from) { return Pack::load(from); }
  static void store(Scalar* to, const Pack& value) { value.store(to); }
};

template <class ExecutionSpace, class Scalar_>
struct PointLanes<ExecutionSpace, Scalar_, false> {
  using Scalar = Scalar_;
  using Pack = Scalar;
  static constexpr int pack_width = 1;

  KOKKOS_INLINE_FUNCTION static Pack load(const Scalar* from) { return *from; }
  KOKKOS_INLINE_FUNCTION static void store(Scalar* to, Pack value) { *to = value; }
};

// What costs of point clouds need besides.

// Packs that cross a call go through memory, which costs more than the arithmetic here.
#if defined(__GNUC__)
#define OTFLEET_ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define OTFLEET_ALWAYS_INLINE inline
#endif

namespace detail {

/// arcsin(x) = x + x³ c(x²) for |x| <= 1/2, c a Chebyshev interpolant: off by less than 1e-9
/// (float) and 4e-18 (double). π/2 in two parts.
template <class Scalar>
struct Arcsin;
template <>
struct Arcsin<float> {
  static constexpr float quarter_turn = 1.5707963705062866F, rest = -4.3711390001862428308e-8F;
  static constexpr int degree = 5;
  static constexpr float c[] = {0.16666666337430907054F,  0.075000945434974234762F,
                                0.044599401528512183719F, 0.031100662735494567927F,
                                0.01714923835767725319F,  0.033690847202830119524F};
};
template <>
struct Arcsin<double> {
  static constexpr double quarter_turn = 1.5707963267948966, rest = 6.1232339957367658861e-17;
  static constexpr int degree = 12;
  static constexpr double c[] = {
      0.16666666666666667827,   0.074999999999984329332, 0.044642857146355429783,
      0.030381944138531247287,  0.022372172942149887875, 0.017352392720869972942,
      0.013971212973552933304,  0.011479177415184905896, 0.010322814350185779287,
      0.0054575067186403583004, 0.017400879442694022443, -0.014851887071247203224,
      0.028757851367421564708};
};

/// 2^x on [−1/2, 1/2] as a polynomial, c[0] + c[1] x + …: the Chebyshev interpolant, off by 2e-9
/// (float) and 3e-18 (double). `shifter` puts the nearest integer into the last bits of a sum. Bits
/// are unsigned: of what is no number in the range they may overflow.
template <class Scalar>
struct Exp2;
template <>
struct Exp2<float> {
  typedef int Signed __attribute__((vector_size(OTFLEET_VECTOR_BYTES)));
  typedef unsigned Bits __attribute__((vector_size(OTFLEET_VECTOR_BYTES)));
  static constexpr int mantissa_bits = 23;
  static constexpr float lowest = -126, shifter = 0x1.8p23F;
  static constexpr int degree = 6;
  static constexpr float c[] = {1.0F,
                                0.69314720670283259577F,
                                0.24022650922288758071F,
                                0.055503272266703020589F,
                                0.0096180566785246380754F,
                                0.001340042817761583794F,
                                0.00015461444698569129083F};
};
template <>
struct Exp2<double> {
  typedef long long Signed __attribute__((vector_size(OTFLEET_VECTOR_BYTES)));
  typedef unsigned long long Bits __attribute__((vector_size(OTFLEET_VECTOR_BYTES)));
  static constexpr int mantissa_bits = 52;
  static constexpr double lowest = -1022, shifter = 0x1.8p52;
  static constexpr int degree = 11;
  static constexpr double c[] = {1.0,
                                 0.69314718055994530925,
                                 0.24022650695910159567,
                                 0.055504108664821627039,
                                 0.0096181291075872566681,
                                 0.0013333558146406470697,
                                 0.00015403530463724354209,
                                 0.000015252733841556772589,
                                 1.3215432535912376166e-6,
                                 1.0178057087733941105e-7,
                                 7.0741942972885210056e-9,
                                 4.455817908336064493e-10};
};

/// log2(m) for m in [√½, √2) as t c(t²), t = (m − 1)/(m + 1): Chebyshev interpolants, off by less
/// than 1e-10 (float) and 1e-18 (double). The bits of √½ and of 1 split a number into m and 2^k.
template <class Scalar>
struct Log2;
template <>
struct Log2<float> {
  static constexpr unsigned root_half = 0x3f3504f3, one = 0x3f800000, bias = 127;
  static constexpr int degree = 4;
  static constexpr float c[] = {2.8853900817906103057F, 0.961796672606757693374F,
                                0.577083737623070403738F, 0.411662924771116979883F,
                                0.340921636445889413651F};
};
template <>
struct Log2<double> {
  static constexpr unsigned long long root_half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000,
                                      bias = 1023;
  static constexpr int degree = 10;
  static constexpr double c[] = {
      2.88539008177792681472,  0.961796693925975604898, 0.577078016355585375175,
      0.41219858311112599167,  0.32059889797704720811,  0.262308188982912370066,
      0.221953109502155264589, 0.192357695604448671308, 0.169794612843468683851,
      0.15023667779390150224,  0.159786794515626135244};
};

/// max(x, low) where a NaN in x stays.
template <class Vector, class Scalar>
Vector at_least(Vector x, Scalar low) {
  const Vector bound = low - Vector{};
  return bound > x ? bound : x;
}
template <class Vector>
Vector vector_sqrt(Vector x) {
  for (int e = 0; e < static_cast<int>(sizeof(Vector) / sizeof(x[0])); ++e) x[e] = std::sqrt(x[e]);
  return x;
}
#if defined(OTFLEET_INTRINSICS) && defined(__AVX512F__)
// Masks of all lanes: without one GCC 12 warns of numbers that are not set (its bug 105593).
inline __m512 vector_sqrt(__m512 x) {
  return _mm512_maskz_sqrt_ps(0xffff, x);
}
inline __m512d vector_sqrt(__m512d x) {
  return _mm512_maskz_sqrt_pd(0xff, x);
}
inline __m512 at_least(__m512 x, float low) {
  return _mm512_maskz_max_ps(0xffff, _mm512_set1_ps(low), x);
}
inline __m512d at_least(__m512d x, double low) {
  return _mm512_maskz_max_pd(0xff, _mm512_set1_pd(low), x);
}
#elif defined(OTFLEET_INTRINSICS)
inline __m256 vector_sqrt(__m256 x) {
  return _mm256_sqrt_ps(x);
}
inline __m256d vector_sqrt(__m256d x) {
  return _mm256_sqrt_pd(x);
}
inline __m256 at_least(__m256 x, float low) {
  return _mm256_max_ps(_mm256_set1_ps(low), x);
}
inline __m256d at_least(__m256d x, double low) {
  return _mm256_max_pd(_mm256_set1_pd(low), x);
}
#endif

}  // namespace detail

/// 2^x to two units in the last place for x up to 126 (float) or 1022 (double): it does not look
/// for overflow. What is too small for a normal number becomes the smallest one, NaN stays NaN.
template <class Scalar, int vectors>
OTFLEET_ALWAYS_INLINE HostPack<Scalar, vectors> exp2_bounded(HostPack<Scalar, vectors> x) {
  using Constants = detail::Exp2<Scalar>;
  for (auto& part : x.v) {
    const auto clamped = detail::at_least(part, Constants::lowest);
    const auto shifted = clamped + Constants::shifter;
    const auto rest = clamped - (shifted - Constants::shifter);
    auto power = rest * Constants::c[Constants::degree] + Constants::c[Constants::degree - 1];
    for (int k = Constants::degree - 2; k >= 0; --k) power = power * rest + Constants::c[k];
    typedef typename Constants::Bits Bits;
    // Casts between vectors of one size keep the bits. The integer goes into the exponent.
    part = (typename HostPack<Scalar, vectors>::Vector)(
        (Bits)power + ((Bits)shifted << Constants::mantissa_bits));
  }
  return x;
}
/// log2(x) for normal x > 0: off by no more than two units in the last place of itself or of 1,
/// whichever is larger.
template <class Scalar>
OTFLEET_ALWAYS_INLINE HostPack<Scalar> log2_normal(HostPack<Scalar> x) {
  using Constants = detail::Log2<Scalar>;
  using Layout = detail::Exp2<Scalar>;
  typedef typename HostPack<Scalar>::Vector Vector;
  typedef typename Layout::Bits Bits;
  constexpr int mantissa = Layout::mantissa_bits;
  for (auto& part : x.v) {
    // k + bias is never negative, so that an arithmetic shift is a logical one.
    const Bits sum = (Bits)part + (Constants::one - Constants::root_half);
    const Bits biased = (Bits)((typename Layout::Signed)sum >> mantissa);
    const Bits moved = biased - Constants::bias;
    const Vector rest = (Vector)((Bits)part - (moved << mantissa));
    const Bits shifted = (Bits)(Layout::shifter - Vector{}) + moved;
    const Vector exponent = (Vector)shifted - Layout::shifter;
    const Vector t = (rest - 1) / (rest + 1), square = t * t;
    Vector series = square * Constants::c[Constants::degree] + Constants::c[Constants::degree - 1];
    for (int k = Constants::degree - 2; k >= 0; --k) series = series * square + Constants::c[k];
    part = exponent + t * series;
  }
  return x;
}
template <class Scalar, int vectors>
OTFLEET_ALWAYS_INLINE HostPack<Scalar, vectors> sqrt(HostPack<Scalar, vectors> x) {
  for (auto& part : x.v) part = detail::vector_sqrt(part);
  return x;
}
/// 2 arctan(√(apart/together)) for apart, together >= 0, not both beyond half of the range of
/// Scalar, to a few units in the last place; 0 where both are 0. With |x − y|² and |x + y|² it is
/// the angle between two vectors of one length, accurate where that is near 0 and near π, too.
template <class Scalar>
OTFLEET_ALWAYS_INLINE HostPack<Scalar> angle_between(HostPack<Scalar> apart,
                                                     const HostPack<Scalar>& together) {
  using Constants = detail::Arcsin<Scalar>;
  typedef typename HostPack<Scalar>::Vector Vector;
  for (int v = 0; v < HostPack<Scalar>::vectors; ++v) {
    const Vector one = apart.v[v], other = together.v[v];
    const Vector small = one < other ? one : other, large = one < other ? other : one;
    const Vector total = detail::at_least(one + other, std::numeric_limits<Scalar>::min());
    // The angle, or what it lacks to π: 2 arcsin(√u), and beyond a third of the half circle
    // π/2 − arcsin(1 − 2u).
    const Vector u = small / total;
    const Vector sine = u > Scalar(0.25) ? (large - small) / total : detail::vector_sqrt(u);
    const Vector square = u > Scalar(0.25) ? sine * sine : u;
    Vector series = square * Constants::c[Constants::degree] + Constants::c[Constants::degree - 1];
    for (int k = Constants::degree - 2; k >= 0; --k) series = series * square + Constants::c[k];
    const Vector arcsin = sine + sine * square * series;
    const Vector angle =
        u > Scalar(0.25) ? Constants::quarter_turn + (Constants::rest - arcsin) : 2 * arcsin;
    apart.v[v] = one > other ? 2 * Constants::quarter_turn + (2 * Constants::rest - angle) : angle;
  }
  return apart;
}

}  // namespace otfleet::kernels
