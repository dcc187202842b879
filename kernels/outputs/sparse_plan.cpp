#include "kernels/outputs/sparse_plan.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/geometry/single_costs.hpp"
#include "kernels/number_text.hpp"
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/outputs/best_entries.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
/// log of the smallest normal double: entries below it are none.
constexpr double least_exponent = -708.396418532264106;
/// A term that is e^-60 of another adds nothing to a sum, nor do a million of them.
constexpr double negligible = 60;

/// The rows of B plans, row k n + i for source point i of instance k; an entry is e^exponent times
/// the mass.
template <class Costs, class ExecutionSpace>
struct PlanRows {
  Costs costs;
  ProblemBatch<ExecutionSpace> problems;
  Matrix<const double, ExecutionSpace> f, g;
  double minimum;  ///< of the cost, which `costs` leaves out
  double inverse_epsilon;
  Matrix<const int, ExecutionSpace> support;    ///< [B, m]: target points with weight, ascending
  Vector<const int, ExecutionSpace> supported;  ///< [B]: how many

  KOKKOS_FUNCTION int n() const { return static_cast<int>(f.extent(1)); }
  KOKKOS_FUNCTION long size() const { return static_cast<long>(problems.size()) * n(); }
  KOKKOS_FUNCTION bool has_weight(int k, int i) const {
    return problems.source.weights(problems.source_index(k), i) > 0;
  }
  KOKKOS_FUNCTION double mass(int k) const {
    return problems.source.mass(problems.source_index(k));
  }
  /// Calls visit(j, exponent) with ascending j for as long as it returns true.
  template <class Visit>
  KOKKOS_FUNCTION void for_entries(int k, int i, const Visit& visit) const {
    const auto row = costs.row(i);
    const double potential = f(k, i) - ::log(mass(k)) / inverse_epsilon, *others = &g(k, 0);
    const int *places = &support(k, 0), count = supported(k);
    for (int s = 0; s < count; ++s) {
      const int j = places[s];
      const double gain = (potential + (others[j] - minimum)) - costs.cost(row, j);
      if (!visit(j, gain * inverse_epsilon)) return;
    }
  }
};

/// log_mass(row) = log of the row's share of the mass; −inf for points without weight.
template <class Rows, class ExecutionSpace>
struct RowMasses {
  Rows rows;
  Vector<double, ExecutionSpace> log_mass;

  KOKKOS_FUNCTION void operator()(long row) const {
    const int k = static_cast<int>(row / rows.n()), i = static_cast<int>(row % rows.n());
    double largest = -infinite, sum = 0;
    if (rows.has_weight(k, i))
      rows.for_entries(k, i, [&](int, double exponent) {
        if (exponent > largest) {
          sum = sum * ::exp(largest - exponent) + 1;
          largest = exponent;
        } else if (!(exponent <= largest - negligible)) {  // NaN too
          sum += ::exp(exponent - largest);
        }
        return true;
      });
    log_mass(row) = sum == 0 ? -infinite : largest + ::log(sum);
  }
};

/// Counts the entries that rows keep where `columns` is empty, and fills them in where it is not:
/// one kernel, so that both see the same numbers.
template <class Rows, class ExecutionSpace>
struct ChooseEntries {
  Rows rows;
  Vector<const double, ExecutionSpace> log_mass;
  double log_threshold;  ///< −inf: the largest `most` of a row
  int most;
  Vector<int, ExecutionSpace> counts;
  Matrix<const std::int64_t, ExecutionSpace> offsets;
  Vector<int, ExecutionSpace> columns;
  Vector<double, ExecutionSpace> values;

  KOKKOS_FUNCTION void operator()(long row) const {
    const int k = static_cast<int>(row / rows.n()), i = static_cast<int>(row % rows.n());
    const bool fills = columns.extent(0) > 0;
    const std::int64_t first = fills ? offsets(k, i) : 0;
    const int room = fills ? static_cast<int>(offsets(k, i + 1) - first) : 0;
    BestEntries best(columns.data() + first, values.data() + first, room);
    const double share = log_threshold + log_mass(row);
    const double bar = share < least_exponent ? least_exponent : share;  // NaN: nothing is kept
    int count = 0;
    if (rows.has_weight(k, i))
      rows.for_entries(k, i, [&](int j, double exponent) {
        if (!(exponent >= bar)) return true;
        ++count;
        best.offer(j, exponent);
        return fills || count < most;
      });
    if (!fills) {
      counts(row) = count;
      return;
    }
    best.finish();
    for (std::int64_t at = first; at < first + room; ++at)
      values(at) = rows.mass(k) * ::exp(values(at));
  }
};

