// Noise transported to points as a user computes it: job file, ranks, shares, kills, mistakes.
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

class Semidiscrete : public testing::Spots {
 protected:
  static void SetUpTestSuite() {
    if (!make_many("semidiscrete.toml",
                   "problem = \"semidiscrete\"\nseed = 5\n[data]\ntest = { file = \"spots.npy\" }\n"
                   "[make]\ngrid = [12, 12]\n"
                   "[semidiscrete]\nassignments = 500\nscale = 0.3\n"
                   "[solver]\ncheckpoint_seconds = 0\nthreshold = 0.2\n",
                   "problem = \"semidiscrete\"\n"))
      return;
    const auto solved = run(solve_many("unbroken"));
    ASSERT_EQ(solved.code, 0) << solved.err;
    EXPECT_NE(solved.out.find("40 problems, 40 converged"), std::string::npos) << solved.out;
  }

  static Words solve_many(const std::string& output, const Words& overrides = {}) {
    return solve_words("semidiscrete.toml", "many/test.h5", output, overrides);
  }
  static Words solve_many_into(const std::string& output) { return solve_many(output); }

  static CloudPopulation points_of(const std::vector<double>& points, std::int64_t d,
                                   const std::vector<double>& weights) {
    CloudPopulation population;
    population.ground_cost = kernels::SquaredEuclideanCost{};
    population.dimension = d;
    population.sources.points = points;
    population.sources.weights = weights;
    population.sources.offsets = {0, static_cast<std::int64_t>(weights.size())};
    population.source = population.target = {0};
    return population;
  }
};

/// Two points on a line, at −1 and 3, of equal weight: noise parts at 0, and the cost is
/// 1 + (1 + 9) / 2 − 4 E |x|, by hand.
TEST_F(Semidiscrete, TwoPointsByHand) {
  const double cost = 6 - 4 * std::sqrt(2 / M_PI);
  for (const auto& [name, mass] : {std::pair{"unit", 1.0}, {"small", 1e-6}, {"large", 1e6}}) {
    const std::string file = std::string(name) + ".h5";
    write_cloud_population(path(file), points_of({-1, 3, 7}, 1, {mass, mass, 0}));
    expect_solved(solve(file, name,
                        {"solver.threshold=0.02", "semidiscrete.assignments=10000",
                         "semidiscrete.store_noise=true"}));
    EXPECT_EQ(read_report(name)["converged"], 1) << name;
    // Shares that are 0.02 off are worth 0.02 times what the potentials differ by.
    EXPECT_NEAR(column(name, "transport_cost")[0] / (2 * mass), cost, 0.2);
    EXPECT_NEAR(column(name, "dual_value")[0] / (2 * mass), cost, 0.05);
    EXPECT_LE(column(name, "lower_bound")[0] / (2 * mass), cost);
    EXPECT_GE(column(name, "lower_bound")[0] / (2 * mass), cost - 0.3);
    EXPECT_GE(column(name, "upper_bound")[0] / (2 * mass), cost);
    EXPECT_LE(column(name, "marginal_upper")[0], 0.1);
    EXPECT_EQ(column(name, "bound_failure")[0], 1e-3);
    const auto g = column(name, "g"), noise = column(name, "noise");
    ASSERT_EQ(g.size(), 3u);
    EXPECT_NEAR(g[0] - g[1], -8, 0.2);  // where (x + 1)² − g_0 = (x − 3)² − g_1: x = 0
    EXPECT_EQ(g[2], -INFINITY);
    ASSERT_EQ(noise.size(), 10000u);
    double square = 0;
    for (const double x : noise) square += x * x / 10000;
    EXPECT_NEAR(square, 1, 0.1);
  }
}

TEST_F(Semidiscrete, ProblemsAreTheSameOnAnyNumberOfRanks) {
  expect_the_same_on_ranks(solve_many_into);
  const auto lower = column("unbroken", "lower_bound"), upper = column("unbroken", "upper_bound"),
             error = column("unbroken", "marginal_error"),
             least = column("unbroken", "marginal_lower"),
             most = column("unbroken", "marginal_upper");
  for (std::size_t k = 0; k < lower.size(); ++k) {
    EXPECT_LE(lower[k], upper[k]);
    EXPECT_LE(error[k], 0.25);
    EXPECT_LE(least[k], most[k]);
  }
}

