#include "kernels/initializers/sorting.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "kernels/initializers/start_batch.hpp"
#include "kernels/number_text.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Rows of a measure's points in ascending order of its points; equal ones keep theirs.
void sort_points(const double* x, int* order, std::int64_t count) {
  std::iota(order, order + count, 0);
  std::stable_sort(order, order + count, [&](int i, int j) { return x[i] < x[j]; });
}

/// Where a measure's order begins is where its points do.
template <class ExecutionSpace>
Vector<const int, ExecutionSpace> ascending(const PointMeasures<ExecutionSpace>& measures) {
  const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), measures.points);
  const auto begin = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), measures.offsets);
  const Vector<int, ExecutionSpace> order("otfleet::initializers::order", x.extent(0));
  const auto host = Kokkos::create_mirror_view(order);
  if (measures.shared_points)
    sort_points(x.data(), host.data(), static_cast<std::int64_t>(x.extent(0)));
  else
    for (int s = 0; s < measures.count(); ++s)
      sort_points(x.data() + begin(s), host.data() + begin(s), begin(s + 1) - begin(s));
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
  StartBatch<ExecutionSpace> problems;
  Vector<const int, ExecutionSpace> x_order, y_order;
  double power;

  KOKKOS_FUNCTION double cost(double from, double to) const {
    const double distance = ::fabs(from - to);
    return power == 1 ? distance : power == 2 ? distance * distance : ::pow(distance, power);
  }

  KOKKOS_FUNCTION static Walk walk(const PointMeasures<ExecutionSpace>& measures, int measure,
                                   const Vector<const int, ExecutionSpace>& order) {
    const double* x = measures.points_of(measure);
    return {measures.weights_of(measure), x, order.data() + (x - measures.points.data()),
            measures.size(measure)};
  }

  KOKKOS_FUNCTION void operator()(int k) const {
    const int source = problems.source_index(k), target = problems.target_index(k);
    // Jumps of the two cumulative distributions that differ by less are one.
    constexpr double rounding = 1e-13;
    Walk a = walk(problems.source, source, x_order);
    Walk b = walk(problems.target, target, y_order);
    double* f = problems.start(k);
    for (int i = 0; i < a.points; ++i) f[i] = -Kokkos::Experimental::infinity<double>::value;
    a.advance();
    b.advance();
    double potential = 0, other = cost(a.position(), b.position());
    for (;;) {
      f[a.order[a.at]] = potential;
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

void check_power(double power) {
  if (!(power >= 1))
    throw std::invalid_argument("sorting needs a cost |x - y|^power with power >= 1, not " +
                                number_text(power));
}

template <class ExecutionSpace>
void run(const ExecutionSpace& space, const StartBatch<ExecutionSpace>& problems, double power) {
  if (problems.source.dimension() != 1 || problems.target.dimension() != 1)
    throw std::invalid_argument("sorting needs points of one dimension");
  Kokkos::parallel_for("otfleet::initializers::sorting",
                       Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()),
                       SortingKernel<ExecutionSpace>{problems, ascending(problems.source),
                                                     ascending(problems.target), power});
  space.fence();
}

/// One coordinate a row.
template <class ExecutionSpace>
Matrix<const double, ExecutionSpace> as_rows(const Vector<const double, ExecutionSpace>& x) {
  return Matrix<const double, ExecutionSpace>(x.data(), x.extent(0), 1);
}

}  // namespace

template <class ExecutionSpace>
void sorting_initializer(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& x,
                         const Vector<const double, ExecutionSpace>& y, double power,
                         const ProblemBatch<ExecutionSpace>& problems,
                         const Matrix<double, ExecutionSpace>& f) {
  check_power(power);
  if (problems.size() > 0)
    run(space,
        start_batch<ExecutionSpace>(problems, as_rows<ExecutionSpace>(x),
                                    as_rows<ExecutionSpace>(y), f),
        power);
}

template <class ExecutionSpace>
void sorting_initializer(const ExecutionSpace& space, double power,
                         const CloudBatch<ExecutionSpace>& problems,
                         const Vector<double, ExecutionSpace>& f) {
  check_power(power);
  if (problems.size() > 0) run(space, start_batch(problems, f), power);
}

#define OTFLEET_INSTANTIATE(Space)                                                          \
  template void sorting_initializer<Space>(                                                 \
      const Space&, const Vector<const double, Space>&, const Vector<const double, Space>&, \
      double, const ProblemBatch<Space>&, const Matrix<double, Space>&);                    \
  template void sorting_initializer<Space>(const Space&, double, const CloudBatch<Space>&,  \
                                           const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