/// Every problem's target points with weight.
template <class ExecutionSpace>
void find_target_supports(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                          const Matrix<int, ExecutionSpace>& support,
                          const Vector<int, ExecutionSpace>& supported) {
  const int m = static_cast<int>(support.extent(1));
  const auto weights = problems.target.weights;
  const auto index = problems.target_index;
  Kokkos::parallel_for(
      "otfleet::plan::find_target_supports",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()), KOKKOS_LAMBDA(int k) {
        int count = 0;
        for (int j = 0; j < m; ++j)
          if (weights(index(k), j) > 0) support(k, count++) = j;
        supported(k) = count;
      });
}

/// Sums of the counts before every row; returns the sum of all.
template <class ExecutionSpace>
std::int64_t find_offsets(const ExecutionSpace& space, const Vector<int, ExecutionSpace>& counts,
                          const Matrix<std::int64_t, ExecutionSpace>& offsets) {
  const int n = static_cast<int>(offsets.extent(1)) - 1;
  std::int64_t entries = 0;
  Kokkos::parallel_scan(
      "otfleet::plan::find_offsets",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(space, 0, counts.extent(0)),
      KOKKOS_LAMBDA(long row, std::int64_t& before, bool last) {
        const int k = static_cast<int>(row / n), i = static_cast<int>(row % n);
        if (last) offsets(k, i) = before;
        before += counts(row);
        if (last && i == n - 1) offsets(k, n) = before;
      },
      entries);
  space.fence();
  return entries;
}

template <class ExecutionSpace>
void find_kept_mass(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                    const Vector<const double, ExecutionSpace>& log_mass,
                    const SparsePlan<ExecutionSpace>& plan) {
  const int n = static_cast<int>(plan.offsets.extent(1)) - 1;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  Kokkos::parallel_for(
      "otfleet::plan::find_kept_mass",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(plan.offsets.extent(0))),
      KOKKOS_LAMBDA(int k) {
        double all = 0, kept = 0;
        for (int i = 0; i < n; ++i) all += ::exp(log_mass(static_cast<long>(k) * n + i));
        for (std::int64_t at = plan.offsets(k, 0); at < plan.offsets(k, n); ++at)
          kept += plan.values(at) / problems.source.mass(problems.source_index(k));
        plan.kept_mass(k) = !(all > 0) ? unknown : kept < all ? kept / all : 1.0;
      });
}

