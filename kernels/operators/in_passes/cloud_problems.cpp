#include "kernels/operators/in_passes/cloud_problems.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/geometry/point_preparation.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
double CloudProblems<ExecutionSpace>::bound_of(int k) const {
  return with_cost(*this, [&](const auto& cost) { return cost.bound(reach_of(k), dimension()); });
}

template <class ExecutionSpace>
double CloudProblems<ExecutionSpace>::rounding_of(int k) const {
  return with_cost(*this, [&](const auto& cost) {
    return cost.rounding(dimension(), reach_of(k), cost.bound(reach_of(k), dimension()));
  });
}

namespace {

/// Throws std::invalid_argument when an index names a measure that does not exist.
inline void check_indices(const std::vector<int>& source, int sources,
                          const std::vector<int>& target, int targets) {
  for (std::size_t k = 0; k < source.size(); ++k)
    if (source[k] < 0 || source[k] >= sources || target[k] < 0 || target[k] >= targets)
      throw std::invalid_argument("problem " + std::to_string(k) +
                                  " names a measure that does not exist");
}

/// One side of problems whose measures have points of their own.
template <class ExecutionSpace>
BatchSide<ExecutionSpace> own_side(const CloudMeasures<ExecutionSpace>& measures,
                                   const std::vector<int>& index) {
  BatchSide<ExecutionSpace> result;
  result.weights = measures.weights().data();
  result.points = measures.points();
  result.means = measures.means();
  result.offsets = measures.offsets().data();
  result.all_points = measures.all_points();
  result.mass = measures.masses();
  result.index = index;
  return result;
}

/// The least and the largest cost of every problem. Throws std::invalid_argument: a number of
/// costs that does not fit, a cost that is not finite (it names the problem).
template <class ExecutionSpace>
CostMatrices<ExecutionSpace> find_cost_matrices(const Vector<const double, ExecutionSpace>& costs,
                                                const BatchSide<ExecutionSpace>& source,
                                                const BatchSide<ExecutionSpace>& target) {
  CostMatrices<ExecutionSpace> result{costs, {}, {}, {}};
  std::int64_t end = 0;
  for (std::size_t k = 0; k < source.index.size(); ++k) {
    result.begin.push_back(end);
    end += static_cast<std::int64_t>(source.size(source.index[k])) * target.size(target.index[k]);
  }
  if (static_cast<std::int64_t>(costs.extent(0)) != end)
    throw std::invalid_argument("the matrices of costs have " + std::to_string(costs.extent(0)) +
                                " entries, expected " + std::to_string(end));
  for (std::size_t k = 0; k < source.index.size(); ++k) {
    const std::int64_t from = result.begin[k],
                       to = k + 1 < result.begin.size() ? result.begin[k + 1] : end;
    typename Kokkos::MinMax<double>::value_type found;
    Kokkos::parallel_reduce(
        "otfleet::clouds::find_cost_range",
        Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(from, to),
        KOKKOS_LAMBDA(std::int64_t i, typename Kokkos::MinMax<double>::value_type & range) {
          const double c = costs(i);
          // What is not a number is an infinite range.
          const bool finite = c - c == 0;
          const double high = Kokkos::Experimental::infinity<double>::value;
          const double least = finite ? c : -high, most = finite ? c : high;
          if (least < range.min_val) range.min_val = least;
          if (most > range.max_val) range.max_val = most;
        },
        Kokkos::MinMax<double>(found));
    if (!std::isfinite(found.max_val - found.min_val))
      throw std::invalid_argument("problem " + std::to_string(k) +
                                  " has a cost that is not finite");
    result.low.push_back(found.min_val);
    result.range.push_back(found.max_val - found.min_val);
  }
  return result;
}

/// The mean of all points of both measures, which kernels take off; empty where they do not.
template <class ExecutionSpace>
Vector<const double, ExecutionSpace> find_center(const ExecutionSpace& space,
                                                 CloudArena<ExecutionSpace>& arena,
                                                 const CloudProblems<ExecutionSpace>& batch,
                                                 int from, int to) {
  const auto source = batch.source.means, target = batch.target.means;
  if (source.extent(0) == 0) return {};
  const double n = batch.source.whole_size(from), m = batch.target.whole_size(to);
  const double source_share = n / (n + m), target_share = m / (n + m);
  const auto center = arena.template take<double>(source.extent(1));
  Kokkos::parallel_for(
      "otfleet::clouds::find_center",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(source.extent(1))),
      KOKKOS_LAMBDA(int k) {
        center(k) = source_share * source(from, k) + target_share * target(to, k);
      });
  return center;
}

