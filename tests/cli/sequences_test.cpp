// Sequences of problems, each started from those before it.
#include <signal.h>

#include <chrono>
#include <thread>

#include "tests/cli/pipeline.hpp"
#include "tests/src/same_solutions.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::StartedProgram;
using testing::Words;

class Sequences : public testing::PipelineTest {
 protected:
  /// Overrides that make clouds of `points` points drift: `problems` problems, of which every
  /// `length` in turn are a sequence.
  static Words drifting(int points, int problems, int length) {
    return {"problem.geometry=clouds",
            "problem.epsilon=0.02",
            "data.train.file=",
            "data.test.file=",
            "make.drifting.points=" + std::to_string(points),
            "make.test_problems=" + std::to_string(problems),
            "make.sequence_length=" + std::to_string(length)};
  }
  static std::string made(const std::string& name, const Words& overrides) {
    const auto result = run(words("make", name, overrides));
    EXPECT_EQ(result.code, 0) << result.err;
    return name + "/test.h5";
  }
  static Words previous(const std::string& population, const Words& more = {}) {
    Words overrides = {"files.test_population=" + population, "problem.epsilon=0.02",
                       "problem.geometry=clouds", "solver.initializer=previous"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return overrides;
  }
};

TEST_F(Sequences, AreSolvedAlikeOnAnyNumberOfRanks) {
  const auto population = made("many", drifting(40, 60, 10));
  const auto info = run({"info", population});
  EXPECT_NE(info.out.find("sequences: 6, problems of one: 10 at least"), std::string::npos)
      << info.out;
  const auto report = report_of("solve", "one", previous(population), 1);
  EXPECT_EQ(report["converged"], 60);
  const auto zeros =
      report_of("solve", "zeros", previous(population, {"solver.initializer=zeros"}), 1);
  EXPECT_LT(3 * report["mean_iterations"].get<double>(),
            2 * zeros["mean_iterations"].get<double>());
  for (const int ranks : {2, 3}) {
    const auto name = "ranks" + std::to_string(ranks);
    EXPECT_EQ(report_of("solve", name, previous(population), ranks)["converged"], 60);
    testing::expect_same_solutions(path("one") / "solution.h5", path(name) / "solution.h5");
  }
}

TEST_F(Sequences, SharesDivideNone) {
  const auto population = made("shared", drifting(30, 20, 10));
  report_of("solve", "unshared", previous(population), 1);
  for (const std::string share : {"0/2", "1/2"}) {
    auto command = words("solve", "by-share", previous(population));
    command.insert(command.end(), {"--share", share});
    const auto result = run(command);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_NE(result.out.find("10 problems"), std::string::npos) << result.out;
  }
  report_of("solve", "by-share", previous(population), 1);
  testing::expect_same_solutions(path("unshared") / "solution.h5",
                                 path("by-share") / "solution.h5");
}

TEST_F(Sequences, AreComparedWithOtherStarts) {
  const auto population = made("compared", drifting(30, 20, 5));
  const auto report = report_of(
      "evaluate", "comparison",
      previous(population,
               {"evaluate.initializers=[\"zeros\", \"previous\"]", "evaluate.thresholds=[1e-2]"}),
      3);
  const auto& curves = report["error_curves"];
  EXPECT_LT(2 * curves["previous"][0].get<double>(), curves["zeros"][0].get<double>());
}

/// A long sequence on one rank is saved on the way, and goes on in its middle.
TEST_F(Sequences, GoOnInTheMiddle) {
  const auto population = made("long", drifting(700, 100, 0));
  const Words settings =
      previous(population, {"solver.checkpoint_seconds=0", "solver.threshold=1e-6"});
  report_of("solve", "unbroken", settings, 1);
  for (const int signal : {SIGTERM, SIGKILL}) {
    const std::string output = "broken" + std::to_string(signal);
    auto command = words("solve", output, settings);
    command.insert(command.begin(), OTFLEET_PROGRAM);
    StartedProgram program(command, folder_->path());
    while (program.running() && !left_part(output, "rows-"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    program.send(signal);
    program.wait();
    ASSERT_FALSE(std::filesystem::exists(path(output) / "solution.h5")) << "was too quick";
    const auto report = report_of("solve", output, settings, 2);
    EXPECT_GT(report["solved_before"].get<int>(), 0);
    EXPECT_LT(report["solved_before"].get<int>(), 100);
    EXPECT_EQ(report["converged"], 100);
    const auto whole = column("unbroken", "dual_value"), found = column(output, "dual_value");
    for (std::size_t k = 0; k < whole.size(); ++k) EXPECT_NEAR(found[k], whole[k], 1e-6) << k;
  }
}

TEST_F(Sequences, WhatDoesNotFitIsRefused) {
  write_cloud_population(path("unmarked.h5"), testing::cloud_population(4, 9, 6, true));
  const auto refused = [](const Words& command, const Words& parts) {
    const auto result = run(command);
    EXPECT_EQ(result.code, 2) << result.err;
    for (const auto& part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
  };
  for (const char* command : {"solve", "evaluate"})
    refused(words(command, "refused",
                  previous("unmarked.h5", {"evaluate.initializers=[\"previous\"]"})),
            {"previous", "/problems/sequence", "make.sequence_length", "unmarked.h5"});
  const auto population = made("few", drifting(10, 6, 3));
  refused(words("solve", "refused", previous(population, {"problem.tau_a=0.9"})),
          {"solver.initializer = 'previous'", "exact marginals"});
  refused(words("solve", "refused", previous(population, {"solver.shard=rows"})),
          {"solver.initializer = 'previous'", "use 'problems'"});
  refused(words("solve", "refused", previous(population, {"solver.first_initializer=sorting"})),
          {"solver.first_initializer = 'sorting'", "needs one dimension"});
  refused(words("solve", "refused", previous(population, {"solver.first_initializer=previous"})),
          {"solver.first_initializer"});
  auto grid = drifting(10, 6, 3);
  grid[0] = "problem.geometry=grid";
  refused(words("make", "refused", grid), {"make.drifting.points", "problem.geometry = 'clouds'"});
}

}  // namespace
}  // namespace otfleet
