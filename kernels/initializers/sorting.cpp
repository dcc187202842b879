#include "kernels/initializers/sorting.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "kernels/number_text.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// The points in ascending order; equal ones keep theirs.
template <class ExecutionSpace>
Vector<const int, ExecutionSpace> ascending(const Vector<const double, ExecutionSpace>& x) {
  const auto values = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  const Vector<int, ExecutionSpace> order("otfleet::initializers::order", x.extent(0));
  const auto host = Kokkos::create_mirror_view(order);
  std::iota(host.data(), host.data() + host.extent(0), 0);
  std::stable_sort(host.data(), host.data() + host.extent(0),
                   [&](int i, int j) { return values(i) < values(j); });
  Kokkos::deep_copy(order, host);
  return order;
}

/// One measure on its sorted points: where a walk along the points with weight stands.
struct Walk {
  const double* weights;
  const double* x;
  const int* order;
  int points;
  int at = -1;
  double rest = 0;  ///< of the weight of the point

  /// To the next point with weight; false, and no move, when there is none.
  KOKKOS_FUNCTION bool advance() {
    for (int next = at + 1; next < points; ++next)
      if (weights[order[next]] > 0) {
        at = next;
        rest = weights[order[at]];
        return true;
      }
    return false;
  }
  KOKKOS_FUNCTION double position() const { return x[order[at]]; }
};

template <class ExecutionSpace>
struct SortingKernel {
  Vector<const double, ExecutionSpace> x, y;
  Vector<const int, ExecutionSpace> x_order, y_order;
  ProblemBatch<ExecutionSpace> problems;
  double power;
  Matrix<double, ExecutionSpace> f;

  KOKKOS_FUNCTION double cost(double from, double to) const {
    const double distance = ::fabs(from - to);
    return power == 1 ? distance : power == 2 ? distance * distance : ::pow(distance, power);
  }

  KOKKOS_FUNCTION void operator()(int k) const {
    const int source = problems.source_index(k), target = problems.target_index(k);
    // Jumps of the two cumulative distributions that differ by less are one.
    constexpr double rounding = 1e-13;
    Walk a{&problems.source.weights(source, 0), x.data(), x_order.data(),
           static_cast<int>(x.extent(0))};
    Walk b{&problems.target.weights(target, 0), y.data(), y_order.data(),
           static_cast<int>(y.extent(0))};
    for (int i = 0; i < a.points; ++i) f(k, i) = -Kokkos::Experimental::infinity<double>::value;
    a.advance();
    b.advance();
    double potential = 0, other = cost(a.position(), b.position());
    for (;;) {
      f(k, a.order[a.at]) = potential;
      if (a.rest > b.rest + rounding) {
        const double left = a.rest - b.rest;
        const double from = a.position();
        if (b.advance()) {
          other = cost(from, b.position()) - potential;
          a.rest = left;
          continue;
        }
      }
      // The source's point is used up; rounding may also have used up the target's last one.
      const bool both = a.rest >= b.rest - rounding;
      const double left = b.rest - a.rest, from = a.position(), to = b.position();
      if (!a.advance()) return;
      const double along_target = cost(a.position(), to) - other;
      if (both && b.advance()) {
        const double along_source =
            cost(a.position(), b.position()) - (cost(from, b.position()) - potential);
        potential = 0.5 * (along_target + along_source);
        other = cost(a.position(), b.position()) - potential;
      } else {
        potential = along_target;
        b.rest = both ? 0 : left;
      }
    }
  }
};

}  // namespace

template <class ExecutionSpace>
void sorting_initializer(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& x,
                         const Vector<const double, ExecutionSpace>& y, double power,
                         const ProblemBatch<ExecutionSpace>& problems,
                         const Matrix<double, ExecutionSpace>& f) {
  if (!(power >= 1))
    throw std::invalid_argument("sorting needs a cost |x - y|^power with power >= 1, not " +
                                number_text(power));
  const int batch = problems.size();
  if (batch == 0) return;
  if (static_cast<int>(x.extent(0)) != problems.source.points() ||
      static_cast<int>(y.extent(0)) != problems.target.points())
    throw std::invalid_argument("points and measures differ in size");
  check_rows("f", f, batch, problems.source.points());
  Kokkos::parallel_for(
      "otfleet::initializers::sorting", Kokkos::RangePolicy<ExecutionSpace>(space, 0, batch),
      SortingKernel<ExecutionSpace>{x, y, ascending<ExecutionSpace>(x),
                                    ascending<ExecutionSpace>(y), problems, power, f});
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                          \
  template void sorting_initializer<Space>(                                                 \
      const Space&, const Vector<const double, Space>&, const Vector<const double, Space>&, \
      double, const ProblemBatch<Space>&, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
