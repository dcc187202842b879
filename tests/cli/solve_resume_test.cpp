// A solve that was killed, or asked to end, goes on where it was; shares of a population that were
// solved apart are put together. In the end every solution is that of an unbroken run, bit for bit.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "tests/cli/many_problems.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::ProgramResult;
using testing::read_bytes;
using testing::StartedProgram;
using testing::Words;

using SolveResume = testing::ManyProblems;

TEST_F(SolveResume, KilledTenTimesNothingIsLost) {
  const kernels::CounterRandom random(std::random_device{}(), 0);
  int kills = 0;
  for (int round = 0; kills < 10; ++round) {
    ASSERT_LT(round, 10);
    const auto output = "killed" + std::to_string(round);
    const int kills_before = kills;
    while (true) {
      const auto counter = static_cast<std::uint64_t>(100 * round + kills);
      const int ranks = 1 + static_cast<int>(random.below(3, 3 * counter));
      const std::size_t before = parts(output);
      StartedProgram program(testing::words_on_ranks_with_pids(ranks, "pid", solve(output)),
                             folder_->path());
      // From the first new file on: most while problems are solved, some when all is written.
      const std::uint64_t longest = (round + kills) % 4 == 3 ? 300000 : 60000;  // microseconds
      while (kills < 10 && program.running() && parts(output) <= before)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::this_thread::sleep_for(
          std::chrono::microseconds(random.below(longest, 3 * counter + 1)));
      if (kills < 10 && program.running()) {
        const auto victim = random.below(static_cast<std::uint64_t>(ranks), 3 * counter + 2);
        ::kill(std::stoi(read_bytes(path("pid." + std::to_string(victim)))), SIGKILL);
      }
      const ProgramResult result = program.wait();
      if (std::filesystem::exists(path(output) / "report.json")) break;  // killed too late, if so
      ASSERT_NE(result.code, 0) << result.err;
      ++kills;
      ASSERT_LT(kills, 11) << result.err;
    }
    EXPECT_TRUE(kills == kills_before || read_report(output)["solved_before"] > 0);
    if (std::filesystem::exists(path(output) / "solution.parts")) {
      // Killed after the report, while its parts were removed: the next run removes what is left.
      const auto again = run(solve(output), 2);
      ASSERT_EQ(again.code, 0) << again.err;
    }
    EXPECT_EQ(read_report(output)["converged"], many);
    expect_whole(output);
  }
}

/// Between the solution and the report.
TEST_F(SolveResume, KilledWhileItReportsNothingIsSolvedAgain) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto output = "reporting" + std::to_string(attempt);
    StartedProgram program(testing::words_on_ranks_with_pids(1, "reporting-pid", solve(output)),
                           folder_->path());
    while (program.running() && !std::filesystem::exists(path(output) / "solution.h5"))
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    ::kill(std::stoi(read_bytes(path("reporting-pid.0"))), SIGKILL);
    ASSERT_NE(program.wait().code, 75);
    if (std::filesystem::exists(path(output) / "report.json")) continue;  // killed too late
    const auto again = run(solve(output), 2);
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(read_report(output)["solved_before"], many);
    return expect_whole(output);
  }
  FAIL() << "never killed in time";
}

TEST_F(SolveResume, AskedToEndItSavesAndGoesOn) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) {
    const auto output = "asked" + std::to_string(signal);
    StartedProgram program(testing::words_on_ranks_with_pids(2, "asked-pid", solve(output)),
                           folder_->path());
    while (program.running() && parts(output) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ::kill(std::stoi(read_bytes(path("asked-pid.1"))), signal);  // one rank alone
    const auto result = program.wait();
    ASSERT_EQ(result.code, 75) << result.err;
    EXPECT_EQ(count_of(result.err, "otfleet: solve: asked to end; "), 1u) << result.err;
    EXPECT_EQ(count_of(result.err, " of 6000 problems are solved; run it again to go on"), 1u)
        << result.err;
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.h5"));
    const auto resumed = run(solve(output), 3);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(count_of(resumed.err, "going on: "), 1u) << resumed.err;
    EXPECT_GT(read_report(output)["solved_before"], 0);
    expect_whole(output);
  }
}

