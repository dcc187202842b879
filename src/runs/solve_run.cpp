#include "src/runs/solve_run.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "distributed/staged_path.hpp"
#include "distributed/work_queue.hpp"
#include "src/data/file_kinds.hpp"
#include "src/interruption.hpp"
#include "src/reports/progress.hpp"
#include "src/runs/partial_potentials.hpp"
#include "src/runs/partial_solution.hpp"
#include "src/runs/solution_file.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Reduction;
using distributed::Shard;

/// Which of the problems `unsolved`, counted through, this rank begins with: contiguous, about as
/// much work as every other rank has. Collective.
Shard first_range(const Communicator& communicator, const SolveTask& task,
                  const std::vector<Shard>& unsolved) {
  constexpr int cells_per_rank = 16;
  const int ranks = communicator.size();
  const std::int64_t total = distributed::total_size(unsolved);
  if (ranks == 1) return {0, total};
  const int cells = static_cast<int>(
      std::min<std::int64_t>(total, static_cast<std::int64_t>(cells_per_rank) * ranks));
  std::vector<double> work(static_cast<std::size_t>(cells), 0.0);
  communicator.agree([&] {
    for (int cell = communicator.rank(); cell < cells; cell += ranks)
      for (const Shard rows :
           distributed::slice(unsolved, distributed::block_shard(total, cell, cells)))
        work[static_cast<std::size_t>(cell)] += task.work(rows);
  });
  communicator.all_reduce(std::span<double>(work), Reduction::sum);
  const Shard mine = distributed::work_shard(work, communicator.rank(), ranks);
  const auto begin_of = [&](std::int64_t cell) {
    return cell < cells ? distributed::block_shard(total, static_cast<int>(cell), cells).begin
                        : total;
  };
  return {begin_of(mine.begin), begin_of(mine.end)};
}

/// Solves `unsolved`: takes ever larger blocks until one takes half a second, and smaller ones
/// again towards the end, when ranks take over from each other. Ends early, without a collective on
/// the way, when a rank fails or is asked to end; whether it was is returned. Collective. Throws
/// what a rank threw, after all have saved what they have.
bool solve_problems(const CommandContext& context, const SolveTask& task,
                    const std::vector<Shard>& unsolved, PartialSolution& partial, SolveRun& run) {
  const auto begin_setup = WallClock::now();
  constexpr double longest_block = 0.5, shortest_block = 0.02;  // seconds
  constexpr std::int64_t enough_problems = 256;  // more at once are not faster on a CPU
  const auto& communicator = context.communicator;
  const std::int64_t total = distributed::total_size(unsolved);
  distributed::WorkQueue queue(communicator, first_range(communicator, task, unsolved));
  run.setup_seconds += seconds_since(begin_setup);
  Progress progress("solve", context.job.seeks_potentials() ? "points" : "problems", total,
                    context.prints());
  const auto kind = SolutionContents(context.job).kind;
  PartialPotentials states(context.output / "solution.parts", Communicator::self(),
                           run_identity(context.job, task.content),
                           context.job.solver.checkpoint_seconds);
  const auto main_thread = std::this_thread::get_id();
  SolveControl control(states, context.job.solver.checkpoint_seconds,
                       {[&] {
                          return interruption_requested() ||
                                 (std::this_thread::get_id() == main_thread && queue.closed());
                        },
                        [&](std::int64_t problem, std::int64_t iterations, double error) {
                          progress.note([&] { return how_far(problem, iterations, error); });
                        },
                        [&] { partial.save(); }});
  std::exception_ptr failure;
  bool asked_to_end = false;
  try {
    std::int64_t smallest = task.first_problems, largest = task.first_problems, done = 0;
    while (true) {
      if (interruption_requested()) {
        asked_to_end = true;
        queue.close();
        break;
      }
      const Shard block = queue.take(smallest, largest);
      if (block.size() == 0) break;
      const auto begin = WallClock::now();
      for (const Shard rows : distributed::slice(unsolved, block)) {
        Solutions solutions = task.solve(rows, run.parts, control);
        if (context.share) run.tally.add(solutions, kind);
        partial.add(rows, std::move(solutions));
      }
      const double taken = seconds_since(begin);
      run.busy_seconds += taken;
      const double rate = static_cast<double>(block.size()) / std::max(taken, 1e-6);
      smallest = std::clamp<std::int64_t>(std::llround(rate * shortest_block), 1, enough_problems);
      largest =
          std::clamp<std::int64_t>(std::min(std::llround(rate * longest_block), 4LL * block.size()),
                                   smallest, std::max(smallest, task.most_problems));
      done += block.size();
      progress.update(std::min(total, done * communicator.size()));
    }
    // Now, since a rank with a long problem may keep the others waiting for longer than patience.
    if (asked_to_end || interruption_requested()) partial.save();
  } catch (const Interrupted&) {  // within a block, with its potentials saved
    asked_to_end = true;
    queue.close();
    partial.save();
  } catch (...) {
    failure = std::current_exception();
    queue.close();
  }
  run.taken_over = queue.taken_over();
  const bool ended = communicator.all_reduce(std::int64_t{asked_to_end}, Reduction::max) > 0;
  const bool failed = communicator.all_reduce(std::int64_t{failure != nullptr}, Reduction::max) > 0;
  defer_interruption();  // what comes now is to be done to its end
  communicator.agree([&] {
    try {
      if (ended || failed || context.share) partial.save();
    } catch (...) {
      if (!failure) throw;  // else the first one says more
    }
    if (failure) std::rethrow_exception(failure);
  });
  return ended;
}

