#pragma once
#include "kernels/operators/in_lanes/domain.hpp"
#include "kernels/problems/learned_start.hpp"

// Moving one instance between the rows of user arrays (instance outermost) and a lane of a tile
// (instance innermost). A region says which points of a side are moved: at least the support.

// A lambda that GCC would otherwise call for every piece, with packs in memory.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define OTFLEET_INLINE_LAMBDA __attribute__((always_inline))
#else
#define OTFLEET_INLINE_LAMBDA
#endif

namespace otfleet::kernels {

namespace detail {

/// Runs body(first, count) over the runs of a region in pieces of one double pack.
template <class DoubleLanes, class TeamMember, class Body>
KOKKOS_FORCEINLINE_FUNCTION void for_pieces(const TeamMember& team, const Region& region,
                                            const Body& body) {
  constexpr int width = DoubleLanes::pack_width;
  const int length = region.run_length(), of_run = (length + width - 1) / width;
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, region.runs() * of_run), [&](int piece) {
    const int before = piece % of_run * width;
    body(region.run_begin(piece / of_run) + before,
         length - before < width ? length - before : width);
  });
  team.team_barrier();
}

/// Runs body(point) for every point of a region.
template <class TeamMember, class Body>
KOKKOS_FORCEINLINE_FUNCTION void for_points(const TeamMember& team, const Region& region,
                                            const Body& body) {
  const int length = region.run_length();
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, region.runs()), [&](int run) {
    const int begin = region.run_begin(run);
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, length),
                         [&](int at) { body(begin + at); });
  });
  team.team_barrier();
}

/// (f − largest)/epsilon; `rest` becomes what rounding takes from it. Both steps are error-free
/// transformations (Dekker 1971): a potential's last digit is worth 1e-16 |f|/epsilon.
KOKKOS_INLINE_FUNCTION double exponent(double f, double largest, double epsilon, double& rest) {
  const double gap = f - largest, quotient = gap / epsilon;
  if (quotient > -0x1p50 && quotient < 0x1p50) {
    const double taken = f - gap;
    const double lost = (f - (gap + taken)) + (taken - largest);
    rest = (::fma(-quotient, epsilon, gap) + lost) / epsilon;
  }
  return quotient;
}

/// Of a piece of up to `width` weights. Without a branch inside, so that GCC vectorizes it.
template <int width>
KOKKOS_INLINE_FUNCTION bool any_weight(const double* weights, int count) {
  bool any = false;
  if (count == width) {
    for (int e = 0; e < width; ++e) any |= weights[e] > 0;
  } else {
    for (int e = 0; e < count; ++e) any |= weights[e] > 0;
  }
  return any;
}

}  // namespace detail

/// Loads the weights of one side into a lane. A positive weight stays positive, however small it
/// is for Scalar.
template <class L, class TeamMember>
KOKKOS_INLINE_FUNCTION void load_weights(const TeamMember& team, const double* weights,
                                         const Region& region, int lane, typename L::Scalar* to) {
  using Scalar = typename L::Scalar;
  constexpr double least = Kokkos::Experimental::norm_min<Scalar>::value;
  detail::for_points(team, region, [&](int i) {
    const double weight = weights[i];
    to[static_cast<long>(i) * L::width + lane] =
        weight > 0 ? static_cast<Scalar>(weight > least ? weight : least) : Scalar(0);
  });
}

