#include "kernels/initializers/subsample.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "kernels/host_values.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Which points of one side become which point of the smaller problem: the members of group I are
/// member(begin(I)) … member(begin(I + 1) − 1).
template <class ExecutionSpace>
struct Groups {
  Vector<const int, ExecutionSpace> begin, member;
  int count() const { return static_cast<int>(begin.extent(0)) - 1; }
};

/// From the group of every point.
template <class ExecutionSpace>
Groups<ExecutionSpace> make_groups(const std::vector<int>& group, int count) {
  std::vector<int> begin(count + 1, 0), member(group.size());
  for (int one : group) ++begin[one + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<int> next(begin.begin(), begin.end() - 1);
  for (int i = 0; i < static_cast<int>(group.size()); ++i) member[next[group[i]]++] = i;
  return {copy_to_device<ExecutionSpace>("otfleet::initializers::groups", begin),
          copy_to_device<ExecutionSpace>("otfleet::initializers::groups", member)};
}

int groups_of(int points, int stride) {
  return (points - 1) / stride + 1;
}

/// Groups of `stride` neighbors on every axis of a grid of these lengths.
template <class ExecutionSpace>
Groups<ExecutionSpace> pool_axes(const std::vector<int>& lengths, int stride) {
  std::vector<int> group = {0};
  int count = 1;
  for (int length : lengths) {
    std::vector<int> finer;
    const int pooled = groups_of(length, stride);
    for (int before : group)
      for (int i = 0; i < length; ++i) finer.push_back(before * pooled + i / stride);
    group = std::move(finer);
    count *= pooled;
  }
  return make_groups<ExecutionSpace>(group, count);
}

/// Every point with the nearest `stride`-th one, the first of several.
template <class ExecutionSpace>
Groups<ExecutionSpace> nearest_groups(const ExecutionSpace& space,
                                      const Matrix<const double, ExecutionSpace>& points,
                                      int stride) {
  const int n = static_cast<int>(points.extent(0)), d = static_cast<int>(points.extent(1));
  const int count = groups_of(n, stride);
  const Vector<int, ExecutionSpace> group("otfleet::initializers::group", n);
  Kokkos::parallel_for(
      "otfleet::initializers::nearest_groups", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(int i) {
        double least = Kokkos::Experimental::infinity<double>::value;
        for (int one = 0; one < count; ++one) {
          double distance = 0;
          for (int p = 0; p < d; ++p) {
            const double step = points(i, p) - points(one * stride, p);
            distance += step * step;
          }
          if (distance < least) {
            least = distance;
            group(i) = one;
          }
        }
      });
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), group);
  return make_groups<ExecutionSpace>(std::vector<int>(host.data(), host.data() + n), count);
}

/// The rows `index` of `measures` on the groups.
template <class ExecutionSpace>
Measures<ExecutionSpace> pool_weights(const ExecutionSpace& space,
                                      const Measures<ExecutionSpace>& measures,
                                      const Vector<const int, ExecutionSpace>& index,
                                      const Groups<ExecutionSpace>& groups) {
  const int batch = static_cast<int>(index.extent(0)), count = groups.count();
  const Matrix<double, ExecutionSpace> pooled(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::initializers::pooled"), batch,
      count);
  using Range = Kokkos::MDRangePolicy<ExecutionSpace, Kokkos::Rank<2>, Kokkos::IndexType<int>>;
  const auto weights = measures.weights;
  const auto begin = groups.begin, member = groups.member;
  Kokkos::parallel_for(
      "otfleet::initializers::pool_weights", Range(space, {0, 0}, {batch, count}),
      KOKKOS_LAMBDA(int k, int one) {
        double sum = 0;
        for (int at = begin(one); at < begin(one + 1); ++at) sum += weights(index(k), member(at));
        pooled(k, one) = sum;
      });
  return Measures<ExecutionSpace>(space, pooled);
}

/// The cost between pooled targets (as sources) and pooled or all sources (as targets).
SeparableCost pooled_cost(const SeparableCost& cost, int target_stride, int source_stride) {
  std::vector<AxisCost> axes;
  for (const AxisCost& axis : cost.axes()) {
    AxisCost pooled{groups_of(axis.m, target_stride), groups_of(axis.n, source_stride), {}};
    for (int to = 0; to < pooled.n; ++to)
      for (int from = 0; from < pooled.m; ++from) {
        double sum = 0;
        int terms = 0;
        for (int i = from * source_stride; i < std::min(axis.n, (from + 1) * source_stride); ++i)
          for (int j = to * target_stride; j < std::min(axis.m, (to + 1) * target_stride); ++j) {
            sum += axis.values[static_cast<std::size_t>(i) * axis.m + j];
            ++terms;
          }
        pooled.values.push_back(sum / terms);
      }
    axes.push_back(std::move(pooled));
  }
  return SeparableCost(std::move(axes));
}

