#include "src/runs/solve_run.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <functional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "distributed/staged_path.hpp"
#include "distributed/work_queue.hpp"
#include "src/data/file_kinds.hpp"
#include "src/interruption.hpp"
#include "src/reports/progress.hpp"
#include "src/runs/solution_file.hpp"
#include "src/runs/solve_store.hpp"
#include "src/runs/stop_watch.hpp"
#include "src/runs/work_units.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Reduction;
using distributed::Shard;

/// Which units this rank begins with: contiguous, about as much work as every other rank has.
/// Collective.
Shard first_range(const Communicator& communicator, const ProblemSet& problems,
                  const WorkUnits& units) {
  constexpr int cells_per_rank = 16;
  const int ranks = communicator.size();
  const std::int64_t total = units.count();
  if (ranks == 1) return {0, total};
  const int cells = static_cast<int>(
      std::min<std::int64_t>(total, static_cast<std::int64_t>(cells_per_rank) * ranks));
  std::vector<double> work(static_cast<std::size_t>(cells), 0.0);
  communicator.agree([&] {
    for (int cell = communicator.rank(); cell < cells; cell += ranks)
      for (const Shard rows : units.problems_of(distributed::block_shard(total, cell, cells)))
        work[static_cast<std::size_t>(cell)] += problems.work(rows);
  });
  communicator.all_reduce(std::span<double>(work), Reduction::sum);
  const Shard mine = distributed::work_shard(work, communicator.rank(), ranks);
  const auto begin_of = [&](std::int64_t cell) {
    return cell < cells ? distributed::block_shard(total, static_cast<int>(cell), cells).begin
                        : total;
  };
  return {begin_of(mine.begin), begin_of(mine.end)};
}

/// What is said of a problem on its way.
std::string how_far(std::int64_t problem, std::int64_t iterations, double error) {
  return fmt::format("problem {}: {} iterations, error {:.2e}", problem, iterations, error);
}

[[noreturn]] void throw_interrupted(std::int64_t solved, std::int64_t wanted) {
  throw Interrupted(fmt::format(
      "solve: asked to end; {} of {} problems are solved; run it again to go on", solved, wanted));
}

/// How many problems to solve at once: ever more until they take half a second, and so few towards
/// the end that ranks can take over from each other.
class Pace {
 public:
  explicit Pace(const ProblemSet& problems)
      : most_(problems.most_problems),
        smallest_(problems.first_problems),
        largest_(problems.first_problems) {}

  std::int64_t smallest() const { return smallest_; }
  std::int64_t largest() const { return largest_; }

  void measured(std::int64_t problems, double seconds) {
    constexpr double longest_block = 0.5, shortest_block = 0.02;  // seconds
    constexpr std::int64_t enough_problems = 256;  // more at once are not faster on a CPU
    const double rate = static_cast<double>(problems) / std::max(seconds, 1e-6);
    smallest_ = std::clamp<std::int64_t>(std::llround(rate * shortest_block), 1, enough_problems);
    largest_ =
        std::clamp<std::int64_t>(std::min(std::llround(rate * longest_block), 4LL * problems),
                                 smallest_, std::max(smallest_, most_));
  }

 private:
  std::int64_t most_, smallest_, largest_;
};

/// Solves `unsolved`: takes ever larger blocks until one takes half a second, and smaller ones
/// again towards the end, when ranks take over from each other. Ends early, without a collective on
/// the way, when a rank fails or is asked to end; whether it was is returned. Collective. Throws
/// what a rank threw, after all have saved what they have.
bool solve_by_blocks(const CommandContext& context, ProblemSet& problems,
                     const std::vector<Shard>& unsolved, SolveStore& store, SolveRun& run) {
  const auto begin_setup = WallClock::now();
  const auto& communicator = context.communicator;
  const WorkUnits units(unsolved, problems.sequences);
  const std::int64_t total = units.problems();
  distributed::WorkQueue queue(communicator, first_range(communicator, problems, units));
  run.setup_seconds += seconds_since(begin_setup);
  Progress progress("solve", problems.items(), total, context.prints());
  const auto main_thread = std::this_thread::get_id();
  SolveControl control(store, context.job.solver.checkpoint_seconds,
                       {[&] {
                          return interruption_requested() ||
                                 (std::this_thread::get_id() == main_thread && queue.closed());
                        },
                        [&](std::int64_t problem, std::int64_t iterations, double error) {
                          progress.note([&] { return how_far(problem, iterations, error); });
                        }});
  std::exception_ptr failure;
  bool asked_to_end = false;
  try {
    Pace pace(problems);
    std::int64_t done = 0;
    std::vector<Shard> taken;  // and not solved yet
    while (true) {
      if (interruption_requested()) {
        asked_to_end = true;
        queue.close();
        break;
      }
      if (!taken.empty() && queue.closed()) break;
      if (taken.empty())
        taken = units.problems_of(
            queue.take(units.about(pace.smallest()), units.about(pace.largest())));
      if (taken.empty()) break;
      const std::int64_t here = distributed::total_size(taken);
      // Of a long sequence what is solved should be saved on the way.
      const std::int64_t now = units.are_sequences() ? std::min(here, pace.largest()) : here;
      const auto block = distributed::slice(taken, {0, now});
      taken = distributed::slice(taken, {now, here});
      const auto begin = WallClock::now();
      for (const Shard rows : block) {
        SolutionTable table = problems.solve(rows, run.parts, control);
        if (context.share) run.tally.add(problems.layout, table);
        store.add(rows, std::move(table));
      }
      const double seconds = seconds_since(begin);
      run.busy_seconds += seconds;
      pace.measured(now, seconds);
      done += now;
      progress.update(std::min(total, done * communicator.size()));
    }
    // Now, since a rank with a long problem may keep the others waiting for longer than patience.
    if (asked_to_end || interruption_requested()) store.save();
  } catch (const Interrupted&) {  // within a block, with its potentials saved
    asked_to_end = true;
    queue.close();
    store.save();
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
      if (ended || failed || context.share) store.save();
    } catch (...) {
      if (!failure) throw;  // else the first one says more
    }
    if (failure) std::rethrow_exception(failure);
  });
  return ended;
}

