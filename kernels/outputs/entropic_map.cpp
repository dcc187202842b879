#include "kernels/outputs/entropic_map.hpp"

#include <stdexcept>
#include <type_traits>

#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Of the largest term; what is smaller changes no digit of the sum of 10⁹ such.
constexpr double smallest_exponent = -60;

/// One point a thread.
template <class Cost, class ExecutionSpace>
struct ExtendPotential {
  Cost cost;
  double epsilon;
  Matrix<const double, ExecutionSpace> points, others;
  Vector<const double, ExecutionSpace> potential;
  Matrix<double, ExecutionSpace> slope;
  Vector<double, ExecutionSpace> value;

  KOKKOS_FUNCTION auto sum_to(const double* x, const double* y) const {
    typename Cost::template Sum<double> sum(0.0);
    const int d = static_cast<int>(points.extent(1));
    for (int c = 0; c < d; ++c) sum = Cost::add(sum, x[c], y[c]);
    return sum;
  }
  template <class Sum>
  KOKKOS_FUNCTION double gain(long j, const Sum& sum) const {
    return potential(j) - cost.template from_sum<double, double>(sum);
  }

  KOKKOS_FUNCTION void operator()(long i) const {
    const long count = static_cast<long>(others.extent(0));
    const int d = static_cast<int>(points.extent(1));
    const double* const x = &points(i, 0);
    double most = -Kokkos::Experimental::infinity<double>::value;
    for (long j = 0; j < count; ++j) {
      const double one = gain(j, sum_to(x, &others(j, 0)));
      if (one > most) most = one;
    }
    double* const to = &slope(i, 0);
    for (int c = 0; c < d; ++c) to[c] = 0;
    double total = 0;
    for (long j = 0; j < count; ++j) {
      const double* const y = &others(j, 0);
      const auto sum = sum_to(x, y);
      const double exponent = (gain(j, sum) - most) / epsilon;
      if (exponent < smallest_exponent) continue;  // not a NaN, which makes all NaN
      const double share = ::exp(exponent);
      total += share;
      cost.add_slope(share, sum, x, y, d, to);
    }
    for (int c = 0; c < d; ++c) to[c] /= total;
    value(i) = -most - epsilon * ::log(total);
  }
};

}  // namespace

template <class ExecutionSpace>
void extend_potential(const ExecutionSpace& space, const GroundCost& cost, double epsilon,
                      const Matrix<const double, ExecutionSpace>& points,
                      const Matrix<const double, ExecutionSpace>& others,
                      const Vector<const double, ExecutionSpace>& potential,
                      const Matrix<double, ExecutionSpace>& slope,
                      const Vector<double, ExecutionSpace>& value) {
  if (!(epsilon > 0)) throw std::invalid_argument("epsilon must be positive");
  if (points.extent(1) != others.extent(1) || points.extent(1) == 0)
    throw std::invalid_argument("points and others must have the same coordinates, 1 or more");
  if (potential.extent(0) != others.extent(0) || others.extent(0) == 0)
    throw std::invalid_argument("a potential has a number for each of the others, 1 or more");
  if (slope.extent(0) != points.extent(0) || slope.extent(1) != points.extent(1) ||
      value.extent(0) != points.extent(0))
    throw std::invalid_argument("slope is [N, d] and value [N], as the points");
  with_ground_cost(cost, [&](const auto& typed) {
    using Cost = std::remove_cvref_t<decltype(typed)>;
    if constexpr (Cost::takes_directions) {
      throw std::invalid_argument("the cost '" + std::string(Cost::name) +
                                  "' is no function of differences");
    } else {
      using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>;
      Kokkos::parallel_for("otfleet::plan::extend_potential",
                           Range(space, 0, static_cast<long>(points.extent(0))),
                           ExtendPotential<Cost, ExecutionSpace>{typed, epsilon, points, others,
                                                                 potential, slope, value});
    }
  });
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                 \
  template void extend_potential<Space>(                                           \
      const Space&, const GroundCost&, double, const Matrix<const double, Space>&, \
      const Matrix<const double, Space>&, const Vector<const double, Space>&,      \
      const Matrix<double, Space>&, const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
