#include "kernels/solvers/newton/newton.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/geometry/table_cache.hpp"
#include "kernels/host_values.hpp"
#include "kernels/number_text.hpp"
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/newton/newton_kernel.hpp"
#include "kernels/solvers/newton/point_order.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {
namespace newton_detail {

/// Points with weight of every measure, on the host.
template <class ExecutionSpace>
std::vector<int> support_sizes(const ExecutionSpace& space,
                               const Measures<ExecutionSpace>& measures) {
  const auto weights = measures.weights;
  const int points = measures.points();
  Vector<int, ExecutionSpace> sizes("otfleet::newton::support_sizes", measures.count());
  Kokkos::parallel_for(
      "otfleet::newton::count_support", team_each(space, measures.count()),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        const int size = team_count(team, points, [&](int i) { return weights(k, i) > 0; });
        Kokkos::single(Kokkos::PerTeam(team), [&]() { sizes(k) = size; });
      });
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), sizes);
  return std::vector<int>(host.data(), host.data() + host.extent(0));
}

template <class ExecutionSpace>
Sizes find_sizes(const ExecutionSpace& space, const SeparableCost& cost,
                 const ProblemBatch<ExecutionSpace>& problems) {
  using Block = Columns<ExecutionSpace>;
  const std::vector<int> source = support_sizes(space, problems.source);
  const std::vector<int> target = support_sizes(space, problems.target);
  const auto from = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.source_index);
  const auto to = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.target_index);
  Sizes sizes;
  constexpr int pad = Lanes<ExecutionSpace, double>::pack_width;
  for (int k = 0; k < problems.size(); ++k) {
    const int n = source[from(k)], m = target[to(k)], rows = std::min(n, m);
    const bool shared = uses_shared_table(n, m, cost.m(), static_cast<int>(cost.axes().size()));
    const int columns = shared ? cost.m() : std::max(n, m);
    sizes.rows = std::max(sizes.rows, rows);
    sizes.columns = std::max(sizes.columns, columns);
    sizes.any_shared |= shared;
    sizes.any_transposed |= n > m;
    if (shared) continue;
    long blocks = Block::blocks(columns);
    if (worth_coarsening(rows, columns)) blocks += Block::blocks(coarse_columns(columns));
    sizes.table = std::max(sizes.table, blocks * Block::width * rows);
  }
  sizes.stride = (sizes.rows + pad - 1) / pad * pad;
  return sizes;
}

/// What does not depend on the problems: orders of the points, and for a dense cost its tables.
template <class ExecutionSpace>
struct CostTables {
  Vector<double, ExecutionSpace> on_axes;  ///< the axes' costs one after the other, least one 0
  Vector<int, ExecutionSpace> target_order, source_order;
  Vector<double, ExecutionSpace> fine, coarse;
};

/// The dense cost as tiles of neighboring targets, and their means for the coarse level.
template <class ExecutionSpace>
void make_shared_tables(const ExecutionSpace& space, CostTables<ExecutionSpace>& tables, int n,
                        int m) {
  using Block = Columns<ExecutionSpace>;
  const int blocks = Block::blocks(m), groups = coarse_columns(m),
            coarse_blocks = Block::blocks(groups);
  const Vector<double, ExecutionSpace> fine(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::newton::table"),
      static_cast<std::size_t>(blocks) * n * Block::width);
  const Vector<double, ExecutionSpace> coarse(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::newton::coarse_table"),
      static_cast<std::size_t>(coarse_blocks) * n * Block::width);
  const auto values = tables.on_axes;
  const auto order = tables.target_order;
  // Rows outermost: a row of the cost stays in a core's cache while it is permuted.
  Kokkos::parallel_for(
      "otfleet::newton::fill_table",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(space, 0,
                                                                   static_cast<long>(n) * blocks),
      KOKKOS_LAMBDA(long at) {
        const long i = at / blocks, c = at % blocks;
        for (int j = 0; j < Block::width; ++j) {
          // A column that fills a block repeats the last one, so that it needs no other rows.
          const long column = c * Block::width + j < m ? c * Block::width + j : m - 1;
          fine((c * n + i) * Block::width + j) = values(i * m + order(column));
        }
      });
  Kokkos::parallel_for(
      "otfleet::newton::fill_coarse_table",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(
          space, 0, static_cast<long>(n) * coarse_blocks * Block::width),
      KOKKOS_LAMBDA(long at) {
        const long width = Block::width, i = at / (coarse_blocks * width),
                   c = at % (coarse_blocks * width), group = c < groups ? c : groups - 1;
        MeanCost mean;
        for (long j = group * coarsening; j < (group + 1) * coarsening && j < m; ++j)
          mean.add(fine((j / width * n + i) * width + j % width));
        coarse((c / width * n + i) * width + c % width) = mean.value();
      });
  tables.fine = fine;
  tables.coarse = coarse;
}