/// The costs of problem k between the points of two supports, less what is taken off.
template <class Scalar, class ExecutionSpace>
StoredCosts<ExecutionSpace, Scalar> gather_costs(const ExecutionSpace& space,
                                                 CloudArena<ExecutionSpace>& arena,
                                                 const CloudProblems<ExecutionSpace>& batch, int k,
                                                 const Support<ExecutionSpace>& source,
                                                 const Support<ExecutionSpace>& target) {
  using Points = CloudPoints<ExecutionSpace, Scalar>;
  constexpr std::int64_t width = Points::L::width,
                         strip = Backend<ExecutionSpace>::strip_rows + width;
  const double* const values =
      batch.matrices.values.data() + batch.matrices.begin[batch.matrices.of(k)];
  const std::int64_t m = batch.target.size(batch.target.index[k]), columns = target.count,
                     stride = (columns + width - 1) / width * width;
  const auto result =
      arena.template take<Scalar>(static_cast<std::size_t>(source.count * stride + strip));
  const auto rows = source.index, to = target.index;
  const double low = batch.taken_off(k);
  Kokkos::parallel_for(
      "otfleet::clouds::gather_costs",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(
          space, 0, source.count * stride + strip),
      KOKKOS_LAMBDA(std::int64_t at) {
        const std::int64_t i = at / stride, j = at % stride;
        const bool inside = i < rows.extent_int(0) && at < source.count * stride && j < columns;
        result(at) = inside ? static_cast<Scalar>(values[rows(i) * m + to(j)] - low) : Scalar(0);
      });
  space.fence();
  return {result, stride, false};
}

}  // namespace

template <class ExecutionSpace>
BatchSide<ExecutionSpace> shared_side(const Measures<ExecutionSpace>& measures,
                                      const Matrix<const double, ExecutionSpace>& points,
                                      const Vector<const int, ExecutionSpace>& index) {
  BatchSide<ExecutionSpace> result;
  result.weights = measures.weights.data();
  result.points = points;
  result.stride = static_cast<std::int64_t>(measures.weights.stride(0));
  const auto mass = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), measures.mass);
  result.mass.assign(mass.data(), mass.data() + mass.extent(0));
  result.index = indices_on_host(index);
  return result;
}

template <class ExecutionSpace>
CloudProblems<ExecutionSpace> make_cloud_problems(const PointCloudCost<ExecutionSpace>& cost,
                                                  const ProblemBatch<ExecutionSpace>& problems,
                                                  double epsilon) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the clouds have");
  CloudProblems<ExecutionSpace> batch;
  if (problems.size() == 0) return batch;
  check_exponents("", cost.bound(), epsilon);
  batch.ground_cost = cost.ground_cost();
  batch.source = shared_side(problems.source, cost.x(), problems.source_index);
  batch.target = shared_side(problems.target, cost.y(), problems.target_index);
  batch.reach = {cost.reach()};
  check_indices(batch.source.index, problems.source.count(), batch.target.index,
                problems.target.count());
  return batch;
}

template <class ExecutionSpace>
CloudProblems<ExecutionSpace> make_cloud_problems(const SeparableCost& cost,
                                                  const ProblemBatch<ExecutionSpace>& problems) {
  CloudProblems<ExecutionSpace> batch;
  if (const auto& line = cost.line(); !line.empty()) {
    const auto [low, high] = std::minmax_element(line.begin(), line.end());
    const double center = *low + (*high - *low) / 2;
    const Matrix<double, ExecutionSpace> points("otfleet::clouds::line", line.size(), 1);
    const auto host = Kokkos::create_mirror_view(points);
    for (std::size_t i = 0; i < line.size(); ++i) host(i, 0) = line[i] - center;
    Kokkos::deep_copy(points, host);
    batch.source = shared_side<ExecutionSpace>(problems.source, points, problems.source_index);
    batch.target = shared_side<ExecutionSpace>(problems.target, points, problems.target_index);
    batch.reach = {(*high - *low) * (1 + 1e-6)};
    return batch;
  }
  const auto points = [](int count) {  // without coordinates
    return Matrix<const double, ExecutionSpace>(
        Matrix<double, ExecutionSpace>("otfleet::clouds::no_points", count, 0));
  };
  batch.source = shared_side(problems.source, points(cost.n()), problems.source_index);
  batch.target = shared_side(problems.target, points(cost.m()), problems.target_index);
  batch.matrices = {
      copy_to_device<ExecutionSpace>("otfleet::clouds::cost_matrix", cost.axes()[0].values),
      {0},
      {cost.minimum()},
      {cost.longest_detour()}};
  return batch;
}

