// What a user is told when problems do not converge, numbers are out of range or memory is short.
#include <limits>
#include <memory>

#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::Words;

class Ending : public testing::PipelineTest {
 protected:
  static Words with(const std::string& population, const std::string& output,
                    const Words& more = {}) {
    Words overrides = {"files.test_population=" + population, "solver.initializer=zeros"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return words("solve", output, overrides);
  }

  /// The program under `ulimit -v` of so many kilobytes.
  static testing::ProgramResult run_limited(const std::string& kilobytes, Words arguments) {
    arguments.insert(
        arguments.begin(),
        {"bash", "-c", "ulimit -v " + kilobytes + "; exec \"$0\" \"$@\"", OTFLEET_PROGRAM});
    return testing::run_words(arguments, folder_->path());
  }

  static void write_costs(const std::string& name, const std::vector<double>& costs) {
    Population population = testing::dense_population(3, 3, 1, 1);
    population.geometry.cost = costs;
    population.geometry.ground_cost.reset();
    population.geometry.source_points = population.geometry.target_points = {};
    population.geometry.dimension = 0;
    write_population(path(name), population);
  }
};

TEST_F(Ending, ProblemsWithoutConvergenceAreCounted) {
  const Words few = {"solver.threshold=1e-9", "solver.max_iterations=1"};
  const auto result = run(with("job-out/make/test.h5", "warned", few));
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(count_of(result.err, "30 of 30 problems did not converge"), 1u) << result.err;
  EXPECT_EQ(count_of(result.err, "solver.max_iterations, now 1)"), 1u) << result.err;
  Words quiet = with("job-out/make/test.h5", "warned-quietly", few);
  quiet.push_back("--quiet");
  EXPECT_EQ(run(quiet).err, "");
  const auto good = run(with("job-out/make/test.h5", "not-warned"));
  EXPECT_EQ(count_of(good.err, "did not converge"), 0u) << good.err;
}

TEST_F(Ending, StrictMakesThemAnErrorAndWritesAll) {
  for (const int ranks : {1, 2}) {
    const auto output = "strict" + std::to_string(ranks);
    Words solve =
        with("job-out/make/test.h5", output, {"solver.threshold=1e-9", "solver.max_iterations=1"});
    solve.push_back("--strict");
    const auto result = run(solve, ranks);
    EXPECT_EQ(result.code, 3) << result.err;
    EXPECT_EQ(count_of(result.err, "otfleet: 30 of 30 problems did not converge"), 1u)
        << result.err;
    EXPECT_EQ(column(output, "marginal_error").size(), 30u);
    EXPECT_EQ(read_report(output)["failed"], 30);
  }
  Words good = with("job-out/make/test.h5", "strict-good");
  good.push_back("--strict");
  EXPECT_EQ(run(good).code, 0);
}

TEST_F(Ending, EvaluateAndShareWarnToo) {
  const auto compared =
      run(words("evaluate", "evaluate-warned",
                {"evaluate.thresholds=[1e-9]", "evaluate.initializers=[\"zeros\"]",
                 "solver.method=sinkhorn", "solver.max_iterations=2", "evaluate.pictures=0"}));
  EXPECT_EQ(compared.code, 0) << compared.err;
  EXPECT_EQ(count_of(compared.err, "from start 'zeros' to threshold 1e-09 30 of 30 problems"), 1u)
      << compared.err;
  Words share = with("job-out/make/test.h5", "share-warned",
                     {"solver.threshold=1e-9", "solver.max_iterations=1"});
  share.insert(share.end(), {"--share", "0/3"});
  EXPECT_EQ(count_of(run(share).err, "10 of 10 problems did not converge"), 1u);
}

TEST_F(Ending, ExtremeCostsAndEpsilonsAreNoInternalErrors) {
  constexpr double most = 1e308;
  write_costs("huge.h5", {0, most, 1, most, 0, 1, 1, most, 0});
  write_costs("both.h5", {0, most, -most, 1, 0, 1, 1, -most, 0});
  write_costs("plain.h5", {0, 1, 2, 1, 0, 1, 2, 1, 0});
  write_cloud_population(path("cloud.h5"), testing::large_problem(20, 2));
  for (const std::string population : {"huge.h5", "both.h5", "plain.h5", "cloud.h5"})
    for (const char* epsilon : {"1e-308", "1e-300", "1e-2"})
      for (const std::string tau : {"1", "0.5"}) {
        if (tau != "1" && population != "both.h5") continue;
        const auto result = run(with(population, "extreme",
                                     {std::string("problem.epsilon=") + epsilon,
                                      "problem.tau_a=" + tau, "solver.max_iterations=50"}));
        EXPECT_TRUE(result.code == 0 || result.code == 2)
            << population << " " << epsilon << " " << tau << ": " << result.err;
        EXPECT_EQ(count_of(result.err, "internal"), 0u) << result.err;
        if (result.code != 2) continue;
        EXPECT_EQ(count_of(result.err, "otfleet: "), 1u) << result.err;
        EXPECT_TRUE(count_of(result.err, population) + count_of(result.err, "problem.epsilon") > 0)
            << result.err;
      }
  expect_refused(with("plain.h5", "refused", {"problem.epsilon=1e-310"}), "problem.epsilon");
}

TEST_F(Ending, MemoryIsCountedBeforeItIsTaken) {
  write_population(path("large.h5"), testing::dense_population(3000, 3000, 1, 1));
  const auto result = run_limited("500000", with("large.h5", "short"));
  EXPECT_EQ(result.code, 2) << result.err;
  EXPECT_EQ(count_of(result.err, "\n"), 1u) << result.err;
  for (const char* part : {"large.h5: needs about", "3000 x 3000 costs", "ulimit -v leaves"})
    EXPECT_EQ(count_of(result.err, part), 1u) << result.err;
}

/// No launcher started them, so that Open MPI takes all for one job.
TEST_F(Ending, ManyProcessesAtOnce) {
  constexpr int count = 12;
  std::vector<std::unique_ptr<testing::StartedProgram>> programs;
  for (int k = 0; k < count; ++k) {
    Words one = with("job-out/make/test.h5", "at-once" + std::to_string(k));
    one.insert(one.begin(), OTFLEET_PROGRAM);
    programs.push_back(std::make_unique<testing::StartedProgram>(one, folder_->path()));
  }
  for (auto& program : programs) {
    const auto result = program->wait();
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.err, "mca"), 0u) << result.err;
  }
}

/// Whatever runs out where: one line.
TEST_F(Ending, MemoryThatRunsOutIsOneLine) {
  write_population(path("large.h5"), testing::dense_population(2000, 2000, 1, 1));
  bool refused = false;
  for (const char* kilobytes : {"250000", "300000", "400000", "550000", "800000"}) {
    const auto result = run_limited(kilobytes, with("large.h5", "out"));
    if (result.code == 0) continue;
    refused = true;
    EXPECT_EQ(result.code, 2) << kilobytes << ": " << result.err;
    EXPECT_EQ(count_of(result.err, "internal"), 0u) << result.err;
    EXPECT_EQ(count_of(result.err, "Kokkos"), 0u) << result.err;
    EXPECT_EQ(count_of(result.err, "otfleet: "), 1u) << result.err;
  }
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace otfleet
