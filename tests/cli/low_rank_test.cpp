// Plans of low rank as a user computes them: job file, ranks, shares, kills, mistakes.
#include <signal.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "src/populations/cloud_population.hpp"
#include "tests/cli/spots.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::StartedProgram;
using testing::Words;

class LowRank : public testing::Spots {
 protected:
  static constexpr int many = 200;

  static void SetUpTestSuite() {
    if (!make_many("low_rank.toml",
                   "problem = \"low_rank\"\nseed = 5\n[data]\ntest = { file = \"spots.npy\" }\n"
                   "[make]\ngrid = [12, 12]\ntest_problems = 200\nrepeat_pairs = true\n"
                   "[low_rank]\nrank = 6\n"
                   "[solver]\ncheckpoint_seconds = 0\n"
                   "[solution]\nprojection = true\n",
                   "problem = \"low_rank\"\n"))
      return;
    const auto solved = run(solve_many("unbroken"));
    ASSERT_EQ(solved.code, 0) << solved.err;
    EXPECT_NE(solved.out.find("200 problems, 200 converged"), std::string::npos) << solved.out;
  }

  static Words solve_many(const std::string& output, const Words& overrides = {}) {
    return solve_words("low_rank.toml", "many/test.h5", output, overrides);
  }
  static Words solve_many_into(const std::string& output) { return solve_many(output); }

  static CloudPopulation pair_of(const std::vector<double>& source,
                                 const std::vector<double>& target, std::int64_t d,
                                 double mass = 1) {
    CloudPopulation population;
    population.ground_cost = kernels::SquaredEuclideanCost{};
    population.dimension = d;
    auto& table = population.sources;
    for (const auto* points : {&source, &target}) {
      const auto n = points->size() / static_cast<std::size_t>(d);
      table.points.insert(table.points.end(), points->begin(), points->end());
      table.weights.insert(table.weights.end(), n, mass / static_cast<double>(n));
      if (table.offsets.empty()) table.offsets.push_back(0);
      table.offsets.push_back(table.offsets.back() + static_cast<std::int64_t>(n));
    }
    population.source = {0};
    population.target = {1};
    return population;
  }
};

/// Two groups of two points each, moved by (3, 4): by hand, of rank 1, 2 and 4.
TEST_F(LowRank, GroupsByHand) {
  const std::vector<double> source = {0, 0, 1, 0, 8, 0, 9, 0};
  std::vector<double> target = source;
  for (std::size_t i = 0; i < 4; ++i) {
    target[2 * i] += 3;
    target[2 * i + 1] += 4;
  }
  for (const auto& [name, mass] : {std::pair{"unit", 1.0}, {"small", 1e-6}, {"large", 1e6}}) {
    write_cloud_population(path(std::string(name) + ".h5"), pair_of(source, target, 2, mass));
    // A plan that spreads groups costs twice their variance more: 16.25, 1/4, 0.
    for (const auto& [rank, extra] : {std::pair{1, 32.5}, {2, 0.5}, {4, 0.0}}) {
      const auto output = name + std::to_string(rank);
      expect_solved(solve(std::string(name) + ".h5", output,
                          {"low_rank.rank=" + std::to_string(rank), "solver.threshold=1e-8",
                           "solution.divergence=true", "solution.projection=true"}));
      EXPECT_EQ(read_report(output)["converged"], 1) << output;
      EXPECT_NEAR(column(output, "transport_cost")[0] / mass, 25 + extra, 1e-3) << output;
      EXPECT_LE(column(output, "lower_bound")[0] / mass, 25 * (1 + 1e-9));
      EXPECT_GE(column(output, "lower_bound")[0] / mass, 24);
      EXPECT_GE(column(output, "upper_bound")[0], column(output, "transport_cost")[0]);
      // Both measures are spread alike: what is left is the move.
      EXPECT_NEAR(column(output, "divergence")[0] / mass, 25, 1e-3) << output;
      EXPECT_NEAR(column(output, "cluster_mass")[0] / mass, 1.0 / rank, 1e-6);
      const std::vector<double> moved = column(output, "projection");
      ASSERT_EQ(moved.size(), 8u);
      EXPECT_NEAR(moved[6], rank == 1 ? 7.5 : rank == 2 ? 11.5 : 12, 1e-2);
    }
  }
}