/// Writes solution.h5 from all that is solved. Collective.
SolveTally write_solution(const CommandContext& context, const SolveTask& task,
                          PartialSolution& partial) {
  SolveTally tally;
  const std::int64_t plan_entries = partial.place_plan_entries();
  SolutionFile file(context.output / "solution.h5", context.communicator, task.layout, context.job,
                    task.population_file.filename().string(), plan_entries);
  partial.for_each([&](Shard rows, Solutions solutions, std::int64_t first_entry) {
    tally.add(solutions, SolutionContents(context.job).kind);
    file.write(rows, std::move(solutions), first_entry);
  });
  file.commit();
  PartialPotentials::remove(context.output / "solution.parts",
                            run_identity(context.job, task.content), context.communicator);
  partial.remove();
  tally.reduce(context.communicator);
  return tally;
}

}  // namespace

std::string run_identity(const Job& job, const std::string& content) {
  nlohmann::json resolved = job.resolved();
  nlohmann::json identity = {{"content", content}};
  if (job.seeks_potentials()) {
    for (const char* key : {"problem", "conjugate"}) identity[key] = resolved[key];
    identity["direction"] = resolved["map"]["direction"];  // content says which points
    return identity.dump();
  }
  for (const char* key : {"problem", "solver", "fine_tune", "solution"})
    identity[key] = resolved[key];
  if (job.fine_tune.steps > 0) identity["seed"] = resolved["seed"];
  for (const char* key : {"checkpoint_seconds", "shard"}) identity["solver"].erase(key);
  identity["solution"].erase("csv");
  return identity.dump();
}

std::string how_far(std::int64_t problem, std::int64_t iterations, double error) {
  return fmt::format("problem {}: {} iterations, error {:.2e}", problem, iterations, error);
}

void SolveTally::add(const Solutions& solutions, SolutionContents::Kind kind) {
  counts.add(solutions.counts);
  const bool balanced = kind == SolutionContents::Kind::balanced;
  const bool bounded = kind != SolutionContents::Kind::mapped_points;
  const auto& errors = balanced ? solutions.marginal_error : solutions.residual;
  const auto& uppers = balanced ? solutions.upper_bound : solutions.primal_value;
  const auto& lowers = balanced ? solutions.lower_bound : solutions.dual_value;
  statuses.add(solutions.status);
  for (std::size_t k = 0; k < solutions.status.size(); ++k) {
    iterations += solutions.iterations[k];
    const double gap = bounded ? uppers[k] - lowers[k] : 0;
    const double relative = gap <= 0 ? 0 : gap / std::abs(uppers[k]);
    if (!std::isfinite(errors[k]) || !std::isfinite(relative)) {
      ++not_finite;
      continue;
    }
    max_error = std::max(max_error, errors[k]);
    max_gap = std::max(max_gap, relative);
  }
}

void SolveTally::reduce(const Communicator& communicator) {
  statuses.reduce(communicator);
  not_finite = communicator.all_reduce(not_finite, Reduction::sum);
  iterations = communicator.all_reduce(iterations, Reduction::sum);
  counts.newton = communicator.all_reduce(counts.newton, Reduction::sum);
  counts.replaced_starts = communicator.all_reduce(counts.replaced_starts, Reduction::sum);
  max_error = communicator.all_reduce(max_error, Reduction::max);
  max_gap = communicator.all_reduce(max_gap, Reduction::max);
}

void SolveRun::reduce(const Communicator& communicator) {
  longest_busy_seconds = busy_seconds;
  busy_seconds = communicator.all_reduce(busy_seconds, Reduction::sum) / communicator.size();
  taken_over = communicator.all_reduce(taken_over, Reduction::sum);
  for (double* one : {&seconds, &write_seconds, &longest_busy_seconds, &setup_seconds, &parts.start,
                      &parts.iterate, &parts.certify, &parts.plan})
    *one = communicator.all_reduce(*one, Reduction::max);
}

SolveRun solve_population(const CommandContext& context, const SolveTask& task, Shard wanted) {
  constexpr unsigned patience = 15;  // seconds; batch systems leave half a minute or more
  const auto& communicator = context.communicator;
  communicator.agree([&] {  // now rather than when all is solved
    if (communicator.is_root())
      const distributed::StagedPath probe(context.output / "solution.h5",
                                          distributed::FileMark::hdf5(solution_kind));
  });
  PartialSolution partial(context.output / "solution.parts", communicator, context.job,
                          run_identity(context.job, task.content));
  const auto unsolved = distributed::uncovered(wanted, partial.found());
  SolveRun run;
  run.wanted = wanted.size();
  run.solved_before = wanted.size() - distributed::total_size(unsolved);
  if (run.solved_before > 0)
    spdlog::info("going on: {} of {} problems are solved", run.solved_before, run.wanted);
  defer_interruption(patience);
  outlive_closed_streams();
  communicator.barrier();
  const auto begin = WallClock::now();
  communicator.agree(task.prepare);
  run.setup_seconds = seconds_since(begin);
  if (solve_problems(context, task, unsolved, partial, run)) {
    const std::int64_t solved = partial.solved(wanted);
    if (solved < run.wanted)
      throw Interrupted(
          fmt::format("solve: asked to end; {} of {} problems are solved; run it again to go on",
                      solved, run.wanted));
  }
  const auto begin_writing = WallClock::now();
  if (context.share)
    run.tally.reduce(communicator);
  else
    run.tally = write_solution(context, task, partial);
  run.write_seconds = seconds_since(begin_writing);
  run.seconds = seconds_since(begin);
  run.reduce(communicator);
  return run;
}

}  // namespace otfleet
