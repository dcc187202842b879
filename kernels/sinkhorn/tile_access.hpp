#pragma once
#include "kernels/sinkhorn/domain.hpp"
#include "kernels/sinkhorn/problem_batch.hpp"

// Moving one instance between the rows of user arrays (instance outermost) and a lane of a tile
// (instance innermost).

namespace otfleet::kernels {

namespace detail {

/// Runs body(first, count) over [0, points) in pieces of one double pack.
template <class DoubleLanes, class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void for_pieces(const TeamMember& team, int points, const Body& body) {
  constexpr int width = DoubleLanes::pack_width;
  const int pieces = (points + width - 1) / width;
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, pieces), [&](int piece) {
    const int first = piece * width;
    body(first, points - first < width ? points - first : width);
  });
  team.team_barrier();
}

/// Puts `count` numbers, transformed as a pack, into the rows first… of one lane.
template <class L, class DoubleLanes, class Transform>
KOKKOS_INLINE_FUNCTION void scatter(const double* values, int count, typename L::Scalar* to,
                                    const Transform& transform) {
  double piece[DoubleLanes::pack_width];
  DoubleLanes::store(piece, transform(DoubleLanes::load(values)));
  for (int e = 0; e < count; ++e)
    to[static_cast<long>(e) * L::width] = static_cast<typename L::Scalar>(piece[e]);
}

}  // namespace detail

/// Loads the weights of one side into a lane, times `scale`: as they are into `plain`, as the
/// domain wants them into `fitted` (the two may be one array).
template <class Domain, class ExecutionSpace, class TeamMember>
KOKKOS_INLINE_FUNCTION void load_weights(const TeamMember& team, const double* weights,
                                         double scale, int points, int lane,
                                         typename Domain::Scalar* plain,
                                         typename Domain::Scalar* fitted) {
  using L = typename Domain::L;
  using DoubleLanes = Lanes<ExecutionSpace, double>;
  using DoublePack = typename DoubleLanes::Pack;
  detail::for_pieces<DoubleLanes>(team, points, [&](int first, int count) {
    double values[DoubleLanes::pack_width];
    for (int e = 0; e < DoubleLanes::pack_width; ++e)
      values[e] = e < count ? weights[first + e] * scale : 0.0;
    const long at = static_cast<long>(first) * L::width + lane;
    detail::scatter<L, DoubleLanes>(values, count, plain + at,
                                    [](const DoublePack& w) { return w; });
    if (fitted != plain)
      detail::scatter<L, DoubleLanes>(values, count, fitted + at,
                                      [](const DoublePack& w) { return Domain::from_weight(w); });
  });
}

/// The largest f[i] where weights[i] > 0; 0 when none of them is above −inf.
template <class TeamMember>
KOKKOS_INLINE_FUNCTION double largest_on_support(const TeamMember& team, const double* f,
                                                 const double* weights, int points) {
  double largest = 0;
  Kokkos::parallel_reduce(
      Kokkos::TeamThreadRange(team, points),
      [&](int i, double& most) {
        if (weights[i] > 0 && f[i] > most) most = f[i];
      },
      Kokkos::Max<double>(largest));
  team.team_barrier();
  return largest > -Kokkos::Experimental::finite_max<double>::value ? largest : 0.0;
}

/// Loads a potential f (in units of the cost; nullptr: zero) into a lane of u, shifted so that its
/// largest entry on the support is zero, which no plan notices. Points without weight get none.
template <class Domain, class ExecutionSpace, class TeamMember>
KOKKOS_INLINE_FUNCTION void load_potential(const TeamMember& team, const double* f,
                                           const double* weights, double epsilon, int points,
                                           int lane, typename Domain::Scalar* u) {
  using L = typename Domain::L;
  using DoubleLanes = Lanes<ExecutionSpace, double>;
  using DoublePack = typename DoubleLanes::Pack;
  const double largest = f == nullptr ? 0.0 : largest_on_support(team, f, weights, points);
  detail::for_pieces<DoubleLanes>(team, points, [&](int first, int count) {
    double values[DoubleLanes::pack_width];
    for (int e = 0; e < DoubleLanes::pack_width; ++e) {
      const bool has_mass = e < count && weights[first + e] > 0;
      values[e] = !has_mass      ? -Kokkos::Experimental::infinity<double>::value
                  : f == nullptr ? 0.0
                                 : (f[first + e] - largest) / epsilon;
    }
    detail::scatter<L, DoubleLanes>(
        values, count, u + static_cast<long>(first) * L::width + lane,
        [](const DoublePack& exponent) { return Domain::from_exponent(exponent); });
  });
}

/// f[i] = epsilon log u_i + constant for one lane, −inf where the weight is zero.
template <class Domain, class ExecutionSpace, class TeamMember>
KOKKOS_INLINE_FUNCTION void store_potential(const TeamMember& team,
                                            const typename Domain::Scalar* u, const double* weights,
                                            double epsilon, double constant, int points, int lane,
                                            double* f) {
  using L = typename Domain::L;
  using DoubleLanes = Lanes<ExecutionSpace, double>;
  detail::for_pieces<DoubleLanes>(team, points, [&](int first, int count) {
    double piece[DoubleLanes::pack_width];
    for (int e = 0; e < DoubleLanes::pack_width; ++e) {
      // log(1) for what is not stored, so that no lane raises a floating-point exception.
      const bool has_mass = e < count && weights[first + e] > 0;
      piece[e] =
          has_mass ? static_cast<double>(u[static_cast<long>(first + e) * L::width + lane]) : 1.0;
    }
    DoubleLanes::store(piece, Domain::to_exponent(DoubleLanes::load(piece)));
    for (int e = 0; e < count; ++e)
      f[first + e] = weights[first + e] > 0 ? epsilon * piece[e] + constant
                                            : -Kokkos::Experimental::infinity<double>::value;
  });
}

}  // namespace otfleet::kernels