/// The largest f[i] where weights[i] > 0; 0 when none of them is above −inf.
template <class Number, class TeamMember>
KOKKOS_INLINE_FUNCTION double largest_on_support(const TeamMember& team, const Number* f,
                                                 const double* weights, const Region& region) {
  constexpr double infinity = Kokkos::Experimental::infinity<double>::value;
  constexpr int width = 8;  // so many maxima at once: one alone waits for itself at every point
  double largest = 0;
  Kokkos::parallel_reduce(
      Kokkos::TeamThreadRange(team, region.runs()),
      [&](int run, double& most) {
        const int begin = region.run_begin(run), end = begin + region.run_length();
        double part[width];
        for (int e = 0; e < width; ++e) part[e] = -infinity;
        int i = begin;
        for (; i + width <= end; i += width)
          for (int e = 0; e < width; ++e) {
            const double value = weights[i + e] > 0 ? f[i + e] : -infinity;
            part[e] = value > part[e] ? value : part[e];
          }
        for (; i < end; ++i)
          if (weights[i] > 0 && f[i] > part[0]) part[0] = f[i];
        for (int e = 0; e < width; ++e) most = part[e] > most ? part[e] : most;
      },
      Kokkos::Max<double>(largest));
  team.team_barrier();
  return largest > -Kokkos::Experimental::finite_max<double>::value ? largest : 0.0;
}

/// Loads a potential f (in units of the cost; nullptr: zero) into a lane of u, shifted so that its
/// largest entry on the support is zero, which no plan notices. Points of the region without weight
/// get none.
template <class Domain, class ExecutionSpace, class TeamMember>
KOKKOS_INLINE_FUNCTION void load_potential(const TeamMember& team, const double* f,
                                           const double* weights, double epsilon,
                                           const Region& region, int lane,
                                           typename Domain::Scalar* u) {
  using L = typename Domain::L;
  using DoubleLanes = Lanes<ExecutionSpace, double>;
  using DoublePack = typename DoubleLanes::Pack;
  if (f == nullptr) {
    double one[Domain::planes];
    Domain::from_exponent(0.0, 0.0, one);
    detail::for_points(team, region, [&](int i) {
      for (int plane = 0; plane < Domain::planes; ++plane)
        u[(static_cast<long>(i) * Domain::planes + plane) * L::width + lane] =
            weights[i] > 0 ? static_cast<typename Domain::Scalar>(one[plane])
                           : Domain::nothing(plane);
    });
    return;
  }
  const double largest = largest_on_support(team, f, weights, region);
  detail::for_pieces<DoubleLanes>(team, region, [&](int first, int count) OTFLEET_INLINE_LAMBDA {
    const auto place = [&](int e, int plane) -> typename Domain::Scalar& {
      return u[(static_cast<long>(first + e) * Domain::planes + plane) * L::width + lane];
    };
    if (!detail::any_weight<DoubleLanes::pack_width>(
            weights + first, count)) {  // images are empty in long stretches
      for (int e = 0; e < count; ++e)
        for (int plane = 0; plane < Domain::planes; ++plane)
          place(e, plane) = Domain::nothing(plane);
      return;
    }
    double values[DoubleLanes::pack_width], rests[DoubleLanes::pack_width];
    for (int e = 0; e < DoubleLanes::pack_width; ++e) {
      const bool has_mass = e < count && weights[first + e] > 0;
      rests[e] = 0;
      values[e] = !has_mass ? -Kokkos::Experimental::infinity<double>::value
                  : Domain::large_exponents
                      ? detail::exponent(f[first + e], largest, epsilon, rests[e])
                      : (f[first + e] - largest) / epsilon;
    }
    DoublePack stored[Domain::planes];
    Domain::from_exponent(DoubleLanes::load(values), DoubleLanes::load(rests), stored);
    for (int plane = 0; plane < Domain::planes; ++plane) {
      DoubleLanes::store(values, stored[plane]);
      for (int e = 0; e < count; ++e)
        place(e, plane) = static_cast<typename Domain::Scalar>(values[e]);
    }
  });
}

