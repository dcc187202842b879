#pragma once
#include "tests/cli/pipeline.hpp"
#include "tests/src/same_solutions.hpp"

namespace otfleet::testing {

/// A population of many problems besides, what it takes to solve it in seconds, block by block, and
/// its solution by one unbroken run in unbroken/.
class ManyProblems : public PipelineTest {
 protected:
  static constexpr int many = 6000;

  static void SetUpTestSuite() {
    PipelineTest::SetUpTestSuite();
    if (std::filesystem::exists(path("unbroken/solution.h5"))) return;
    const auto made =
        run({"make", "job.toml", "--output", "many", "--set",
             "make.test_problems=" + std::to_string(many), "--set", "make.repeat_pairs=true"});
    ASSERT_EQ(made.code, 0) << made.err;
    const auto solved = run(solve("unbroken"));
    ASSERT_EQ(solved.code, 0) << solved.err;
    ASSERT_EQ(count_of(solved.err, "going on"), 0u);
  }

  /// A solve that takes seconds and saves every block.
  static Words solve(const std::string& output, const Words& more = {}) {
    Words overrides = {"files.test_population=many/test.h5",
                       "solver.initializer=zeros",
                       "solver.method=sinkhorn",
                       "solver.acceleration=none",
                       "solver.threshold=1e-9",
                       "solver.max_iterations=100000",
                       "solver.checkpoint_seconds=0"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return words("solve", output, overrides);
  }

  static std::size_t parts(const std::string& output) {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::directory_iterator(path(output) / "solution.parts", ignored))
      count += entry.path().filename().string().starts_with("rows-");
    return count;
  }

  static void expect_whole(const std::string& output) {
    expect_same_solutions(path(output) / "solution.h5", path("unbroken") / "solution.h5");
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.parts"));
    for (const auto& entry : std::filesystem::directory_iterator(path(output)))
      EXPECT_FALSE(entry.path().filename().string().ends_with(".partial")) << entry.path();
  }
};

}  // namespace otfleet::testing