TEST_F(SolveResume, SharesSolvedApartArePutTogether) {
  for (int share = 0; share < 3; ++share) {
    Words words = solve("shares");
    words.insert(words.end(), {"--share", std::to_string(share) + "/3"});
    const auto result = run(words, 1 + share % 2);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.out, "share " + std::to_string(share) + " of 3, 2000 problems"), 1u)
        << result.out;
    EXPECT_FALSE(std::filesystem::exists(path("shares") / "solution.h5"));
    const auto name = "report-share-" + std::to_string(share) + "-of-3.json";
    const auto report = nlohmann::json::parse(read_bytes(path("shares") / name));
    EXPECT_EQ(report["share"]["instances"], 2000);
  }
  // A share that never ran is solved by the run that puts them together.
  std::filesystem::copy(path("shares"), path("missing"), std::filesystem::copy_options::recursive);
  for (const auto& entry : std::filesystem::directory_iterator(path("missing/solution.parts")))
    if (entry.path().filename().string().starts_with("rows-000000002"))
      std::filesystem::remove(entry.path());
  const auto whole = run(solve("shares"));
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_EQ(read_report("shares")["solved_before"], many);
  expect_whole("shares");
  const auto mended = run(solve("missing"), 2);
  ASSERT_EQ(mended.code, 0) << mended.err;
  const int before = read_report("missing")["solved_before"];
  EXPECT_GE(before, 4000);
  EXPECT_LT(before, many);
  expect_whole("missing");
}

TEST_F(SolveResume, AnotherJobStartsAnew) {
  Words share = solve("other");
  share.insert(share.end(), {"--share", "0/100"});
  ASSERT_EQ(run(share).code, 0);
  const auto result = run(solve("other", {"solver.threshold=1e-2"}));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("is of another job"), std::string::npos) << result.err;
  EXPECT_EQ(read_report("other")["solved_before"], 0);
  // Where and how often it saves does not make it another job.
  ASSERT_EQ(run(share).code, 0);
  ASSERT_EQ(run(solve("other", {"solver.checkpoint_seconds=60"})).code, 0);
  EXPECT_EQ(read_report("other")["solved_before"], many / 100);
  expect_whole("other");
}

/// One problem that all ranks solve together, row by row: iteration by iteration, not block by
/// block.
TEST_F(SolveResume, OneProblemOnAllRanksGoesOn) {
  write_cloud_population(path("large.h5"), testing::large_problem(2500, 2));
  const auto solve_rows = [](const std::string& output, double interval) {
    return words("solve", output,
                 {"files.test_population=large.h5", "solver.initializer=zeros", "solver.shard=rows",
                  "problem.epsilon=1e-3", "solver.threshold=1e-8", "solver.max_iterations=100000",
                  "solver.checkpoint_seconds=" + std::to_string(interval)});
  };
  const auto files = [](const std::string& output) {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::directory_iterator(path(output) / "solution.parts", ignored))
      count += entry.path().filename().string().starts_with("potentials-");
    return count;
  };
  const auto unbroken = run(solve_rows("rows-unbroken", 60));
  ASSERT_EQ(unbroken.code, 0) << unbroken.err;
  const int iterations = column<std::int32_t>("rows-unbroken", "iterations")[0];
  const double value = column("rows-unbroken", "dual_value")[0];
  for (const int signal : {SIGKILL, SIGTERM}) {
    const auto output = "rows" + std::to_string(signal);
    StartedProgram program(testing::words_on_ranks_with_pids(2, "rows-pid", solve_rows(output, 0)),
                           folder_->path());
    while (program.running() && files(output) < 2)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ::kill(std::stoi(read_bytes(path("rows-pid.1"))), signal);
    const auto result = program.wait();
    ASSERT_EQ(result.code == 75, signal == SIGTERM) << result.err;
    ASSERT_FALSE(std::filesystem::exists(path(output) / "solution.h5")) << "too fast to be killed";
    // On another number of ranks, which would solve by problems.
    auto words = solve_rows(output, 60);
    std::replace(words.begin(), words.end(), std::string("solver.shard=rows"),
                 std::string("solver.shard=auto"));
    const auto resumed = run(words, 1);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    const auto report = read_report(output);
    EXPECT_EQ(report["shard"]["reason"], "an unfinished run did so");
    EXPECT_EQ(report["converged"], 1);
    EXPECT_NEAR(column(output, "dual_value")[0], value, 1e-9);
    EXPECT_LT(column<std::int32_t>(output, "iterations")[0], 2 * iterations);
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.parts"));
  }
}

TEST_F(SolveResume, SharesThatMakeNoSense) {
  for (const char* share : {"3/3", "-1/3", "1", "a/b", "1/2/3", "0/0"}) {
    Words words = solve("none");
    words.insert(words.end(), {"--share", share});
    expect_refused(words, "--share", share, "K/N");
  }
}

}  // namespace
}  // namespace otfleet