/// Loads what a network says of the start of problem k into a lane of u: weights · exp((φ − its
/// largest on the support)/epsilon). `room`: a tile array that may be overwritten.
template <class Domain, class ExecutionSpace, class TeamMember>
KOKKOS_INLINE_FUNCTION void load_learned(const TeamMember& team,
                                         const LearnedStart<ExecutionSpace>& start, int k,
                                         const double* weights, double epsilon,
                                         const Region& region, int lane,
                                         typename Domain::Scalar* room,
                                         typename Domain::Scalar* u) {
  using L = typename Domain::L;
  using Scalar = typename Domain::Scalar;
  using DoubleLanes = Lanes<ExecutionSpace, double>;
  constexpr int width = DoubleLanes::pack_width;
  constexpr double least = Kokkos::Experimental::norm_min<double>::value;
  static_assert(L::width >= 2, "a tile array holds phi and what its interpolation needs");
  Scalar* const phi = room + region.points();
  interpolate_output(team, start.grid, &start.output(k, 0), region, room, phi);
  const double largest = largest_on_support(team, phi, weights, region);
  detail::for_pieces<DoubleLanes>(team, region, [&](int first, int count) OTFLEET_INLINE_LAMBDA {
    const auto place = [&](int e, int plane) -> Scalar& {
      return u[((static_cast<long>(first) + e) * Domain::planes + plane) * L::width + lane];
    };
    if (!detail::any_weight<width>(weights + first, count)) {
      for (int e = 0; e < count; ++e)
        for (int plane = 0; plane < Domain::planes; ++plane)
          place(e, plane) = Domain::nothing(plane);
      return;
    }
    double values[width], masses[width];
    for (int e = 0; e < width; ++e) {
      const bool inside = e < count;
      values[e] = inside ? (static_cast<double>(phi[first + e]) - largest) / epsilon : 0.0;
      masses[e] = inside && weights[first + e] > least ? weights[first + e] : least;
    }
    typename DoubleLanes::Pack stored[Domain::planes];
    Domain::from_weighted_exponent(DoubleLanes::load(masses), DoubleLanes::load(values), stored);
    for (int plane = 0; plane < Domain::planes; ++plane) {
      DoubleLanes::store(values, stored[plane]);
      for (int e = 0; e < count; ++e)
        place(e, plane) =
            weights[first + e] > 0 ? static_cast<Scalar>(values[e]) : Domain::nothing(plane);
    }
  });
}

/// f[i] = epsilon log u_i + constant for one lane, −inf where the weight is zero, and so outside
/// the region.
template <class Domain, class ExecutionSpace, class TeamMember>
KOKKOS_INLINE_FUNCTION void store_potential(const TeamMember& team,
                                            const typename Domain::Scalar* u, const double* weights,
                                            double epsilon, double constant, const Region& region,
                                            int lane, double* f) {
  using L = typename Domain::L;
  using DoubleLanes = Lanes<ExecutionSpace, double>;
  constexpr double infinity = Kokkos::Experimental::infinity<double>::value;
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, region.points()),
                       [&](int i) { f[i] = -infinity; });
  team.team_barrier();
  detail::for_pieces<DoubleLanes>(team, region, [&](int first, int count) OTFLEET_INLINE_LAMBDA {
    if (!detail::any_weight<DoubleLanes::pack_width>(weights + first, count)) return;
    double piece[DoubleLanes::pack_width];
    typename DoubleLanes::Pack stored[Domain::planes];
    for (int plane = 0; plane < Domain::planes; ++plane) {
      for (int e = 0; e < DoubleLanes::pack_width; ++e) {
        // log(1) for what is not stored, so that no lane raises a floating-point exception.
        const bool has_mass = e < count && weights[first + e] > 0;
        const long at = (static_cast<long>(first + e) * Domain::planes + plane) * L::width + lane;
        piece[e] = has_mass ? static_cast<double>(u[at]) : 1.0;
      }
      stored[plane] = DoubleLanes::load(piece);
    }
    typename DoubleLanes::Pack rest;
    DoubleLanes::store(piece, Domain::to_exponent(stored, rest));
    double rests[DoubleLanes::pack_width] = {};
    if constexpr (Domain::large_exponents) DoubleLanes::store(rests, rest);
    for (int e = 0; e < count; ++e) {
      const double lost = Domain::large_exponents ? epsilon * rests[e] + constant : constant;
      if (weights[first + e] > 0) f[first + e] = epsilon * piece[e] + lost;
    }
  });
}

}  // namespace otfleet::kernels
