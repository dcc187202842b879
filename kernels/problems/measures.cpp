#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

namespace {

/// Per measure: its mass, or −1 when a weight is negative or NaN; the weights as shares of it, and
/// the smallest positive one. A function of its own, since device lambdas may not stand in a
/// constructor.
template <class ExecutionSpace>
void weigh(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& given,
           const Matrix<double, ExecutionSpace>& shares,
           const Vector<double, ExecutionSpace>& masses,
           const Vector<double, ExecutionSpace>& smallest) {
  const int measures = static_cast<int>(given.extent(0)),
            points = static_cast<int>(given.extent(1));
  Kokkos::parallel_for(
      "otfleet::sinkhorn::masses", Kokkos::RangePolicy<ExecutionSpace>(space, 0, measures),
      KOKKOS_LAMBDA(int k) {
        double sum = 0, least = 1;
        bool valid = true;
        for (int i = 0; i < points; ++i) {
          valid = valid && given(k, i) >= 0;  // false for NaN too
          sum += given(k, i);
        }
        for (int i = 0; i < points; ++i) {
          const double share = share_of_mass(given(k, i), sum);
          shares(k, i) = share;
          if (share > 0 && share < least) least = share;
        }
        masses(k) = valid ? sum : -1;
        smallest(k) = least;
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

template struct Measures<Kokkos::DefaultExecutionSpace>;

}  // namespace otfleet::kernels