template <class ExecutionSpace>
std::shared_ptr<const CostTables<ExecutionSpace>> cost_tables(const ExecutionSpace& space,
                                                              const SeparableCost& cost) {
  using Tables = CostTables<ExecutionSpace>;
  return cost.tables().template find_or_make<Tables>(0, false, [&] {
    const auto tables = std::make_shared<Tables>();
    std::vector<double> values;
    for (const AxisCost& axis : cost.axes()) {
      const double low = cost.axes().size() == 1
                             ? cost.minimum()
                             : *std::min_element(axis.values.begin(), axis.values.end());
      const std::size_t before = values.size();
      values.resize(before + axis.values.size());
      std::transform(axis.values.begin(), axis.values.end(), values.begin() + before,
                     [low](double value) { return value - low; });
    }
    tables->on_axes = copy_to_device<ExecutionSpace>("otfleet::newton::values", values);
    tables->target_order =
        copy_to_device<ExecutionSpace>("otfleet::newton::values", point_order(cost, false));
    tables->source_order =
        copy_to_device<ExecutionSpace>("otfleet::newton::values", point_order(cost, true));
    if (cost.axes().size() == 1) make_shared_tables(space, *tables, cost.n(), cost.m());
    space.fence();
    return std::shared_ptr<const Tables>(tables);
  });
}

}  // namespace newton_detail

template <class ExecutionSpace>
void newton(const ExecutionSpace& space, const SeparableCost& cost,
            const ProblemBatch<ExecutionSpace>& problems, const NewtonSettings& settings,
            bool from_zeros, const Matrix<double, ExecutionSpace>& f,
            const Vector<int, ExecutionSpace>& iterations,
            const Vector<int, ExecutionSpace>& status) {
  using namespace newton_detail;
  check_batch(space, cost, problems, settings.epsilon);
  const auto batch = static_cast<std::size_t>(problems.size());
  if (batch == 0) return;
  if (!(settings.threshold > 0)) throw std::invalid_argument("threshold must be > 0");
  if (settings.max_iterations < 0) throw std::invalid_argument("max_iterations must be >= 0");
  if (!(settings.truncation >= 0) || settings.truncation > 0.1)
    throw std::invalid_argument("truncation must be between 0 and 0.1");
  check_rows("f", f, problems.size(), cost.n());
  if (iterations.extent(0) != batch || status.extent(0) != batch)
    throw std::invalid_argument("outputs do not have one row for each of the " +
                                std::to_string(batch) + " problems");

  using Batch = NewtonBatch<ExecutionSpace>;
  const Sizes sizes = find_sizes(space, cost, problems);
  const double team_bytes =
      8.0 * static_cast<double>(Batch::team_numbers(sizes)) + 4.0 * Batch::team_indices(sizes);
  if (team_bytes > static_cast<double>(settings.memory_limit))
    throw std::invalid_argument(
        "an instance with supports of " + std::to_string(sizes.rows) + " and " +
        std::to_string(sizes.columns) + " points needs " + number_text(team_bytes / (1 << 30)) +
        " GiB of working memory, the limit is " +
        number_text(static_cast<double>(settings.memory_limit) / (1 << 30)));
  const int teams = static_cast<int>(
      std::min({static_cast<double>(batch), static_cast<double>(concurrent_teams(space)),
                static_cast<double>(settings.memory_limit) / team_bytes}));

  Batch instances;
  const auto tables = cost_tables(space, cost);
  const double* at = tables->on_axes.data();
  for (const AxisCost& axis : cost.axes()) {
    const int d = instances.cost.axes++;
    instances.cost.values[d] = at;
    instances.cost.n[d] = axis.n;
    instances.cost.m[d] = axis.m;
    at += axis.values.size();
  }
  instances.problems = problems;
  instances.settings = settings;
  double& truncation = instances.settings.truncation;
  if (truncation == 0) truncation = std::clamp(1e-3 * settings.threshold, 1e-16, 1e-7);
  instances.truncated_threshold =
      std::max(settings.threshold - 2 * truncation, settings.threshold / 2);
  instances.rounding = rounding_error<double>(cost.range() / settings.epsilon) + 2 * truncation;
  instances.from_zeros = from_zeros;
  instances.range = cost.range();
  instances.f = f;
  instances.iterations = iterations;
  instances.status = status;
  instances.target_order = tables->target_order;
  instances.source_order = tables->source_order;
  instances.shared_table = tables->fine;
  instances.shared_coarse = tables->coarse;
  instances.sizes = sizes;
  instances.numbers = Vector<double, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::newton::numbers"),
      static_cast<std::size_t>(teams) * Batch::team_numbers(sizes));
  instances.indices = Vector<int, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::newton::indices"),
      static_cast<std::size_t>(teams) * Batch::team_indices(sizes));
  // Cholesky's packs read up to the stride.
  Kokkos::deep_copy(space, instances.numbers, 0.0);
  instances.next = Vector<int, ExecutionSpace>("otfleet::newton::next", 1);
  Kokkos::parallel_for("otfleet::newton::solve", team_each(space, teams),
                       NewtonKernel<ExecutionSpace>{instances});
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                            \
  template void newton<Space>(const Space&, const SeparableCost&, const ProblemBatch<Space>&, \
                              const NewtonSettings&, bool, const Matrix<double, Space>&,      \
                              const Vector<int, Space>&, const Vector<int, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