template <class Costs, class ExecutionSpace>
SparsePlan<ExecutionSpace> choose(const ExecutionSpace& space, const Costs& costs, double minimum,
                                  const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                                  const Matrix<const double, ExecutionSpace>& f,
                                  const Matrix<const double, ExecutionSpace>& g,
                                  const EntrySelection& selection) {
  const auto batch = static_cast<std::size_t>(problems.size());
  const std::size_t n = f.extent(1), m = g.extent(1);
  const Matrix<int, ExecutionSpace> support(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::plan::support"), batch, m);
  const Vector<int, ExecutionSpace> supported("otfleet::plan::supported", batch);
  find_target_supports(space, problems, support, supported);
  using Rows = PlanRows<Costs, ExecutionSpace>;
  const Rows rows{costs, problems, f, g, minimum, 1 / epsilon, support, supported};
  const Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>> every_row(space, 0,
                                                                               rows.size());
  const Vector<double, ExecutionSpace> log_mass("otfleet::plan::log_mass", batch * n);
  Kokkos::parallel_for("otfleet::plan::row_masses", every_row,
                       RowMasses<Rows, ExecutionSpace>{rows, log_mass});

  const bool by_threshold = selection.rule == EntrySelection::Rule::threshold;
  SparsePlan<ExecutionSpace> plan;
  const Vector<int, ExecutionSpace> counts("otfleet::plan::counts", batch * n);
  ChooseEntries<Rows, ExecutionSpace> chooser{
      rows,
      log_mass,
      by_threshold ? std::log(selection.threshold) : -infinite,
      by_threshold ? std::numeric_limits<int>::max() : selection.top_k,
      counts,
      {},
      {},
      {}};
  Kokkos::parallel_for("otfleet::plan::count_entries", every_row, chooser);
  plan.offsets = Matrix<std::int64_t, ExecutionSpace>("otfleet::plan::offsets", batch, n + 1);
  const auto entries = static_cast<std::size_t>(find_offsets(space, counts, plan.offsets));
  plan.columns = Vector<int, ExecutionSpace>("otfleet::plan::columns", entries);
  plan.values = Vector<double, ExecutionSpace>("otfleet::plan::values", entries);
  plan.kept_mass = Vector<double, ExecutionSpace>("otfleet::plan::kept_mass", batch);
  chooser.offsets = plan.offsets;
  chooser.columns = plan.columns;
  chooser.values = plan.values;
  if (entries > 0) Kokkos::parallel_for("otfleet::plan::fill_entries", every_row, chooser);
  find_kept_mass<ExecutionSpace>(space, problems, log_mass, plan);
  space.fence();
  return plan;
}

void check_selection(const EntrySelection& selection) {
  if (selection.rule == EntrySelection::Rule::top_k && selection.top_k < 1)
    throw std::invalid_argument("top_k must be >= 1, got " + std::to_string(selection.top_k));
  if (selection.rule == EntrySelection::Rule::threshold &&
      !(selection.threshold > 0 && selection.threshold <= 1))
    throw std::invalid_argument("the threshold of plan entries must be > 0 and <= 1, got " +
                                number_text(selection.threshold));
}

/// The plan of an empty batch.
template <class ExecutionSpace>
SparsePlan<ExecutionSpace> no_plan(int n) {
  SparsePlan<ExecutionSpace> plan;
  plan.offsets = Matrix<std::int64_t, ExecutionSpace>("otfleet::plan::offsets", 0, n + 1);
  return plan;
}

}  // namespace

template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space, const SeparableCost& cost,
                                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                                       const Matrix<const double, ExecutionSpace>& f,
                                       const Matrix<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection) {
  check_selection(selection);
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return no_plan<ExecutionSpace>(cost.n());
  check_rows("f", f, problems.size(), cost.n());
  check_rows("g", g, problems.size(), cost.m());
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  const auto tables = gibbs_kernel<ExecutionSpace, double>(cost, epsilon, true);
  const auto chain = tables->cost(Gibbs::Direction::to_target);
  const AxisCosts<ExecutionSpace> costs{chain, axis_parts(space, chain)};
  return choose(space, costs, cost.minimum(), problems, epsilon, f, g, selection);
}

template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space,
                                       const PointCloudCost<ExecutionSpace>& cost,
                                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                                       const Matrix<const double, ExecutionSpace>& f,
                                       const Matrix<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection) {
  check_selection(selection);
  check_measures(cost.n(), cost.m(), problems, epsilon, "the clouds have");
  if (problems.size() == 0) return no_plan<ExecutionSpace>(cost.n());
  check_indices(space, problems);
  check_rows("f", f, problems.size(), cost.n());
  check_rows("g", g, problems.size(), cost.m());
  SparsePlan<ExecutionSpace> plan;
  with_ground_cost(cost.ground_cost(), [&](const auto& typed) {
    const PointCosts<std::remove_cvref_t<decltype(typed)>, ExecutionSpace> costs{cost.x(), cost.y(),
                                                                                 typed};
    plan = choose(space, costs, 0.0, problems, epsilon, f, g, selection);
  });
  return plan;
}

#define OTFLEET_INSTANTIATE(Space)                                                    \
  template SparsePlan<Space> sparse_plan<Space>(                                      \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double,         \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,         \
      const EntrySelection&);                                                         \
  template SparsePlan<Space> sparse_plan<Space>(                                      \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double, \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,         \
      const EntrySelection&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
