#include "kernels/operators/in_lanes/scaling_range.hpp"

#include <cmath>
#include <limits>

namespace otfleet::kernels {

template <class Scalar>
bool scaling_is_safe(const SeparableCost& cost, double epsilon, double smallest_weight,
                     double more) {
  if (cost.forbids()) return false;  // then no range bounds the potentials
  const double exponents = 3 * cost.range() / epsilon +
                           std::log(static_cast<double>(cost.n()) * cost.m()) -
                           std::log(smallest_weight) + more;
  // Room for the rounding of a sum: terms that underflow must not matter.
  const double room = -std::log(std::numeric_limits<Scalar>::epsilon());
  return exponents + room <= std::log(std::numeric_limits<Scalar>::max());
}

template bool scaling_is_safe<float>(const SeparableCost&, double, double, double);
template bool scaling_is_safe<double>(const SeparableCost&, double, double, double);

}  // namespace otfleet::kernels