/// A triangle and the same one turned and moved, as shapes and as clouds.
TEST_F(LowRank, ShapesAreMatchedWhereverTheyLie) {
  const std::vector<double> source = {0, 0, 1, 0, 0, 2}, target = {10, 10, 10, 11, 8, 10};
  for (const auto& [name, mass] : {std::pair{"shape", 1.0}, {"heavy", 1e3}}) {
    const std::string file = std::string(name) + ".h5";
    write_cloud_population(path(file), pair_of(source, target, 2, mass));
    const auto words = [file](const std::string& output, const std::string& rank) {
      return solve(file, output,
                   {"low_rank.objective=gromov_wasserstein", "low_rank.rank=" + rank,
                    "solver.threshold=1e-8", "solution.projection=true"});
    };
    expect_solved(words(name, "3"));
    EXPECT_NEAR(column(name, "transport_cost")[0] / (mass * mass), 0, 1e-2);
    EXPECT_EQ(column(name, "source_square").size(), 3u);
    const auto moved = column(name, "projection");
    for (std::size_t at = 0; at < target.size(); ++at) EXPECT_NEAR(moved[at], target[at], 1e-2);
    // All pairs of pairs alike: by hand, squared distances are 1, 4 and 5.
    expect_solved(words(std::string(name) + "1", "1"));
    const double mean = 2 * 10 / 9.0, square = 2 * 42 / 9.0;
    EXPECT_NEAR(column(std::string(name) + "1", "transport_cost")[0] / (mass * mass),
                2 * (square - mean * mean), 1e-9);
  }
}

TEST_F(LowRank, ProblemsAreTheSameOnAnyNumberOfRanks) {
  expect_the_same_on_ranks(solve_many_into);
  const auto cost = column("unbroken", "transport_cost"), lower = column("unbroken", "lower_bound"),
             upper = column("unbroken", "upper_bound");
  for (std::size_t k = 0; k < cost.size(); ++k) {
    EXPECT_LE(lower[k], upper[k]);
    EXPECT_LE(cost[k], upper[k]);
  }
}

TEST_F(LowRank, SharesAndKillsChangeNothing) {
  expect_the_same_by_shares(solve_many_into);
  expect_the_same_after_kills(solve_many_into);
}

/// One long problem that is interrupted goes on from its factors.
TEST_F(LowRank, OneThatTakesLongGoesOnFromItsFactors) {
  std::vector<double> points[2];
  for (int i = 0; i < 60000; ++i)
    for (int side = 0; side < 2; ++side)
      points[side].push_back(std::sin(1.7 * i * i + side) + 0.3 * side * std::cos(3.0 * i));
  write_cloud_population(path("long.h5"), pair_of(points[0], points[1], 2));
  const auto words = [&](const std::string& output) {
    return solve("long.h5", output,
                 {"low_rank.rank=60", "solver.threshold=1e-300", "solver.max_iterations=25",
                  "solver.checkpoint_seconds=1"});
  };
  Words command = words("long");
  command.insert(command.begin(), OTFLEET_PROGRAM);
  StartedProgram program(command, folder_->path());
  while (program.running() && !left_part("long", "potentials-"))
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.send(SIGTERM);
  const auto ended = program.wait();
  ASSERT_EQ(ended.code, 75) << ended.err;
  expect_solved(words("long"));
  expect_solved(words("whole"));
  // What was made before counts, and is not made again.
  EXPECT_EQ(column<std::int32_t>("long", "iterations")[0], 25);
  EXPECT_EQ(column<std::int32_t>("whole", "iterations")[0], 25);
  EXPECT_NEAR(column("long", "transport_cost")[0], column("whole", "transport_cost")[0], 1e-9);
}

TEST_F(LowRank, TablesAndLimits) {
  const auto table = run({"info", "--values", "unbroken/solution.h5"});
  EXPECT_EQ(count_of(table.out, "\n"), std::size_t{many + 1});
  EXPECT_NE(table.out.find("bound_failure"), std::string::npos);
  const auto result = run(solve_many("limited", {"solver.max_iterations=2"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_NE((result.out + result.err).find("solver.max_iterations, now 2"), std::string::npos)
      << result.err;
}

TEST_F(LowRank, MistakesAreOneLine) {
  expect_refused_on(2, solve_many("refused", {"problem.tau_a=0.9"}), "problem.tau_a", "low_rank");
  expect_refused(solve_many("refused", {"solution.plan=top_k"}), "solution.plan");
  expect_refused(solve_many("refused", {"solver.shard=rows"}), "solver.shard", "problems");
  expect_refused(solve_many("refused", {"low_rank.rank=0"}), "low_rank.rank");
  expect_refused(solve_words("plain.toml", "many/test.h5", "refused",
                             {"problem.kind=linear", "low_rank.rank=2"}),
                 "low_rank.rank", "needs problem.kind");
  auto population = pair_of({0, 0, 1, 1}, {2, 2, 3, 3}, 2);
  population.ground_cost = kernels::EuclideanCost{};
  write_cloud_population(path("euclidean.h5"), population);
  expect_refused(solve("euclidean.h5", "refused"), "euclidean", "squared_euclidean");
  for (const char* command : {"train", "evaluate", "scale"})
    expect_refused({command, "low_rank.toml", "--output", "refused"}, command, "low_rank");
}

}  // namespace
}  // namespace otfleet
