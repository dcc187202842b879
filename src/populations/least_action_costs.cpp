#include "src/populations/least_action_costs.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "distributed/error.hpp"
#include "kernels/api/paths.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/memory/available_memory.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t paths_of_block = 1 << 16;

/// Some pairs of points, of which paths are found together.
struct PairBlock {
  std::vector<std::int64_t> entries;  ///< of the cost matrix
  std::vector<double> from, to;
};

}  // namespace

void add_least_action_costs(const Job& job, Geometry& geometry) {
  const std::int64_t n = geometry.n, m = geometry.m, d = geometry.dimension;
  const auto lagrangian = read_lagrangian(job.lagrangian);
  require_points_for(name_of(job.data.points), lagrangian, geometry.source_points, d);
  require_points_for(
      name_of(job.data.target_points.empty() ? job.data.points : job.data.target_points),
      lagrangian, geometry.target_points, d);
  require_memory(
      "problem.cost = 'least_action'",
      {{fmt::format("{} x {} costs", n, m), 8.0 * static_cast<double>(n) * static_cast<double>(m)}},
      1, "fewer points are needed");
  geometry.lagrangian = description_of(lagrangian);
  const bool symmetric = geometry.source_points == geometry.target_points;
  geometry.cost.assign(static_cast<std::size_t>(n * m), 0.0);
  kernels::PathSolver solver(lagrangian, static_cast<int>(d), job.path.settings());
  std::int64_t paths = 0, unfinished = 0;
  PairBlock block;
  const auto solve_block = [&] {
    const auto result = solver.solve(block.from, block.to);
    for (std::size_t k = 0; k < block.entries.size(); ++k) {
      const std::int64_t entry = block.entries[k], i = entry / m, j = entry % m;
      if (!std::isfinite(result.fine[k]))
        throw UserError(fmt::format("{}: the path from point {} to point {} has no finite action",
                                    name_of(job.data.points), i, j));
      geometry.cost[static_cast<std::size_t>(entry)] = result.fine[k];
      if (symmetric) geometry.cost[static_cast<std::size_t>(j * m + i)] = result.fine[k];
      unfinished += result.status[k] != 0 ? 1 : 0;
    }
    paths += static_cast<std::int64_t>(block.entries.size());
    block = {};
  };
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = symmetric ? i : 0; j < m; ++j) {
      block.entries.push_back(i * m + j);
      const auto* const x = geometry.source_points.data() + i * d;
      const auto* const y = geometry.target_points.data() + j * d;
      block.from.insert(block.from.end(), x, x + d);
      block.to.insert(block.to.end(), y, y + d);
      if (static_cast<std::int64_t>(block.entries.size()) == paths_of_block) solve_block();
    }
  if (!block.entries.empty()) solve_block();
  if (unfinished > 0)
    spdlog::warn(
        "{} of {} paths did not converge, and their costs are what was reached: raise "
        "path.max_steps or path.points",
        unfinished, paths);
}

}  // namespace otfleet