TEST_F(Semidiscrete, SharesAndKillsChangeNothing) {
  expect_the_same_by_shares(solve_many_into);
  expect_the_same_after_kills(solve_many_into);
}

/// One long problem that is interrupted goes on where it was, and ends with the same numbers.
TEST_F(Semidiscrete, OneThatTakesLongGoesOnAsIfNothingHadHappened) {
  std::vector<double> points(400000);
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i] = std::sin(1.7 * static_cast<double>(i * i));
  write_cloud_population(path("long.h5"), points_of(points, 100, std::vector<double>(4000, 1.0)));
  const auto words = [&](const std::string& output) {
    return solve("long.h5", output,
                 {"solver.threshold=1e-3", "solver.max_iterations=150",
                  "semidiscrete.certificate_samples=1000", "solver.checkpoint_seconds=1"});
  };
  Words command = words("long");
  command.insert(command.begin(), OTFLEET_PROGRAM);
  StartedProgram program(command, folder_->path());
  while (program.running() && !left_part("long", "potentials-"))
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.send(SIGTERM);
  const auto ended = program.wait();
  ASSERT_EQ(ended.code, 75) << ended.err;
  const auto finished = run(words("long")), whole = run(words("whole"));
  ASSERT_EQ(finished.code, 0) << finished.err;
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_EQ(column("long", "g"), column("whole", "g"));
  EXPECT_EQ(column("long", "marginal_error"), column("whole", "marginal_error"));
}

TEST_F(Semidiscrete, UniformNoiseAndSoftMinima) {
  write_cloud_population(path("three.h5"), points_of({-1, 0, 1}, 1, {1, 1, 1}));
  for (const std::string noise : {"uniform", "gaussian"})
    for (const std::string epsilon : {"0", "0.5"}) {
      const auto output = noise + epsilon;
      expect_solved(solve("three.h5", output,
                          {"semidiscrete.noise=" + noise, "semidiscrete.epsilon=" + epsilon,
                           "solver.threshold=0.02"}));
      EXPECT_EQ(read_report(output)["converged"], 1) << output;
      EXPECT_LE(column(output, "lower_bound")[0], column(output, "upper_bound")[0]);
    }
  // Uniform on [−1, 1], a third each: the integrals of (x − 1)² from 1/3 and of x² up to there.
  EXPECT_NEAR(column("uniform0", "transport_cost")[0] / 3, (8.0 / 27 + 1.0 / 27) / 3, 0.01);
}

TEST_F(Semidiscrete, TablesAndLimits) {
  const auto table = run({"info", "--values", "unbroken/solution.h5"});
  EXPECT_EQ(count_of(table.out, "\n"), std::size_t{41});
  EXPECT_NE(table.out.find("marginal_upper"), std::string::npos);
  const auto result = run(solve_many("limited", {"solver.max_iterations=2"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_NE((result.out + result.err).find("solver.max_iterations, now 2"), std::string::npos)
      << result.err;
  expect_solved(solve_many("none", {"solver.max_iterations=0"}));
}

TEST_F(Semidiscrete, MistakesAreOneLine) {
  expect_refused_on(2, solve_many("refused", {"problem.tau_a=0.9"}), "problem.tau_a",
                    "semidiscrete");
  expect_refused(solve_many("refused", {"solution.plan=top_k"}), "solution.plan");
  expect_refused(solve_many("refused", {"solution.divergence=true"}), "solution.divergence");
  expect_refused(solve_many("refused", {"solver.shard=rows"}), "solver.shard", "problems");
  expect_refused(solve_many("refused", {"semidiscrete.scale=0"}), "semidiscrete.scale");
  expect_refused(solve_many("refused", {"semidiscrete.noise=none"}), "gaussian");
  expect_refused(solve_words("plain.toml", "many/test.h5", "refused",
                             {"problem.kind=linear", "semidiscrete.scale=2"}),
                 "semidiscrete.scale", "needs problem.kind");
  auto population = points_of({-1, 0, 1}, 1, {1, 1, 1});
  population.ground_cost = kernels::EuclideanCost{};
  write_cloud_population(path("euclidean.h5"), population);
  expect_refused(solve("euclidean.h5", "refused"), "euclidean", "squared_euclidean");
  for (const char* command : {"train", "evaluate", "scale"})
    expect_refused({command, "semidiscrete.toml", "--output", "refused"}, command, "semidiscrete");
}

}  // namespace
}  // namespace otfleet
