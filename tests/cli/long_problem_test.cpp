// One problem that takes long: it says how far it is, ends when asked to, and goes on from there.
#include <signal.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::ProgramResult;
using testing::StartedProgram;
using testing::Words;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class LongProblem : public testing::PipelineTest {
 protected:
  /// A solve that ends at its limit of iterations after some seconds.
  static Words solve(const std::string& population, const std::string& output, int iterations,
                     const Words& more) {
    Words overrides = {"files.test_population=" + population,
                       "solver.initializer=zeros",
                       "solver.method=sinkhorn",
                       "solver.acceleration=none",
                       "solver.threshold=1e-300",
                       "problem.epsilon=1e-3",
                       "solver.max_iterations=" + std::to_string(iterations)};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return words("solve", output, overrides);
  }

  /// As many iterations as take some seconds of one rank on this machine, longer than it takes
  /// until the first line.
  static int enough_iterations(const std::string& population, const Words& more = {},
                               double wanted_seconds = 8) {
    constexpr int few = 100;
    const std::string output = "few-" + population;
    const auto result = run(solve(population, output, few, more));
    EXPECT_EQ(result.code, 0) << result.err;
    const double seconds = read_report(output)["seconds"]["iterate"];
    return few + static_cast<int>(few * wanted_seconds / std::max(seconds, 1e-3));
  }

  static bool has_state(const std::string& output) { return left_part(output, "potentials-"); }

  /// Interrupts the solve once it has said how far it is, and has another run finish it.
  static void expect_resumed(const std::string& population, const std::string& output,
                             const Words& more = {}, const std::string& error = "marginal_error") {
    const int iterations = enough_iterations(population, more);
    Words command = solve(population, output, iterations, more);
    command.insert(command.begin(), OTFLEET_PROGRAM);
    StartedProgram program(command, folder_->path());
    const auto started = Clock::now();
    while (program.running() && count_of(program.said(), " iterations, error ") == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_LT(seconds_since(started), 15) << "seconds without a line";
    const auto asked = Clock::now();
    program.send(SIGTERM);
    const ProgramResult result = program.wait();
    EXPECT_LT(seconds_since(asked), 3);
    ASSERT_EQ(result.code, 75) << result.err;
    EXPECT_EQ(count_of(result.err, "otfleet: solve: asked to end; "), 1u) << result.err;
    EXPECT_TRUE(has_state(output));
    const auto resumed = run(solve(population, output, iterations, more));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    // Those before the signal are counted, and not made again.
    EXPECT_EQ(column<std::int32_t>(output, "iterations")[0], iterations);
    EXPECT_EQ(column<std::int32_t>(output, "status")[0], 1);
    EXPECT_TRUE(std::isfinite(column(output, error)[0]));
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.parts"));
  }
};

TEST_F(LongProblem, OnAGrid) {
  Population population = testing::blob_population(64, 2, 1);
  population.source = {0};
  population.target = {1};
  write_population(path("grid.h5"), population);
  expect_resumed("grid.h5", "long-grid", {"problem.epsilon=1e-6"});
}

TEST_F(LongProblem, WithADenseCost) {
  write_population(path("dense.h5"), testing::dense_population(700, 700, 1, 1));
  expect_resumed("dense.h5", "long-dense", {"problem.epsilon=1e-5"});
}

TEST_F(LongProblem, OnPoints) {
  write_population(path("points.h5"), testing::line_population(2500, 2, 1, "squared_euclidean"));
  for (const char* shard : {"problems", "rows"})
    expect_resumed("points.h5", std::string("long-points-") + shard,
                   {"problem.epsilon=1e-6", std::string("solver.shard=") + shard});
}

TEST_F(LongProblem, BetweenClouds) {
  write_cloud_population(path("clouds.h5"), testing::large_problem(1500, 2));
  expect_resumed("clouds.h5", "long-clouds", {"problem.epsilon=1e-5"});
}

TEST_F(LongProblem, RowByRowOnOneRank) {
  write_cloud_population(path("rows.h5"), testing::large_problem(1500, 2));
  expect_resumed("rows.h5", "long-rows", {"problem.epsilon=1e-5", "solver.shard=rows"});
}

TEST_F(LongProblem, BetweenCloudsCoarseToFine) {
  write_cloud_population(path("coarse.h5"), testing::large_problem(6000, 2));
  for (const char* shard : {"problems", "rows"})
    expect_resumed(
        "coarse.h5", std::string("long-coarse-") + shard,
        {"problem.epsilon=1e-5", "solver.method=multiscale", std::string("solver.shard=") + shard});
}

/// Whenever it is killed, the next run finishes it.
TEST_F(LongProblem, KilledOnAnyLevelItIsFinished) {
  write_cloud_population(path("levels.h5"), testing::large_problem(20000, 3));
  const auto command = words(
      "solve", "levels",
      {"files.test_population=levels.h5", "solver.initializer=zeros", "solver.method=multiscale",
       "problem.epsilon=1e-3", "solver.threshold=1e-4", "solver.checkpoint_seconds=1"});
  for (const int milliseconds : {300, 700, 1500, 2500}) {
    Words one = command;
    one.insert(one.begin(), OTFLEET_PROGRAM);
    StartedProgram program(one, folder_->path());
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    program.send(milliseconds % 200 == 100 ? SIGTERM : SIGKILL);
    program.wait();
  }
  const auto finished = run(command, 2);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(column<std::int32_t>("levels", "status")[0], 0);
  EXPECT_LE(column("levels", "marginal_error")[0], 1e-4);
}

TEST_F(LongProblem, ThatIsNotBalanced) {
  write_population(path("unbalanced.h5"), testing::dense_population(500, 500, 1, 1));
  expect_resumed("unbalanced.h5", "long-unbalanced",
                 {"problem.epsilon=1e-5", "problem.tau_a=0.9999", "problem.tau_b=0.9999",
                  "solver.method=auto", "solver.acceleration=momentum"},
                 "residual");
}

/// Nobody asks: the potentials of the last save are there.
TEST_F(LongProblem, KilledItGoesOnFromItsLastSave) {
  write_population(path("killed.h5"), testing::dense_population(700, 700, 1, 1));
  const Words more = {"problem.epsilon=1e-5", "solver.checkpoint_seconds=1"};
  const int iterations = enough_iterations("killed.h5", more);
  Words command = solve("killed.h5", "long-killed", iterations, more);
  command.insert(command.begin(), OTFLEET_PROGRAM);
  StartedProgram program(command, folder_->path());
  while (program.running() && !has_state("long-killed"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  program.send(SIGKILL);
  EXPECT_EQ(program.wait().code, 128 + SIGKILL);
  const auto resumed = run(solve("killed.h5", "long-killed", iterations, more));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(column<std::int32_t>("long-killed", "iterations")[0], iterations);
}

/// Through mpirun, which leaves a second: two ranks, each with a long problem.
TEST_F(LongProblem, OnEveryRankThroughMpirun) {
  write_population(path("two.h5"), testing::dense_population(700, 700, 2, 2));
  const int iterations = enough_iterations("two.h5", {"problem.epsilon=1e-5"}, 18);
  const auto command = solve("two.h5", "long-two", iterations, {"problem.epsilon=1e-5"});
  StartedProgram program(testing::words_on_ranks(2, command), folder_->path());
  while (program.running() && count_of(program.said(), " iterations, error ") == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.send(SIGTERM);
  const auto result = program.wait();
  EXPECT_EQ(count_of(result.err, "otfleet: solve: asked to end; "), 1u) << result.err;
  int saved = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path("long-two/solution.parts")))
    saved += entry.path().filename().string().starts_with("potentials-");
  EXPECT_EQ(saved, 2);
  const auto resumed = run(command);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  for (const int made : column<std::int32_t>("long-two", "iterations")) EXPECT_EQ(made, iterations);
}

}  // namespace
}  // namespace otfleet