/// Writes solution.h5 from all that is solved. Collective.
SolveTally write_solution(const CommandContext& context, const SolutionLayout& layout,
                          SolveStore& store) {
  SolveTally tally(layout);
  SolutionFile file(context.output / "solution.h5", context.communicator, layout,
                    store.place_counted_rows());
  store.for_each([&](Shard rows, SolutionTable table, const std::vector<std::int64_t>& first) {
    tally.add(layout, table);
    file.write(rows, std::move(table), first);
  });
  file.commit();
  tally.reduce(context.communicator);
  return tally;
}

/// Solves every problem with all ranks and writes its solution at once. Collective.
void solve_each_together(const CommandContext& context, ProblemSet& problems, SolveStore& store,
                         SolveRun& run) {
  const auto& layout = problems.layout;
  SolutionFile file(context.output / "solution.h5", context.communicator, layout,
                    std::vector<std::int64_t>(layout.spaces.size(), 0));
  Progress progress("solve", problems.items(), run.wanted, context.prints());
  const auto tell = [&](std::int64_t problem, std::int64_t iterations, double error) {
    progress.note([&] { return how_far(problem, iterations, error); });
  };
  for (std::int64_t k = 0; k < run.wanted; ++k) {
    TogetherPart part = problems.solve_together(k, store, tell, run.parts);
    if (part.ended || store.due() == SolveStore::Due::end)
      throw_interrupted(part.ended ? k : k + 1, run.wanted);
    run.tally.add(layout, part.table);  // the same on all ranks
    const StopWatch watch(run.write_seconds);
    file.write_together(k, part.rows, std::move(part.table));
    progress.update(k + 1);
  }
  defer_interruption();  // what comes now is to be done to its end
  const StopWatch watch(run.write_seconds);
  file.commit();
  run.busy_seconds = run.parts.iterate + run.parts.certify + run.parts.plan - run.parts.waiting;
}

}  // namespace

void SolveRun::reduce(const Communicator& communicator) {
  longest_busy_seconds = busy_seconds;
  busy_seconds = communicator.all_reduce(busy_seconds, Reduction::sum) / communicator.size();
  taken_over = communicator.all_reduce(taken_over, Reduction::sum);
  for (double* one : {&seconds, &write_seconds, &longest_busy_seconds, &setup_seconds, &parts.start,
                      &parts.iterate, &parts.certify, &parts.plan, &parts.waiting})
    *one = communicator.all_reduce(*one, Reduction::max);
}

SolveRun solve_problems(const CommandContext& context, ProblemSet& problems, Shard wanted,
                        const std::function<void(const SolveRun&)>& finish) {
  constexpr unsigned patience = 15;  // seconds; batch systems leave half a minute or more
  const auto& communicator = context.communicator;
  communicator.agree([&] {  // now rather than when all is solved
    if (communicator.is_root())
      const distributed::StagedPath probe(context.output / "solution.h5",
                                          distributed::FileMark::hdf5(solution_kind));
  });
  SolveStore store(
      context.output / "solution.parts", communicator, problems.layout, problems.identity,
      context.job.solver.checkpoint_seconds,
      problems.together ? SolveStore::Iterated::by_all_ranks : SolveStore::Iterated::by_one_rank);
  SolveRun run;
  run.wanted = wanted.size();
  run.tally = SolveTally(problems.layout);
  const auto unsolved = problems.together ? std::vector<Shard>{wanted}
                                          : distributed::uncovered(wanted, store.found());
  run.solved_before = wanted.size() - distributed::total_size(unsolved);
  if (run.solved_before > 0)
    spdlog::info("going on: {} of {} problems are solved", run.solved_before, run.wanted);
  defer_interruption(patience);
  outlive_closed_streams();
  communicator.barrier();
  const auto begin = WallClock::now();
  communicator.agree([&] { problems.prepare(); });
  run.setup_seconds = seconds_since(begin);
  if (problems.together) {
    solve_each_together(context, problems, store, run);
  } else {
    if (solve_by_blocks(context, problems, unsolved, store, run)) {
      const std::int64_t solved = store.solved(wanted);
      if (solved < run.wanted) throw_interrupted(solved, run.wanted);
    }
    const StopWatch watch(run.write_seconds);
    if (context.share) {
      run.tally.reduce(communicator);
    } else {
      run.tally = write_solution(context, problems.layout, store);
    }
  }
  run.seconds = seconds_since(begin);
  run.reduce(communicator);
  if (finish) finish(run);
  if (!context.share) store.remove();
  return run;
}

}  // namespace otfleet
