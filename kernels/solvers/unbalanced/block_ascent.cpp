#include "kernels/solvers/unbalanced/block_ascent.hpp"

#include <cmath>

#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {
namespace {

/// log sum_i exp(exponent(i)); −inf where nothing is above −inf.
template <class TeamMember, class Exponent>
KOKKOS_INLINE_FUNCTION double team_log_sum_exp(const TeamMember& team, int count,
                                               const Exponent& exponent) {
  constexpr double lowest = -Kokkos::Experimental::finite_max<double>::value;
  constexpr double negligible = -60;  // e^−60 of the largest: 1e8 of them change no digit
  const double largest = team_max(team, count, exponent);
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
    team_for(team, side.points(), [&](int i) {
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
    int bound = -1;  // how many points are at their bound
    while (true) {
      const auto is_open = [&](int i) {
        return self.side.has_weight(k, i) && self.side.soft_minimum(k, i) > lambda;
      };
      const auto is_bound = [&](int i) { return self.side.has_weight(k, i) && !is_open(i); };
      const auto weight = [&](int i) { return self.side.weight(k, i); };
      const int now_bound = team_count(team, side.points(), is_bound);
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
    team_for(team, side.points(), [&](int i) {
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
        Kokkos::TeamVectorRange(team, side.points()),
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
      "otfleet::unbalanced::log_weights", team_each(space, batch),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank(), row = index(k);
        const double total = scaled ? mass(k) : own(row), log_mass = ::log(total);
        Kokkos::single(Kokkos::PerTeam(team), [&]() { masses(k) = total; });
        team_for(team, points, [&](int i) {
          const double share = weights(row, i);
          weight(k, i) = share * total;
          log_weight(k, i) =
              share > 0 ? ::log(share) + log_mass : -Kokkos::Experimental::infinity<double>::value;
        });
      });
  return {
      potential, Matrix<double, ExecutionSpace>("otfleet::unbalanced::soft_minimum", batch, points),
      weight,    log_weight,
      masses,    penalty};
}

template <class ExecutionSpace>
void start_from_zeros(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::start", team_each(space, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        team_for(team, side.points(), [&](int i) {
          side.potential(k, i) = side.penalty.epsilon * side.log_weight(k, i);
        });
      });
}

template <class ExecutionSpace>
void update_bounded(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                    const DualSide<ExecutionSpace>& side,
                    const Vector<const double, ExecutionSpace>& share_mass,
                    const Vector<double, ExecutionSpace>& mass_potential) {
  Kokkos::parallel_for("otfleet::unbalanced::update_bounded",
                       team_each(space, static_cast<int>(which.extent(0))),
                       BoundedUpdate<ExecutionSpace>{which, side, share_mass, mass_potential});
}

template <class ExecutionSpace>
void average_update(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                    const DualSide<ExecutionSpace>& side) {
  Kokkos::parallel_for("otfleet::unbalanced::average_update",
                       team_each(space, static_cast<int>(which.extent(0))),
                       AveragedUpdate<ExecutionSpace>{which, side});
}

template <class ExecutionSpace>
void measure_residual(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                      const DualSide<ExecutionSpace>& side,
                      const Vector<double, ExecutionSpace>& mass_potential, double factor,
                      const Vector<double, ExecutionSpace>& residual) {
  Kokkos::parallel_for("otfleet::unbalanced::measure_residual",
                       team_each(space, static_cast<int>(which.extent(0))),
                       ResidualSum<ExecutionSpace>{which, side, mass_potential, factor, residual});
}

template <class ExecutionSpace>
void measure_side(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                  const Vector<double, ExecutionSpace>& mass_potential,
                  const SideFigures<ExecutionSpace>& figures) {
  const auto dual = figures.dual, gap = figures.gap;
  const auto marginal = figures.marginal;
  Kokkos::parallel_for(
      "otfleet::unbalanced::measure_side", team_each(space, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        SideSums total;
        Kokkos::parallel_reduce(
            Kokkos::TeamVectorRange(team, side.points()),
            [&](int i, SideSums& sums) {
              if (!side.has_weight(k, i)) return;
              const double f = side.relative(k, i), log_weight = side.log_weight(k, i);
              const MarginalSums point = side.compare(k, i, mass_potential(k));
              sums.marginal += point;
              sums.dual += side.weight(k, i) * side.penalty.dual_term(f);
              sums.gap += side.penalty.gap_term(f, log_weight, point.mass);
            },
            total);
        team.team_barrier();
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          dual(k) = total.dual;
          gap(k) = total.gap;
          marginal(k) = total.marginal;
        });
      });
}

template <class ExecutionSpace>
void marginal_means(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                    const Vector<double, ExecutionSpace>& mass_potential,
                    const Matrix<double, ExecutionSpace>& values,
                    const Vector<double, ExecutionSpace>& result) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::marginal_means",
      team_each(space, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        double mean = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamVectorRange(team, side.points()),
            [&](int i, double& sum) {
              if (side.has_weight(k, i))
                sum += side.marginal(k, i, mass_potential(k)) * values(k, i);
            },
            mean);
        team.team_barrier();
        Kokkos::single(Kokkos::PerTeam(team), [&]() { result(k) = mean; });
      });
}

template <class ExecutionSpace>
void differentiate_weights(const ExecutionSpace& space, const DualSide<ExecutionSpace>& side,
                           const Vector<double, ExecutionSpace>& other_mass,
                           const Vector<double, ExecutionSpace>& mass_potential,
                           const Matrix<double, ExecutionSpace>& gradient) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::differentiate_weights",
      team_each(space, static_cast<int>(side.mass.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        const double epsilon = side.penalty.epsilon;
        team_for(team, side.points(), [&](int i) {
          // marginal/weight in one exponential: a tiny weight divides nothing.
          const double ratio =
              side.has_weight(k, i)
                  ? ::exp((side.relative(k, i) + mass_potential(k) - side.soft_minimum(k, i)) /
                          epsilon)
                  : 0.0;
          gradient(k, i) = side.has_weight(k, i) ? side.penalty.dual_term(side.relative(k, i)) +
                                                       epsilon * (other_mass(k) - ratio)
                                                 : 0.0;
        });
      });
}

#define OTFLEET_INSTANTIATE(Space)                                                                \
  template DualSide<Space> make_dual_side<Space>(                                                 \
      const Space&, const Measures<Space>&, const Vector<const int, Space>&,                      \
      const Vector<const double, Space>&, const MarginalPenalty&, const Matrix<double, Space>&);  \
  template void start_from_zeros<Space>(const Space&, const DualSide<Space>&);                    \
  template void update_bounded<Space>(const Space&, const Vector<const int, Space>&,              \
                                      const DualSide<Space>&, const Vector<const double, Space>&, \
                                      const Vector<double, Space>&);                              \
  template void average_update<Space>(const Space&, const Vector<const int, Space>&,              \
                                      const DualSide<Space>&);                                    \
  template void measure_residual<Space>(const Space&, const Vector<const int, Space>&,            \
                                        const DualSide<Space>&, const Vector<double, Space>&,     \
                                        double, const Vector<double, Space>&);                    \
  template void measure_side<Space>(const Space&, const DualSide<Space>&,                         \
                                    const Vector<double, Space>&, const SideFigures<Space>&);     \
  template void marginal_means<Space>(const Space&, const DualSide<Space>&,                       \
                                      const Vector<double, Space>&, const Matrix<double, Space>&, \
                                      const Vector<double, Space>&);                              \
  template void differentiate_weights<Space>(                                                     \
      const Space&, const DualSide<Space>&, const Vector<double, Space>&,                         \
      const Vector<double, Space>&, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
