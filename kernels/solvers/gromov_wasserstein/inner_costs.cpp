#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "kernels/host_values.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/solvers/gromov_wasserstein/gromov_wasserstein.hpp"
#include "kernels/solvers/line_order.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// One point, its measure's `count` points from `first` on, and its row of their costs.
struct CostRow {
  int measure, count, stride;
  long first;
  double* costs;
};
template <class ExecutionSpace>
KOKKOS_FUNCTION CostRow row_of(const InnerCosts<ExecutionSpace>& costs,
                               const Vector<const int, ExecutionSpace>& measure, long point) {
  CostRow row;
  row.measure = measure(point);
  row.first = costs.spaces.offsets(row.measure);
  row.count = static_cast<int>(costs.spaces.offsets(row.measure + 1) - row.first);
  const auto begin = costs.cost_offsets(row.measure);
  row.stride = static_cast<int>((costs.cost_offsets(row.measure + 1) - begin) / row.count);
  row.costs = &costs.costs(begin + (point - row.first) * row.stride);
  return row;
}

/// cost(row, point, k), from one point to each of its measure.
template <class CostTo, class ExecutionSpace>
struct FillInnerCosts {
  CostTo cost;
  InnerCosts<ExecutionSpace> to;
  Vector<const int, ExecutionSpace> measure;  ///< [total], of a point

  KOKKOS_FUNCTION void operator()(long point) const {
    const CostRow row = row_of(to, measure, point);
    double square = 0;
    for (int k = 0; k < row.count; ++k) {
      row.costs[k] = cost(row, point, k);
      square += row.costs[k] * row.costs[k] * to.spaces.weights(row.first + k);
    }
    for (int k = row.count; k < row.stride; ++k) row.costs[k] = 0;
    to.squares(point) = square;
  }
};

/// Of coordinates.
template <class Cost, class ExecutionSpace>
struct ComputedCost {
  Cost cost;
  MetricSpaces<ExecutionSpace> spaces;

  KOKKOS_FUNCTION double operator()(const CostRow& row, long point, int k) const {
    typename Cost::template Sum<double> sum(0.0);
    for (int c = 0; c < spaces.dimension; ++c)
      sum = Cost::add(sum, spaces.points(point, c), spaces.points(row.first + k, c));
    return cost.template from_sum<double, double>(sum);
  }
};

/// Of matrices, one after the other.
template <class ExecutionSpace>
struct GivenCost {
  Vector<const double, ExecutionSpace> matrices;
  Vector<const std::int64_t, ExecutionSpace> offsets;  ///< [M + 1]

  KOKKOS_FUNCTION double operator()(const CostRow& row, long point, int k) const {
    return matrices(offsets(row.measure) + (point - row.first) * row.count + k);
  }
};

/// Profiles, a point after the other on each of some threads.
template <class ExecutionSpace>
struct ComputeProfiles {
  InnerCosts<ExecutionSpace> to;
  Vector<const int, ExecutionSpace> measure;
  Matrix<int, ExecutionSpace> scratch;  ///< [threads, largest and what sorting it takes]
  long points;

  KOKKOS_FUNCTION void operator()(int thread) const {
    const long threads = static_cast<long>(scratch.extent(0));
    for (long point = thread; point < points; point += threads) profile(point, &scratch(thread, 0));
  }

  KOKKOS_FUNCTION void profile(long point, int* order) const {
    const CostRow row = row_of(to, measure, point);
    const int n = row.count;
    LineOrder::sort(row.costs, n, order, order + n);
    const auto weight = [&](int k) { return to.spaces.weights(row.first + order[k]); };
    // The last bin takes what rounding leaves of the weights, and lacks.
    int k = 0;
    double left = weight(0);
    for (int bin = 0; bin < profile_bins; ++bin) {
      double wanted = 1.0 / profile_bins, sum = 0, taken = 0;
      while (k < n) {
        const double part = left < wanted ? left : wanted;
        sum += part * row.costs[order[k]];
        taken += part;
        wanted -= part;
        left -= part;
        if (wanted <= 0) break;
        if (++k < n) left = weight(k);
      }
      to.profiles(point, bin) = taken > 0 ? sum / taken : row.costs[order[n - 1]];
    }
  }
};

}  // namespace

template <class ExecutionSpace>
int padded_points(int points) {
  constexpr int width = PointLanes<ExecutionSpace, double>::pack_width;
  return (points + width - 1) / width * width;
}

