#include "src/runs/solve_rows.hpp"

#include <spdlog/fmt/fmt.h>

#include <optional>

#include "src/families/linear/kernel_errors.hpp"
#include "src/families/linear/sharded_cloud_solver.hpp"
#include "src/interruption.hpp"
#include "src/populations/cloud_population_rows.hpp"
#include "src/reports/progress.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/job_population.hpp"
#include "src/runs/partial_potentials.hpp"
#include "src/runs/solution_file.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {

using distributed::Reduction;

RowsRun solve_rows(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  std::filesystem::path path;
  std::optional<CloudPopulationRows> population;
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      path = find_input(context, job.files.test_population, "files.test_population", "make",
                        "test.h5");
    });
    population.emplace(path, communicator, job.solver.normalize);
    communicator.agree([&] { require_job_agrees(job, population->outline(), path); });
  }
  const auto& outline = population->outline();
  RowsRun result{{path, outline, population->content_fingerprint(), "sinkhorn",
                  "every measure has points of its own"}};
  SolveRun& run = result.run;
  run.wanted = outline.problems();
  PartialPotentials partial(context.output / "solution.parts", communicator,
                            run_identity(job, result.subject.content),
                            job.solver.checkpoint_seconds);
  SolutionFile file(context.output / "solution.h5", communicator, outline, job,
                    path.filename().string());
  ShardedCloudSolver solver(*population, job.problem.epsilon, communicator);
  constexpr unsigned patience = 15;  // seconds; an iteration of large clouds may take longer
  defer_interruption(patience);
  outlive_closed_streams();
  communicator.barrier();
  {
    const StopWatch whole(run.seconds);
    Progress progress("solve", "problems", run.wanted, context.prints());
    for (std::int64_t k = 0; k < run.wanted; ++k) {
      const auto part = with_population_named(path, job.problem.epsilon, [&] {
        return solver.solve(k, job.solver, job.solution, run.parts, &partial,
                            [&](std::int64_t iterations, double error) {
                              progress.note([&] { return how_far(k, iterations, error); });
                            });
      });
      if (part.ended || partial.due() == PartialPotentials::Due::end)
        throw Interrupted(
            fmt::format("solve: asked to end; {} of {} problems are solved; run it again to go on",
                        part.ended ? k : k + 1, run.wanted));
      run.tally.add(part.solutions, SolutionContents::Kind::balanced);  // the same on all ranks
      const StopWatch watch(run.write_seconds);
      file.write_points(k, part.sources, part.targets, part.solutions);
      progress.update(k + 1);
    }
    defer_interruption();  // what comes now is to be done to its end
    const StopWatch watch(run.write_seconds);
    file.commit();
  }
  PartialPotentials::remove(context.output / "solution.parts",
                            run_identity(job, result.subject.content), communicator);
  result.wait_seconds = solver.wait_seconds();
  run.busy_seconds = run.parts.iterate + run.parts.certify + run.parts.plan - result.wait_seconds;
  run.reduce(communicator);
  result.wait_seconds = communicator.all_reduce(result.wait_seconds, Reduction::max);
  return result;
}

}  // namespace otfleet
