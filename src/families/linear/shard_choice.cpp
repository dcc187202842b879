#include "src/families/linear/shard_choice.hpp"
#include "src/families/linear/linear_problems.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/families/linear/method_choice.hpp"
#include "src/families/linear/methods/list.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/refusals.hpp"
#include "src/runs/solve_store.hpp"

namespace otfleet {
namespace {

/// What a message between two ranks takes, in pairs of points: 20 µs.
constexpr double pairs_of_message = 2e4;

/// Rows are shared only where that saves a fifth: sums then depend on the number of ranks.
constexpr double worth_it = 0.8;

/// "3 problems".
std::string counted(std::int64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// `pairs` [problems]: of points.
ShardChoice by_work(const std::vector<double>& pairs, int ranks) {
  const double total = std::accumulate(pairs.begin(), pairs.end(), 0.0);
  if (pairs.empty() || *std::max_element(pairs.begin(), pairs.end()) <= 0.25 * total / ranks)
    return {false, "no problem is so large that one rank would keep the others waiting"};
  double by_problems = 0, by_rows = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto shard = distributed::work_shard(pairs, rank, ranks);
    double work = 0;
    for (std::int64_t k = shard.begin; k < shard.end; ++k)
      work += pairs[static_cast<std::size_t>(k)];
    by_problems = std::max(by_problems, work);
  }
  // An iteration: columns of both sides around the ring, and five reductions.
  const double messages =
      2.0 * (ranks - 1) + 5.0 * std::bit_width(static_cast<unsigned>(ranks - 1));
  for (const double each : pairs) by_rows += each / ranks + messages * pairs_of_message / 2;
  return {
      by_rows < worth_it * by_problems,
      fmt::format("{} on {}: the busiest rank would have {:.0f} % of the work if every rank solved "
                  "problems of its own, {:.0f} % if all shared the rows of each",
                  counted(static_cast<std::int64_t>(pairs.size()), "problem"),
                  counted(ranks, "rank"), 100 * by_problems / total, 100 * by_rows / total)};
}

std::vector<double> pairs_of(const CloudPopulation& population) {
  std::vector<double> pairs;
  for (std::int64_t k = 0; k < population.problems(); ++k)
    pairs.push_back(static_cast<double>(population.source_points(k)) *
                    static_cast<double>(population.target_points(k)));
  return pairs;
}

/// What needs no more than the outline of the population in a file.
ShardChoice by_outline(const LinearInput& input, int ranks) {
  if (ranks == 1) return {false, "there is one rank"};
  const auto file = distributed::Hdf5File::open(input.file);
  if (input.clouds()) return by_work(pairs_of(read_cloud_outline(file)), ranks);
  // 0 where there is none: reading the population says more.
  const auto rows = [&](const char* dataset) -> std::int64_t {
    const auto shape = shape_of(file, dataset);
    return shape.empty() ? 0 : shape.front();
  };
  const auto problems = rows("/problems/source");
  if (problems >= ranks) return {false, "the problems share their points, and each rank has some"};
  const double pairs = static_cast<double>(rows("/geometry/source_points")) *
                       static_cast<double>(rows("/geometry/target_points"));
  return by_work(std::vector<double>(static_cast<std::size_t>(problems), pairs), ranks);
}

}  // namespace

bool LinearInput::splits(const SolverOptions& solver) const {
  if (kind != GeometryKind::points) return clouds();
  const Method* asked = method_named(solver.method);
  return asked == nullptr || asked == &methods::sinkhorn();
}

ShardChoice choose_shard(const CommandContext& context, const LinearInput& input) {
  const Job& job = context.job;
  const bool asked = job.solver.shard == Sharding::rows;
  ShardChoice choice{asked, "solver.shard says so"};
  // One rank decides: file systems may show others an older folder.
  context.communicator.agree([&] {
    if (!context.communicator.is_root()) return;
    const bool splits = input.splits(job.solver);
    if (asked && !splits)
      throw UserError(
          fmt::format("solver.shard = 'rows' needs a population of points (/geometry, attribute "
                      "kind = 'clouds' or 'points') and, for 'points', solver.method = 'auto' or "
                      "'sinkhorn'; use 'problems' for {}",
                      input.file.string()));
    if (input.clouds()) check_clouds_fit(job, input.file);
    if (asked && context.share)
      throw UserError(
          "solver.shard = 'rows' solves every problem on all ranks: there are no shares of the "
          "population; leave --share out, or use 'problems'");
    if (asked) check_rows_fit(job);
    if (job.solver.shard != Sharding::by_work) return;
    if (!splits) {
      choice = {false, "costs are a table, or solver.method needs one"};
      return;
    }
    if (!rows_fit(job)) {
      choice = {
          false,
          "a start, entries of plans, a divergence or a regularized value is asked for that needs "
          "whole problems"};
      return;
    }
    if (context.share) {
      choice = {false, "a share of the population is solved"};
      return;
    }
    const auto parts = context.output / "solution.parts";
    if (SolveStore::has_solved(parts) || SolveStore::has_shared_potentials(parts)) {
      choice = {!SolveStore::has_solved(parts), "an unfinished run did so"};
      return;
    }
    choice = by_outline(input, context.communicator.size());
  });
  const std::string rows = "rows ", problems = "problems ";
  const std::string said =
      context.communicator.broadcast((choice.rows ? rows : problems) + choice.reason);
  const bool by_rows = said.starts_with(rows);
  return {by_rows, said.substr((by_rows ? rows : problems).size())};
}

}  // namespace otfleet