namespace {

/// fill(result without costs, measure of every point), then profiles.
template <class ExecutionSpace, class Fill>
InnerCosts<ExecutionSpace> filled_costs(const ExecutionSpace& space,
                                        const MetricSpaces<ExecutionSpace>& spaces,
                                        const std::vector<std::int64_t>& offsets,
                                        const Fill& fill) {
  const auto total = static_cast<std::int64_t>(spaces.weights.extent(0));
  if (offsets.empty() || offsets.back() != total || spaces.offsets.extent(0) != offsets.size() ||
      static_cast<std::int64_t>(spaces.points.extent(0)) != total)
    throw std::invalid_argument("offsets [M + 1] and points are those of the weights");
  if (spaces.dimension < 0 || spaces.features < 0 ||
      static_cast<int>(spaces.points.extent(1)) != spaces.dimension + spaces.features)
    throw std::invalid_argument("points are [total, dimension + features]");
  std::vector<std::int64_t> cost_offsets = {0};
  std::vector<int> measure;
  int largest = 0;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const auto n = static_cast<int>(offsets[s + 1] - offsets[s]);
    if (n < 1) throw std::invalid_argument("every measure has a point or more");
    largest = std::max(largest, n);
    cost_offsets.push_back(cost_offsets.back() +
                           static_cast<std::int64_t>(n) * padded_points<ExecutionSpace>(n));
    measure.insert(measure.end(), static_cast<std::size_t>(n), static_cast<int>(s));
  }
  InnerCosts<ExecutionSpace> result;
  result.spaces = spaces;
  const auto count = static_cast<std::size_t>(total);
  using Kokkos::WithoutInitializing;
  result.costs = Vector<double, ExecutionSpace>(
      Kokkos::view_alloc(WithoutInitializing, "otfleet::gromov::costs"),
      static_cast<std::size_t>(cost_offsets.back()));
  result.cost_offsets = copy_to_device<ExecutionSpace>("otfleet::gromov::offsets", cost_offsets);
  result.squares = Vector<double, ExecutionSpace>(
      Kokkos::view_alloc(WithoutInitializing, "otfleet::gromov::squares"), count);
  result.profiles = Matrix<double, ExecutionSpace>(
      Kokkos::view_alloc(WithoutInitializing, "otfleet::gromov::profiles"), count, profile_bins);
  const Vector<const int, ExecutionSpace> measures =
      copy_to_device<ExecutionSpace>("otfleet::gromov::measure", measure);
  fill(result, measures);
  const int threads = static_cast<int>(
      std::min<std::int64_t>(total, std::min<std::int64_t>(space.concurrency(), 4096)));
  const Matrix<int, ExecutionSpace> scratch(
      Kokkos::view_alloc(WithoutInitializing, "otfleet::gromov::scratch"),
      static_cast<std::size_t>(threads),
      static_cast<std::size_t>(largest + LineOrder::ints(largest)));
  Kokkos::parallel_for(
      "otfleet::gromov::profiles", Kokkos::RangePolicy<ExecutionSpace>(space, 0, threads),
      ComputeProfiles<ExecutionSpace>{result, measures, scratch, static_cast<long>(total)});
  space.fence();
  return result;
}

template <class CostTo, class ExecutionSpace>
void fill_costs(const ExecutionSpace& space, const CostTo& cost,
                const InnerCosts<ExecutionSpace>& to,
                const Vector<const int, ExecutionSpace>& measure) {
  using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>;
  Kokkos::parallel_for("otfleet::gromov::inner_costs",
                       Range(space, 0, static_cast<long>(measure.extent(0))),
                       FillInnerCosts<CostTo, ExecutionSpace>{cost, to, measure});
}

}  // namespace

template <class ExecutionSpace>
InnerCosts<ExecutionSpace> inner_costs(const ExecutionSpace& space,
                                       const MetricSpaces<ExecutionSpace>& spaces,
                                       const std::vector<std::int64_t>& offsets,
                                       const GroundCost& cost) {
  if (spaces.dimension < 1) throw std::invalid_argument("points have no coordinates");
  check_parameters(cost);
  return filled_costs(space, spaces, offsets, [&](auto& result, const auto& measures) {
    with_ground_cost(cost, [&](const auto& typed) {
      using Cost = std::remove_cvref_t<decltype(typed)>;
      fill_costs(space, ComputedCost<Cost, ExecutionSpace>{typed, spaces}, result, measures);
    });
    result.has_factors = cost == GroundCost(SquaredEuclideanCost{});
  });
}

template <class ExecutionSpace>
InnerCosts<ExecutionSpace> given_inner_costs(const ExecutionSpace& space,
                                             const MetricSpaces<ExecutionSpace>& spaces,
                                             const std::vector<std::int64_t>& offsets,
                                             const Vector<const double, ExecutionSpace>& matrices) {
  std::vector<std::int64_t> matrix_offsets = {0};
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const std::int64_t n = offsets[s + 1] - offsets[s];
    matrix_offsets.push_back(matrix_offsets.back() + n * n);
  }
  if (matrix_offsets.back() != static_cast<std::int64_t>(matrices.extent(0)))
    throw std::invalid_argument("matrices have n² numbers for each measure");
  const Vector<const std::int64_t, ExecutionSpace> begins =
      copy_to_device<ExecutionSpace>("otfleet::gromov::matrix_offsets", matrix_offsets);
  return filled_costs(space, spaces, offsets, [&](auto& result, const auto& measures) {
    fill_costs(space, GivenCost<ExecutionSpace>{matrices, begins}, result, measures);
  });
}

#define OTFLEET_INSTANTIATE(Space)                                                              \
  template int padded_points<Space>(int);                                                       \
  template InnerCosts<Space> inner_costs<Space>(const Space&, const MetricSpaces<Space>&,       \
                                                const std::vector<std::int64_t>&,               \
                                                const GroundCost&);                             \
  template InnerCosts<Space> given_inner_costs<Space>(const Space&, const MetricSpaces<Space>&, \
                                                      const std::vector<std::int64_t>&,         \
                                                      const Vector<const double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