template <class ExecutionSpace>
CloudProblems<ExecutionSpace> make_cloud_problems(const CloudBatch<ExecutionSpace>& problems,
                                                  double epsilon) {
  if (!(epsilon > 0) || !std::isfinite(epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  if (problems.source_index.size() != problems.target_index.size())
    throw std::invalid_argument("a batch needs as many source as target indices");
  CloudProblems<ExecutionSpace> batch;
  if (problems.size() == 0) return batch;
  const auto &source = problems.source, &target = problems.target;
  check_indices(problems.source_index, source.count(), problems.target_index, target.count());
  if (problems.costs.extent(0) == 0 && source.dimension() == 0)
    throw std::invalid_argument("problems without points need matrices of costs");
  if (source.ground_cost() != target.ground_cost())
    throw std::invalid_argument("source and target measures have different costs");
  if (source.dimension() != target.dimension())
    throw std::invalid_argument("source points have " + std::to_string(source.dimension()) +
                                " coordinates, target points " +
                                std::to_string(target.dimension()));
  if (source.communicator() != target.communicator())
    throw std::invalid_argument("source and target points are not spread over the same ranks");
  batch.ground_cost = source.ground_cost();
  batch.communicator = source.communicator();
  batch.source = own_side(source, problems.source_index);
  batch.target = own_side(target, problems.target_index);
  if (problems.costs.extent(0) > 0)
    batch.matrices = find_cost_matrices(problems.costs, batch.source, batch.target);
  for (int k = 0; k < problems.size(); ++k) {
    batch.reach.push_back(source.reach(problems.source_index[k], target, problems.target_index[k]));
    const std::string name = "problem " + std::to_string(k) + ": ";
    check_bound(name, batch.bound_of(k));
    check_exponents(name, batch.bound_of(k), epsilon);
  }
  return batch;
}

template <class ExecutionSpace>
void hold_all_targets(const CloudMeasures<ExecutionSpace>& whole,
                      CloudProblems<ExecutionSpace>& batch) {
  batch.target = own_side(whole, batch.target.index);
  batch.whole_targets = batch.communicator != nullptr;
}

template <class Scalar, class ExecutionSpace>
void for_each_cloud_problem(
    const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch, double factor,
    const std::type_identity_t<CloudProblemBody<ExecutionSpace, Scalar>>& body) {
  using Points = CloudPoints<ExecutionSpace, Scalar>;
  CloudArena<ExecutionSpace> arena, shared;
  std::optional<Points> all_sources, all_targets;
  std::optional<StoredCosts<ExecutionSpace, Scalar>> all_costs;
  for (int k = 0; k < batch.size(); ++k) {
    if (!batch.in_lanes.empty() && batch.in_lanes[k]) continue;
    arena.clear();
    const int from = batch.source.index[k], to = batch.target.index[k];
    const auto center = find_center(space, arena, batch, from, to);
    const auto make_side = [&](const BatchSide<ExecutionSpace>& side, int measure,
                               std::optional<Points>& all) {
      ProblemSide<ExecutionSpace, Scalar> result;
      result.size = side.size(measure);
      result.place = {side.points, side.first_point(measure), center};
      result.support = find_support(space, arena, side.weights_of(measure));
      const auto& support = result.support;
      if (!side.shares_points() || support.count < result.size)
        result.points = gather_points<Scalar>(space, arena, result.place, support, factor);
      else {
        if (!all) {
          all = gather_points<Scalar>(space, shared, result.place, support, factor);
          all->shared = true;
        }
        result.points = *all;
      }
      if (&side == &batch.target && batch.whole_targets)
        result.points.summed_by = batch.communicator;
      else
        result.points.communicator = batch.communicator;
      return result;
    };
    CloudProblem<ExecutionSpace, Scalar> problem{
        k,
        batch.source.mass[from],
        batch.bound_of(k),
        batch.rounding_of(k),
        batch.source.whole_size(from) + batch.target.whole_size(to),
        make_side(batch.source, from, all_sources),
        make_side(batch.target, to, all_targets),
        &arena};
    if (batch.matrices.any()) {
      auto &source = problem.source, &target = problem.target;
      const bool whole = batch.matrices.begin.size() == 1 && source.support.count == source.size &&
                         target.support.count == target.size;
      if (whole && !all_costs)
        all_costs = gather_costs<Scalar>(space, shared, batch, k, source.support, target.support);
      source.points.costs =
          whole ? *all_costs
                : gather_costs<Scalar>(space, arena, batch, k, source.support, target.support);
      target.points.costs = source.points.costs;
      target.points.costs.by_column = true;
    }
    body(std::as_const(problem));
  }
  space.fence();
}

#define OTFLEET_INSTANTIATE_WALK(Space, Scalar)        \
  template void for_each_cloud_problem<Scalar, Space>( \
      const Space&, const CloudProblems<Space>&, double, const CloudProblemBody<Space, Scalar>&);
#define OTFLEET_INSTANTIATE(Space)                                                              \
  template struct CloudProblems<Space>;                                                         \
  template BatchSide<Space> shared_side<Space>(const Measures<Space>&,                          \
                                               const Matrix<const double, Space>&,              \
                                               const Vector<const int, Space>&);                \
  template CloudProblems<Space> make_cloud_problems<Space>(const PointCloudCost<Space>&,        \
                                                           const ProblemBatch<Space>&, double); \
  template CloudProblems<Space> make_cloud_problems<Space>(const SeparableCost&,                \
                                                           const ProblemBatch<Space>&);         \
  template CloudProblems<Space> make_cloud_problems<Space>(const CloudBatch<Space>&, double);   \
  template void hold_all_targets<Space>(const CloudMeasures<Space>&, CloudProblems<Space>&);    \
  OTFLEET_INSTANTIATE_WALK(Space, float)                                                        \
  OTFLEET_INSTANTIATE_WALK(Space, double)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
