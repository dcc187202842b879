#include "kernels/solvers/unbalanced/block_ascent.hpp"

#include <cmath>

namespace otfleet::kernels {
namespace {

constexpr int device_team_threads = 128;

/// One team a problem.
template <class ExecutionSpace>
Policy<ExecutionSpace> problem_policy(const ExecutionSpace& space, int problems) {
  return Policy<ExecutionSpace>(space, problems,
                                runs_on_host<ExecutionSpace> ? 1 : device_team_threads);
}

template <class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION double team_sum(const TeamMember& team, int count, const Term& term) {
  double sum = 0;
  Kokkos::parallel_reduce(
      Kokkos::TeamThreadRange(team, count), [&](int i, double& part) { part += term(i); }, sum);
  team.team_barrier();
  return sum;
}

/// log sum_i exp(exponent(i)); −inf where nothing is above −inf.
template <class TeamMember, class Exponent>
KOKKOS_INLINE_FUNCTION double team_log_sum_exp(const TeamMember& team, int count,
                                               const Exponent& exponent) {
  constexpr double lowest = -Kokkos::Experimental::finite_max<double>::value;
  constexpr double negligible = -60;  // e^−60 of the largest: 1e8 of them change no digit
  double largest = lowest;
  Kokkos::parallel_reduce(
      Kokkos::TeamThreadRange(team, count),
      [&](int i, double& most) {
        const double value = exponent(i);
        if (value > most) most = value;
      },
      Kokkos::Max<double>(largest));
  team.team_barrier();
  if (!(largest > lowest)) return -Kokkos::Experimental::infinity<double>::value;
  return largest + ::log(team_sum(team, count, [&](int i) {
           // Most points have no weight, and an exponential is what takes the time.
           const double below = exponent(i) - largest;
           return below < negligible ? 0.0 : ::exp(below);
         }));
}

template <class ExecutionSpace>
struct BoundedUpdate {
  Vector<const int, ExecutionSpace> which;
  DualSide<ExecutionSpace> side;
  Vector<const double, ExecutionSpace> share_mass;
  Vector<double, ExecutionSpace> mass_potential;

  static constexpr double nothing = -Kokkos::Experimental::infinity<double>::value;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = which(team.league_rank());
    const double lambda = best_mass_potential(team, k);
    const BoundedUpdate& self = *this;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, side.points()), [&](int i) {
      if (!self.side.has_weight(k, i)) return;
      const double softmin = self.side.soft_minimum(k, i) - lambda;
      self.side.potential(k, i) =
          self.side.penalty.fit(softmin) + self.side.penalty.epsilon * self.side.log_weight(k, i);
    });
    Kokkos::single(Kokkos::PerTeam(team), [&]() { self.mass_potential(k) = lambda; });
  }

  /// The lambda with sum_i a_i min(1, exp((lambda − softmin_i)/epsilon)) = the mass asked for.
  /// In exp(lambda/epsilon) that is Newton's method from below on a concave, piecewise linear
  /// function: the bounds that bind only become more, and when none is new, lambda is exact.
  KOKKOS_FUNCTION double best_mass_potential(const Team<ExecutionSpace>& team, int k) const {
    const double epsilon = side.penalty.epsilon, asked = share_mass(k), mass = side.mass(k);
    const BoundedUpdate& self = *this;
    double lambda = nothing;
    double bound = -1;  // how many points are at their bound
    while (true) {
      const auto is_open = [&](int i) {
        return self.side.has_weight(k, i) && self.side.soft_minimum(k, i) > lambda;
      };
      const auto is_bound = [&](int i) { return self.side.has_weight(k, i) && !is_open(i); };
      const auto weight = [&](int i) { return self.side.weight(k, i); };
      const double now_bound =
          team_sum(team, side.points(), [&](int i) { return is_bound(i) ? 1.0 : 0.0; });
      const double bound_mass =
          team_sum(team, side.points(), [&](int i) { return is_bound(i) ? weight(i) : 0.0; });
      // What the others are to carry, as the difference that loses fewer digits.
      const double open_mass =
          bound_mass < mass / 2 ? asked - bound_mass : team_sum(team, side.points(), [&](int i) {
                                                         return is_open(i) ? weight(i) : 0.0;
                                                       }) - (mass - asked);
      if (!(now_bound > bound) || !(open_mass > 0)) return lambda;
      bound = now_bound;
      lambda = epsilon * (::log(open_mass) - team_log_sum_exp(team, side.points(), [&](int i) {
                            return is_open(i) ? self.side.log_weight(k, i) -
                                                    self.side.soft_minimum(k, i) / epsilon
                                              : nothing;
                          }));
    }
  }
};

