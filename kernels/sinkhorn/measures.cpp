#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/sinkhorn/problem_batch.hpp"

namespace otfleet::kernels {

namespace {

/// Per measure: its mass, or −1 when a weight is negative or NaN; its smallest positive weight over
/// its mass. A function of its own, since device lambdas may not stand in a constructor.
template <class ExecutionSpace>
void weigh(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& given,
           const Vector<double, ExecutionSpace>& masses,
           const Vector<double, ExecutionSpace>& smallest) {
  const int measures = static_cast<int>(given.extent(0)),
            points = static_cast<int>(given.extent(1));
  Kokkos::parallel_for(
      "otfleet::sinkhorn::masses", Kokkos::RangePolicy<ExecutionSpace>(space, 0, measures),
      KOKKOS_LAMBDA(int k) {
        double sum = 0, least = Kokkos::Experimental::infinity<double>::value;
        bool valid = true;
        for (int i = 0; i < points; ++i) {
          const double w = given(k, i);
          valid = valid && w >= 0;  // false for NaN too
          sum += w;
          if (w > 0 && w < least) least = w;
        }
        masses(k) = valid ? sum : -1;
        smallest(k) = sum > 0 ? least / sum : 1;
      });
}

}  // namespace

template <class ExecutionSpace>
Measures<ExecutionSpace>::Measures(const ExecutionSpace& space,
                                   Matrix<const double, ExecutionSpace> given)
    : weights(given) {
  const int measures = count();
  Vector<double, ExecutionSpace> masses("otfleet::sinkhorn::mass", measures);
  Vector<double, ExecutionSpace> smallest("otfleet::sinkhorn::smallest", measures);
  weigh(space, given, masses, smallest);
  const auto host_mass = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), masses);
  const auto host_smallest = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), smallest);
  for (int k = 0; k < measures; ++k) {
    if (!(host_mass(k) > 0) || !std::isfinite(host_mass(k)))
      throw std::invalid_argument("measure " + std::to_string(k) +
                                  " has a negative or non-finite weight, or no mass");
    if (host_smallest(k) < smallest_weight) smallest_weight = host_smallest(k);
  }
  mass = masses;
}

template struct Measures<Kokkos::DefaultExecutionSpace>;

}  // namespace otfleet::kernels
