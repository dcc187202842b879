#pragma once
#include <signal.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "tests/cli/pipeline.hpp"
#include "tests/src/same_solutions.hpp"

namespace otfleet::testing {

/// A folder with images of spots (spots.npy), a job of many barycenters of them, their population
/// in many/, and a job without a word on data, plain.toml. Needs neither a model nor what
/// PipelineTest makes.
class Spots : public PipelineTest {
 protected:
  /// Makes all this from the jobs' texts; false where it is there already, or cannot be made.
  static bool make_many(const std::string& job, const std::string& text, const std::string& plain) {
    if (!folder_) folder_ = std::make_unique<TemporaryFolder>();
    if (std::filesystem::exists(path("spots.npy"))) return false;
    write_spots(path("spots.npy"), 40, 12, 1);
    write_bytes(path(job), text);
    write_bytes(path("plain.toml"), plain);
    const auto made = run({"make", job, "--output", "many"});
    EXPECT_EQ(made.code, 0) << made.err;
    return made.code == 0;
  }

  /// Solves many/ with one run that nothing ends; all `count` problems converge.
  static void solve_unbroken(const Words& words, int count) {
    const auto solved = run(words);
    ASSERT_EQ(solved.code, 0) << solved.err;
    const auto all = std::to_string(count);
    EXPECT_NE(solved.out.find(all + " barycenters, " + all + " converged"), std::string::npos)
        << solved.out;
  }

  static Words solve(const std::string& population, const std::string& output,
                     const Words& overrides = {}) {
    return solve_words("plain.toml", population, output, overrides);
  }
  static void expect_solved(const Words& words) {
    const auto result = run(words);
    ASSERT_EQ(result.code, 0) << result.err;
  }

  /// The command that solves many/ into an output folder.
  using SolveMany = std::function<Words(const std::string& output)>;

  static void expect_as_unbroken(const std::string& output) {
    expect_same_solutions(path(output) / "solution.h5", path("unbroken/solution.h5"));
  }
  static void expect_the_same_on_ranks(const SolveMany& solve_many) {
    for (const int ranks : {2, 3}) {
      const auto output = "ranks" + std::to_string(ranks);
      const auto result = run(solve_many(output), ranks);
      ASSERT_EQ(result.code, 0) << result.err;
      expect_as_unbroken(output);
    }
  }
  static void expect_the_same_by_shares(const SolveMany& solve_many) {
    for (const int share : {0, 1}) {
      auto words = solve_many("shared");
      words.insert(words.end(), {"--share", std::to_string(share) + "/2"});
      expect_solved(words);
    }
    expect_solved(solve_many("shared"));
    expect_as_unbroken("shared");
  }
  /// Sends a signal to one of two ranks that have saved some problems, and returns how it ended.
  static ProgramResult kill_one_rank(const SolveMany& solve_many, const std::string& output,
                                     int signal) {
    StartedProgram program(words_on_ranks_with_pids(2, "pid", solve_many(output)), folder_->path());
    while (program.running() && !left_part(output, "rows-"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(std::stoi(read_bytes(path("pid.1"))), signal);
    return program.wait();
  }
  /// After SIGKILL and SIGTERM. Problems that are solved too fast to be killed are let pass.
  static void expect_the_same_after_kills(const SolveMany& solve_many) {
    for (const int signal : {SIGKILL, SIGTERM}) {
      const auto output = "killed" + std::to_string(signal);
      const auto result = kill_one_rank(solve_many, output, signal);
      if (std::filesystem::exists(path(output) / "solution.h5")) continue;
      ASSERT_EQ(result.code == 75, signal == SIGTERM) << result.err;
      expect_solved(solve_many(output));
      EXPECT_GT(read_report(output)["solved_before"], 0);
      expect_as_unbroken(output);
    }
  }
};

}  // namespace otfleet::testing
