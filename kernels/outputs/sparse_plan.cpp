#include "kernels/outputs/sparse_plan.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/host_values.hpp"
#include "kernels/number_text.hpp"
#include "kernels/outputs/best_entries.hpp"
#include "kernels/outputs/plan_rows.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
/// log of the smallest normal double: entries below it are none.
constexpr double least_exponent = -708.396418532264106;
/// A term that is e^-60 of another adds nothing to a sum, nor do a million of them.
constexpr double negligible = 60;

/// log_mass(row) = log of the row's share of the mass; −inf for points without weight.
template <class Rows, class ExecutionSpace>
struct RowMasses {
  Rows rows;
  Vector<double, ExecutionSpace> log_mass;

  KOKKOS_FUNCTION void operator()(long row) const {
    int i;
    const int k = rows.problems.problem_of(row, i);
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
  Vector<const std::int64_t, ExecutionSpace> offsets;
  Vector<int, ExecutionSpace> columns;
  Vector<double, ExecutionSpace> values;

  KOKKOS_FUNCTION void operator()(long row) const {
    int i;
    const int k = rows.problems.problem_of(row, i);
    const bool fills = columns.extent(0) > 0;
    const std::int64_t first = fills ? offsets(row + k) : 0;
    const int room = fills ? static_cast<int>(offsets(row + k + 1) - first) : 0;
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
void find_target_supports(const ExecutionSpace& space, const PlanProblems<ExecutionSpace>& problems,
                          const Vector<int, ExecutionSpace>& support,
                          const Vector<int, ExecutionSpace>& supported) {
  const auto target = problems.target;
  using Policy = Policy<ExecutionSpace>;
  Kokkos::parallel_for(
      "otfleet::plan::find_target_supports", Policy(space, problems.size(), Kokkos::AUTO),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank(), m = target.size(k);
        const std::int64_t begin = target.begin(k);
        int count = 0;
        Kokkos::parallel_scan(Kokkos::TeamThreadRange(team, m), [&](int j, int& before, bool last) {
          if (!(target.weight(k, j) > 0)) return;
          if (last) support(begin + before) = j;
          ++before;
        });
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, m),
            [&](int j, int& sum) { sum += target.weight(k, j) > 0 ? 1 : 0; }, count);
        Kokkos::single(Kokkos::PerTeam(team), [&]() { supported(k) = count; });
      });
}

/// Sums of the counts before every row, with one more offset behind the rows of every problem;
/// returns the sum of all.
template <class ExecutionSpace>
std::int64_t find_offsets(const ExecutionSpace& space, const PlanProblems<ExecutionSpace>& problems,
                          const Vector<int, ExecutionSpace>& counts,
                          const Vector<std::int64_t, ExecutionSpace>& offsets) {
  std::int64_t entries = 0;
  Kokkos::parallel_scan(
      "otfleet::plan::find_offsets",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(space, 0, counts.extent(0)),
      KOKKOS_LAMBDA(long row, std::int64_t& before, bool last) {
        int i;
        const int k = problems.problem_of(row, i);
        if (last) offsets(row + k) = before;
        before += counts(row);
        if (last && i == problems.source.size(k) - 1) offsets(row + k + 1) = before;
      },
      entries);
  space.fence();
  return entries;
}

template <class ExecutionSpace>
void find_kept_mass(const ExecutionSpace& space, const PlanProblems<ExecutionSpace>& problems,
                    const Vector<const double, ExecutionSpace>& log_mass,
                    const SparsePlan<ExecutionSpace>& plan) {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  Kokkos::parallel_for(
      "otfleet::plan::find_kept_mass", Policy<ExecutionSpace>(space, problems.size(), Kokkos::AUTO),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        const std::int64_t begin = problems.source.begin(k), end = problems.source.begin(k + 1);
        double all = 0, kept = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, static_cast<int>(end - begin)),
            [&](int i, double& sum) { sum += ::exp(log_mass(begin + i)); }, all);
        const std::int64_t first = plan.offsets(begin + k), last = plan.offsets(end + k);
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, static_cast<int>(last - first)),
            [&](int at, double& sum) { sum += plan.values(first + at) / problems.mass(k); }, kept);
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          plan.kept_mass(k) = !(all > 0) ? unknown : kept < all ? kept / all : 1.0;
        });
      });
}