template <class ExecutionSpace>
struct AveragedUpdate {
  Vector<const int, ExecutionSpace> which;
  DualSide<ExecutionSpace> side;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = which(team.league_rank());
    const AveragedUpdate& self = *this;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, side.points()), [&](int i) {
      if (!self.side.has_weight(k, i)) return;
      const double update = self.side.penalty.fit(self.side.soft_minimum(k, i)) +
                            self.side.penalty.epsilon * self.side.log_weight(k, i);
      self.side.potential(k, i) = 0.5 * (self.side.potential(k, i) + update);
    });
  }
};

template <class ExecutionSpace>
struct ResidualSum {
  Vector<const int, ExecutionSpace> which;
  DualSide<ExecutionSpace> side;
  Vector<double, ExecutionSpace> mass_potential;
  double factor;
  Vector<double, ExecutionSpace> residual;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = which(team.league_rank());
    const double lambda = mass_potential(k);
    const ResidualSum& self = *this;
    MarginalSums sums;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, side.points()),
        [&](int i, MarginalSums& part) {
          if (self.side.has_weight(k, i)) part += self.side.compare(k, i, lambda);
        },
        sums);
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team),
                   [&]() { self.residual(k) = self.factor * sums.violation_share(); });
  }
};

}  // namespace

template <class ExecutionSpace>
DualSide<ExecutionSpace> make_dual_side(const ExecutionSpace& space,
                                        const Measures<ExecutionSpace>& measures,
                                        const Vector<const int, ExecutionSpace>& index,
                                        const Vector<const double, ExecutionSpace>& mass,
                                        const MarginalPenalty& penalty,
                                        const Matrix<double, ExecutionSpace>& potential) {
  const int batch = static_cast<int>(index.extent(0)), points = measures.points();
  const Matrix<double, ExecutionSpace> weight("otfleet::unbalanced::weight", batch, points);
  const Matrix<double, ExecutionSpace> log_weight("otfleet::unbalanced::log_weight", batch, points);
  const Vector<double, ExecutionSpace> masses("otfleet::unbalanced::mass", batch);
  const Matrix<const double, ExecutionSpace> weights = measures.weights;
  const Vector<const double, ExecutionSpace> own = measures.mass;
  const bool scaled = mass.extent(0) > 0;
  Kokkos::parallel_for(
      "otfleet::unbalanced::log_weights", Kokkos::RangePolicy<ExecutionSpace>(space, 0, batch),
      KOKKOS_LAMBDA(int k) {
        const int row = index(k);
        masses(k) = scaled ? mass(k) : own(row);
        const double log_mass = ::log(masses(k));
        for (int i = 0; i < points; ++i) {
          const double share = weights(row, i);
          weight(k, i) = share * masses(k);
          log_weight(k, i) =
              share > 0 ? ::log(share) + log_mass : -Kokkos::Experimental::infinity<double>::value;
        }
      });
  return {
      potential, Matrix<double, ExecutionSpace>("otfleet::unbalanced::soft_minimum", batch, points),
      weight,    log_weight,
      masses,    penalty};
}

template <class ExecutionSpace>
void start_from_zeros(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::start",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(int k) {
        for (int i = 0; i < side.points(); ++i)
          side.potential(k, i) = side.penalty.epsilon * side.log_weight(k, i);
      });
}

template <class ExecutionSpace>
void update_bounded(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                    const DualSide<ExecutionSpace>& side,
                    const Vector<const double, ExecutionSpace>& share_mass,
                    const Vector<double, ExecutionSpace>& mass_potential) {
  Kokkos::parallel_for("otfleet::unbalanced::update_bounded",
                       problem_policy(space, static_cast<int>(which.extent(0))),
                       BoundedUpdate<ExecutionSpace>{which, side, share_mass, mass_potential});
}

template <class ExecutionSpace>
void average_update(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                    const DualSide<ExecutionSpace>& side) {
  Kokkos::parallel_for("otfleet::unbalanced::average_update",
                       problem_policy(space, static_cast<int>(which.extent(0))),
                       AveragedUpdate<ExecutionSpace>{which, side});
}