/// Every `stride`-th point.
template <class ExecutionSpace>
Matrix<const double, ExecutionSpace> every_other(const ExecutionSpace& space,
                                                 const Matrix<const double, ExecutionSpace>& points,
                                                 int stride) {
  const int count = groups_of(static_cast<int>(points.extent(0)), stride);
  const int d = static_cast<int>(points.extent(1));
  const Matrix<double, ExecutionSpace> chosen("otfleet::initializers::chosen", count, d);
  Kokkos::parallel_for(
      "otfleet::initializers::choose_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) {
        for (int p = 0; p < d; ++p) chosen(i, p) = points(i * stride, p);
      });
  return chosen;
}

/// Solves the smaller problems with the roles of the sides exchanged, so that the solver's
/// potential is g, and extends it. `small` is the cost between pooled targets and pooled sources,
/// `mixed` that between pooled targets and all sources.
template <class ExecutionSpace, class Cost>
void solve_and_extend(const ExecutionSpace& space, const Cost& small, const Cost& mixed,
                      const ProblemBatch<ExecutionSpace>& problems,
                      const Groups<ExecutionSpace>& sources, const Groups<ExecutionSpace>& targets,
                      const SubsampleSettings& settings, const Matrix<double, ExecutionSpace>& f) {
  const int batch = problems.size();
  std::vector<int> counting(batch);
  std::iota(counting.begin(), counting.end(), 0);
  const auto each = copy_to_device<ExecutionSpace>("otfleet::initializers::groups", counting);
  ProblemBatch<ExecutionSpace> turned{
      pool_weights<ExecutionSpace>(space, problems.target, problems.target_index, targets),
      pool_weights<ExecutionSpace>(space, problems.source, problems.source_index, sources), each,
      each};
  SinkhornSettings solver;
  solver.epsilon = settings.epsilon;
  solver.threshold = settings.threshold;
  solver.max_iterations = settings.max_iterations;
  solver.acceleration = Acceleration::momentum;
  const Matrix<double, ExecutionSpace> g("otfleet::initializers::small_potential", batch,
                                         targets.count());
  const Vector<int, ExecutionSpace> iterations("otfleet::initializers::iterations", batch);
  const Vector<int, ExecutionSpace> status("otfleet::initializers::status", batch);
  sinkhorn<double, ExecutionSpace>(space, small, turned, solver, true, g, iterations, status);
  turned.target = problems.source;
  turned.target_index = problems.source_index;
  soft_c_transform<ExecutionSpace>(space, mixed, turned, settings.epsilon, g, f);
}

}  // namespace

void check_settings(const SubsampleSettings& settings) {
  if (settings.stride < 1) throw std::invalid_argument("stride must be >= 1");
  if (!(settings.threshold > 0)) throw std::invalid_argument("threshold must be > 0");
}

template <class ExecutionSpace>
void subsample_initializer(const ExecutionSpace& space, const SeparableCost& cost,
                           const ProblemBatch<ExecutionSpace>& problems,
                           const SubsampleSettings& settings,
                           const Matrix<double, ExecutionSpace>& f) {
  check_measures(cost.n(), cost.m(), problems, settings.epsilon, "the cost has");
  check_settings(settings);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  std::vector<int> from, to;
  for (const AxisCost& axis : cost.axes()) {
    from.push_back(axis.n);
    to.push_back(axis.m);
  }
  solve_and_extend(space, pooled_cost(cost, settings.stride, settings.stride),
                   pooled_cost(cost, settings.stride, 1), problems,
                   pool_axes<ExecutionSpace>(from, settings.stride),
                   pool_axes<ExecutionSpace>(to, settings.stride), settings, f);
}

template <class ExecutionSpace>
void subsample_initializer(const ExecutionSpace& space,
                           const Matrix<const double, ExecutionSpace>& x,
                           const Matrix<const double, ExecutionSpace>& y, const GroundCost& cost,
                           const ProblemBatch<ExecutionSpace>& problems,
                           const SubsampleSettings& settings,
                           const Matrix<double, ExecutionSpace>& f) {
  const int n = static_cast<int>(x.extent(0)), m = static_cast<int>(y.extent(0));
  check_measures(n, m, problems, settings.epsilon, "the clouds have");
  check_settings(settings);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), n);
  using CloudCost = PointCloudCost<ExecutionSpace>;
  const auto few_x = every_other(space, x, settings.stride);
  const auto few_y = every_other(space, y, settings.stride);
  solve_and_extend(space, CloudCost(space, few_y, few_x, cost), CloudCost(space, few_y, x, cost),
                   problems, nearest_groups(space, x, settings.stride),
                   nearest_groups(space, y, settings.stride), settings, f);
}

#define OTFLEET_INSTANTIATE(Space)                                                                 \
  template void subsample_initializer<Space>(const Space&, const SeparableCost&,                   \
                                             const ProblemBatch<Space>&, const SubsampleSettings&, \
                                             const Matrix<double, Space>&);                        \
  template void subsample_initializer<Space>(                                                      \
      const Space&, const Matrix<const double, Space>&, const Matrix<const double, Space>&,        \
      const GroundCost&, const ProblemBatch<Space>&, const SubsampleSettings&,                     \
      const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
