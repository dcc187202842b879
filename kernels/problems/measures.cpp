#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/problems/problem_batch.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {

namespace {

/// Per measure: its mass, or NaN when a weight is negative or NaN; the weights as shares of it, and
/// the smallest positive one. A function of its own, since device lambdas may not stand in a
/// constructor.
template <class ExecutionSpace>
void weigh(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& given,
           const Matrix<double, ExecutionSpace>& shares,
           const Vector<double, ExecutionSpace>& masses,
           const Vector<double, ExecutionSpace>& smallest) {
  const int measures = static_cast<int>(given.extent(0)),
            points = static_cast<int>(given.extent(1));
  const double not_a_mass = std::numeric_limits<double>::quiet_NaN();
  Kokkos::parallel_for(
      "otfleet::sinkhorn::masses", team_each(space, measures),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        const double sum = team_sum(
            team, points, [&](int i) { return given(k, i) >= 0 ? given(k, i) : not_a_mass; });
        team_for(team, points, [&](int i) { shares(k, i) = share_of_mass(given(k, i), sum); });
        const double least =
            -team_max(team, points, [&](int i) { return shares(k, i) > 0 ? -shares(k, i) : -1.0; });
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          masses(k) = sum;
          smallest(k) = least < 1 ? least : 1.0;
        });
      });
}

}  // namespace

template <class ExecutionSpace>
Measures<ExecutionSpace>::Measures(const ExecutionSpace& space,
                                   const Matrix<const double, ExecutionSpace>& given) {
  const auto measures = given.extent(0);
  const Matrix<double, ExecutionSpace> shares(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::sinkhorn::weights"), measures,
      given.extent(1));
  const Vector<double, ExecutionSpace> masses("otfleet::sinkhorn::mass", measures);
  const Vector<double, ExecutionSpace> smallest("otfleet::sinkhorn::smallest", measures);
  weigh(space, given, shares, masses, smallest);
  space.fence();
  const auto host_mass = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), masses);
  const auto host_smallest = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), smallest);
  for (std::size_t k = 0; k < measures; ++k) {
    if (!(host_mass(k) > 0) || !std::isfinite(host_mass(k)))
      throw std::invalid_argument("measure " + std::to_string(k) +
                                  " has a negative or non-finite weight, or no mass");
    if (host_smallest(k) < smallest_weight) smallest_weight = host_smallest(k);
  }
  weights = shares;
  mass = masses;
}

template <class ExecutionSpace>
Measures<ExecutionSpace> Measures<ExecutionSpace>::of_shares(
    const Matrix<const double, ExecutionSpace>& shares, double smallest_weight) {
  const Vector<double, ExecutionSpace> ones(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::sinkhorn::mass"), shares.extent(0));
  Kokkos::deep_copy(ones, 1.0);
  Measures result;
  result.weights = shares;
  result.mass = ones;
  result.smallest_weight = smallest_weight;
  return result;
}

#define OTFLEET_INSTANTIATE(Space) template struct Measures<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