template <class ExecutionSpace>
void measure_residual(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                      const DualSide<ExecutionSpace>& side,
                      const Vector<double, ExecutionSpace>& mass_potential, double factor,
                      const Vector<double, ExecutionSpace>& residual) {
  Kokkos::parallel_for("otfleet::unbalanced::measure_residual",
                       problem_policy(space, static_cast<int>(which.extent(0))),
                       ResidualSum<ExecutionSpace>{which, side, mass_potential, factor, residual});
}

template <class ExecutionSpace>
void measure_side(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                  const Vector<double, ExecutionSpace>& mass_potential,
                  const SideFigures<ExecutionSpace>& figures) {
  const auto dual = figures.dual, gap = figures.gap;
  const auto marginal = figures.marginal;
  Kokkos::parallel_for(
      "otfleet::unbalanced::measure_side",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(int k) {
        double dual_sum = 0, gap_sum = 0;
        MarginalSums marginals;
        for (int i = 0; i < side.points(); ++i) {
          if (!side.has_weight(k, i)) continue;
          const double f = side.relative(k, i), log_weight = side.log_weight(k, i);
          const MarginalSums point = side.compare(k, i, mass_potential(k));
          marginals += point;
          dual_sum += side.weight(k, i) * side.penalty.dual_term(f);
          gap_sum += side.penalty.gap_term(f, log_weight, point.mass);
        }
        dual(k) = dual_sum;
        gap(k) = gap_sum;
        marginal(k) = marginals;
      });
}

template <class ExecutionSpace>
void marginal_means(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                    const Vector<double, ExecutionSpace>& mass_potential,
                    const Matrix<double, ExecutionSpace>& values,
                    const Vector<double, ExecutionSpace>& result) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::marginal_means",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(int k) {
        double sum = 0;
        for (int i = 0; i < side.points(); ++i)
          if (side.has_weight(k, i)) sum += side.marginal(k, i, mass_potential(k)) * values(k, i);
        result(k) = sum;
      });
}

template <class ExecutionSpace>
void differentiate_weights(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                           const Vector<double, ExecutionSpace>& other_mass,
                           const Vector<double, ExecutionSpace>& mass_potential,
                           const Matrix<double, ExecutionSpace>& gradient) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::differentiate_weights",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(int k) {
        const double epsilon = side.penalty.epsilon;
        for (int i = 0; i < side.points(); ++i) {
          // marginal/weight in one exponential: a tiny weight divides nothing.
          const double ratio =
              side.has_weight(k, i)
                  ? ::exp((side.relative(k, i) + mass_potential(k) - side.soft_minimum(k, i)) /
                          epsilon)
                  : 0.0;
          gradient(k, i) = side.has_weight(k, i) ? side.penalty.dual_term(side.relative(k, i)) +
                                                       epsilon * (other_mass(k) - ratio)
                                                 : 0.0;
        }
      });
}

using Space = Kokkos::DefaultExecutionSpace;
using Numbers = Vector<double, Space>;
using Rows = Matrix<double, Space>;
template DualSide<Space> make_dual_side<Space>(const Space&, const Measures<Space>&,
                                               const Vector<const int, Space>&,
                                               const Vector<const double, Space>&,
                                               const MarginalPenalty&, const Rows&);
template void start_from_zeros<Space>(const Space&, const DualSide<Space>&);
template void update_bounded<Space>(const Space&, const Vector<const int, Space>&,
                                    const DualSide<Space>&, const Vector<const double, Space>&,
                                    const Numbers&);
template void average_update<Space>(const Space&, const Vector<const int, Space>&,
                                    const DualSide<Space>&);
template void measure_residual<Space>(const Space&, const Vector<const int, Space>&,
                                      const DualSide<Space>&, const Numbers&, double,
                                      const Numbers&);
template void measure_side<Space>(const Space&, const DualSide<Space>&, const Numbers&,
                                  const SideFigures<Space>&);
template void marginal_means<Space>(const Space&, const DualSide<Space>&, const Numbers&,
                                    const Rows&, const Numbers&);
template void differentiate_weights<Space>(const Space&, const DualSide<Space>&, const Numbers&,
                                           const Numbers&, const Rows&);

}  // namespace otfleet::kernels
