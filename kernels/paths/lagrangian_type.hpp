#pragma once
#include <array>
#include <cmath>

#include "kernels/host_device.hpp"
#include "kernels/lanes/scalar_math.hpp"

// What a Lagrangian L(x, v) is: a type, one a file in lagrangians/, with all that anybody asks of
// one. lagrangian.hpp lists them; nothing else names one of them. The cost between two points is
// the least action of a path between them,
//
//   c(x, y) = min ∫ L(γ, γ') dt over γ with γ(0) = x, γ(1) = y
//
// (Pooladian, Domingo-Enrich, Chen & Amos 2024, arXiv 2406.00288). Here L = ½ v'M(x)v + B(x); the
// paper has −U for the barrier B. Its program adds L up over 19 steps with differences of points
// for velocities, ½ |Δ|² + B, so that its barriers weigh 19² = 361 times what they do in the
// integral: the strengths here are the published ones times 361.

namespace otfleet::kernels {

/// A number that a Lagrangian takes. It must be finite.
template <class Lagrangian>
struct LagrangianParameter {
  double Lagrangian::*value;
  const char* name;  ///< of the job's key, lagrangian.<name>
  const char* meaning;
  const char* range;  ///< "> 0", what must hold of it, and
  bool (*allows)(double);
};

/// A part of the plane that a Lagrangian is made for.
struct PlaneBox {
  double low[2], high[2];
};

/// What holds of a Lagrangian unless its type says otherwise. Besides what stands here it has
///
///   static constexpr const char* name, as files spell it, and `meaning`, half a line;
///   value<Pack>(x, v, dimension, slope_x, slope_v): L, and its derivatives [dimension]; on the
///     device, with the functions of packs alone;
///   a constructor without arguments that sets the usual parameters.
struct LagrangianType {
  /// Or LagrangianParameter of the type.
  static constexpr std::array<int, 0> parameters{};
  static constexpr int dimension = 2;  ///< of points; 0: any
  /// Where the usual problems lie.
  static constexpr PlaneBox box = {{-1, -1}, {1, 1}};

  // Bounds that hold everywhere: c(x, y) >= ½ least_metric |y − x|² + least_barrier, or where the
  // type has it, least_kinetic(x, y) + least_barrier.
  double least_metric() const { return 1; }   ///< M(x) − this · I is positive semi-definite
  double least_barrier() const { return 0; }  ///< B(x) >= this
};

/// 1 / (1 + exp(−x)).
template <class Pack>
OTFLEET_FORCEINLINE_FUNCTION Pack sigmoid(const Pack& x) {
  const Pack one(1.0), most(700.0);
  return one / (one + exp(min(Pack(0.0) - x, most)));
}

/// ½ |v|² + B(x), for a type with barrier(x, slope, dimension): B and its gradient.
template <class Lagrangian>
struct BarrierLagrangian : LagrangianType {
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack value(const Pack* x, const Pack* v, int count, Pack* slope_x,
                                          Pack* slope_v) const {
    Pack square(0.0);
    for (int i = 0; i < count; ++i) {
      square = square + v[i] * v[i];
      slope_v[i] = v[i];
    }
    return Pack(0.5) * square + static_cast<const Lagrangian*>(this)->barrier(x, slope_x, count);
  }
};

/// ½ v'(I − (1 − along) w w')v: it is cheap to go along w(x), |w| <= 1. For a type of the plane
/// with direction(x, w, change): w, and change[2 i + j] = ∂w_i/∂x_j.
template <class Lagrangian>
struct DirectedLagrangian : LagrangianType {
  double along = 1e-3;  ///< what M has along a unit vector w; it has 1 across

  double least_metric() const { return along < 1 ? along : 1; }

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack value(const Pack* x, const Pack* v, int /*count*/,
                                          Pack* slope_x, Pack* slope_v) const {
    Pack w[2], change[4];
    static_cast<const Lagrangian*>(this)->direction(x, w, change);
    const Pack with = w[0] * v[0] + w[1] * v[1], scaled = Pack(1 - along) * with;
    for (int j = 0; j < 2; ++j) {
      slope_v[j] = v[j] - scaled * w[j];
      slope_x[j] = Pack(0.0) - scaled * (v[0] * change[j] + v[1] * change[2 + j]);
    }
    return Pack(0.5) * (v[0] * v[0] + v[1] * v[1] - scaled * with);
  }
};

/// What `along` may be.
inline bool is_share(double value) {
  return value > 0 && value <= 1;
}
inline bool is_positive(double value) {
  return value > 0;
}
inline bool is_not_negative(double value) {
  return value >= 0;
}

/// 1 between low and high, 0 beyond, and half of it on the edges: sigmoids of this width; and its
/// derivative.
template <class Pack>
OTFLEET_FORCEINLINE_FUNCTION Pack between(const Pack& x, double low, double high, double width,
                                          Pack& slope) {
  const Pack scale(1 / width), one(1.0);
  const Pack rise = sigmoid((x - Pack(low)) * scale), fall = sigmoid((x - Pack(high)) * scale);
  slope = scale * (rise * (one - rise) - fall * (one - fall));
  return rise - fall;
}

}  // namespace otfleet::kernels