template <class Costs, class ExecutionSpace>
SparsePlan<ExecutionSpace> choose(const ExecutionSpace& space, const Costs& costs, double minimum,
                                  const PlanProblems<ExecutionSpace>& problems, double epsilon,
                                  const double* f, const double* g,
                                  const EntrySelection& selection) {
  const auto batch = static_cast<std::size_t>(problems.size());
  const Vector<int, ExecutionSpace> support(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::plan::support"), problems.columns);
  const Vector<int, ExecutionSpace> supported("otfleet::plan::supported", batch);
  find_target_supports(space, problems, support, supported);
  using Rows = PlanRows<Costs, ExecutionSpace>;
  const Rows rows{costs, problems, f, g, minimum, 1 / epsilon, support, supported};
  const Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>> every_row(space, 0,
                                                                               problems.rows);
  const Vector<double, ExecutionSpace> log_mass("otfleet::plan::log_mass", problems.rows);
  Kokkos::parallel_for("otfleet::plan::row_masses", every_row,
                       RowMasses<Rows, ExecutionSpace>{rows, log_mass});

  const bool by_threshold = selection.rule == EntrySelection::Rule::threshold;
  SparsePlan<ExecutionSpace> plan;
  const Vector<int, ExecutionSpace> counts("otfleet::plan::counts", problems.rows);
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
  plan.offsets =
      Vector<std::int64_t, ExecutionSpace>("otfleet::plan::offsets", problems.rows + batch);
  const auto entries =
      static_cast<std::size_t>(find_offsets(space, problems, counts, plan.offsets));
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

}  // namespace

template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space, const SeparableCost& cost,
                                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                                       const Matrix<const double, ExecutionSpace>& f,
                                       const Matrix<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection) {
  check_selection(selection);
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return {};
  check_rows("f", f, problems.size(), cost.n());
  check_rows("g", g, problems.size(), cost.m());
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  const auto tables = gibbs_kernel<ExecutionSpace, double>(cost, epsilon, true);
  const auto chain = tables->cost(Gibbs::Direction::to_target);
  const SharedCosts<AxisCosts<ExecutionSpace>> costs{{chain, axis_parts(space, chain)}};
  const Matrix<const double, ExecutionSpace> sources(nullptr, cost.n(), 0),
      targets(nullptr, cost.m(), 0);
  const auto rows =
      plan_problems(shared_side<ExecutionSpace>(problems.source, sources, problems.source_index),
                    shared_side<ExecutionSpace>(problems.target, targets, problems.target_index));
  return choose(space, costs, cost.minimum(), rows, epsilon, f.data(), g.data(), selection);
}

template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space,
                                       const PointCloudCost<ExecutionSpace>& cost,
                                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                                       const Matrix<const double, ExecutionSpace>& f,
                                       const Matrix<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection) {
  check_selection(selection);
  const auto batch = make_cloud_problems(cost, problems, epsilon);
  if (batch.size() == 0) return {};
  check_rows("f", f, problems.size(), cost.n());
  check_rows("g", g, problems.size(), cost.m());
  const auto rows = plan_problems(batch.source, batch.target);
  return with_ground_cost(cost.ground_cost(), [&](const auto& typed) {
    using Costs = PointCosts<std::remove_cvref_t<decltype(typed)>, ExecutionSpace>;
    const SharedCosts<Costs> costs{{cost.x(), cost.y(), typed}};
    return choose(space, costs, 0.0, rows, epsilon, f.data(), g.data(), selection);
  });
}

template <class ExecutionSpace>
SparsePlan<ExecutionSpace> sparse_plan(const ExecutionSpace& space,
                                       const CloudBatch<ExecutionSpace>& problems, double epsilon,
                                       const Vector<const double, ExecutionSpace>& f,
                                       const Vector<const double, ExecutionSpace>& g,
                                       const EntrySelection& selection) {
  check_selection(selection);
  const auto batch = make_cloud_problems(problems, epsilon);
  if (batch.size() == 0) return {};
  if (batch.communicator)
    throw std::invalid_argument("sparse plans need all points of a problem on one rank");
  flat_rows("f", f, problems.source_offsets());
  flat_rows("g", g, problems.target_offsets());
  const auto rows = plan_problems(batch.source, batch.target);
  if (batch.matrices.any()) {
    const MatrixCosts<ExecutionSpace> costs{
        batch.matrices.values.data(),
        copy_to_device<ExecutionSpace>("otfleet::plan::matrices", batch.matrices.begin),
        rows.target};
    return choose(space, costs, 0.0, rows, epsilon, f.data(), g.data(), selection);
  }
  return with_ground_cost(batch.ground_cost, [&](const auto& typed) {
    const OwnCosts<std::remove_cvref_t<decltype(typed)>, ExecutionSpace> costs{
        {problems.source.points(), problems.target.points(), typed},
        rows.source.first,
        rows.target.first};
    return choose(space, costs, 0.0, rows, epsilon, f.data(), g.data(), selection);
  });
}

#define OTFLEET_INSTANTIATE(Space)                                                        \
  template SparsePlan<Space> sparse_plan<Space>(                                          \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double,             \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,             \
      const EntrySelection&);                                                             \
  template SparsePlan<Space> sparse_plan<Space>(                                          \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&, double,     \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,             \
      const EntrySelection&);                                                             \
  template SparsePlan<Space> sparse_plan<Space>(                                          \
      const Space&, const CloudBatch<Space>&, double, const Vector<const double, Space>&, \
      const Vector<const double, Space>&, const EntrySelection&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
