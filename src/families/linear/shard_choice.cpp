#include "src/families/linear/shard_choice.hpp"
#include "src/families/linear/linear_problems.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
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

ShardChoice by_work(const CloudPopulation& population, int ranks) {
  if (ranks == 1) return {false, "there is one rank"};
  std::vector<double> pairs;
  for (std::int64_t k = 0; k < population.problems(); ++k)
    pairs.push_back(static_cast<double>(population.source_points(k)) *
                    static_cast<double>(population.target_points(k)));
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
                  counted(population.problems(), "problem"), counted(ranks, "rank"),
                  100 * by_problems / total, 100 * by_rows / total)};
}

}  // namespace

ShardChoice choose_shard(const CommandContext& context, const LinearInput& input) {
  const Job& job = context.job;
  const bool asked = job.solver.shard == Sharding::rows;
  ShardChoice choice{asked, "solver.shard says so"};
  // One rank decides: file systems may show others an older folder.
  context.communicator.agree([&] {
    if (!context.communicator.is_root()) return;
    const auto& [path, clouds] = input;
    if (asked && !clouds)
      throw UserError(
          fmt::format("solver.shard = 'rows' needs a population in which every measure has points "
                      "of its own (/geometry, attribute kind = 'clouds'), which {} is not; use "
                      "'problems'",
                      path.string()));
    if (clouds) check_clouds_fit(job, path);
    if (asked && context.share)
      throw UserError(
          "solver.shard = 'rows' solves every problem on all ranks: there are no shares of the "
          "population; leave --share out, or use 'problems'");
    if (asked) check_rows_fit(job);
    if (job.solver.shard != Sharding::by_work) return;
    if (clouds && !rows_fit(job)) {
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
    if (clouds && (SolveStore::has_solved(parts) || SolveStore::has_shared_potentials(parts))) {
      choice = {!SolveStore::has_solved(parts), "an unfinished run did so"};
      return;
    }
    choice = clouds ? by_work(read_cloud_outline(distributed::Hdf5File::open(path)),
                              context.communicator.size())
                    : ShardChoice{false, "the problems share their points"};
  });
  const std::string rows = "rows ", problems = "problems ";
  const std::string said =
      context.communicator.broadcast((choice.rows ? rows : problems) + choice.reason);
  const bool by_rows = said.starts_with(rows);
  return {by_rows, said.substr((by_rows ? rows : problems).size())};
}

}  // namespace otfleet
