#pragma once
#include <memory>
#include <string>

#include "tests/cli/pipeline.hpp"

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
};

}  // namespace otfleet::testing
