// Sliced distances as a user computes them: job file, ranks, shares, kills, mistakes.
#include <signal.h>

#include <cmath>

#include "src/populations/cloud_population.hpp"
#include "tests/cli/spots.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::Words;

class Sliced : public testing::Spots {
 protected:
  static constexpr int many = 3000;

  static void SetUpTestSuite() {
    if (!make_many("sliced.toml",
                   "problem = \"sliced\"\nseed = 5\n[data]\ntest = { file = \"spots.npy\" }\n"
                   "[make]\ngrid = [12, 12]\ntest_problems = 3000\nrepeat_pairs = true\n"
                   "[sliced]\ndirections = 16\nstarts = 2\n",
                   "problem = \"sliced\"\n"))
      return;
    const auto solved = run(solve_many("unbroken"));
    ASSERT_EQ(solved.code, 0) << solved.err;
    EXPECT_NE(solved.out.find("3000 problems, 3000 converged"), std::string::npos) << solved.out;
  }

  static Words solve_many(const std::string& output, const Words& overrides = {}) {
    return solve_words("sliced.toml", "many/test.h5", output, overrides);
  }
  static Words solve_many_into(const std::string& output) { return solve_many(output); }
};

/// Two points that are moved by (3, 4): slices see the move's projection, the largest all of it.
TEST_F(Sliced, AMoveByHand) {
  for (const auto& [name, mass] : {std::pair{"unit", 1.0}, {"small", 1e-6}, {"large", 1e6}})
    for (const auto& [cost, largest] :
         {std::pair<kernels::GroundCost, double>{kernels::SquaredEuclideanCost{}, 25},
          {kernels::EuclideanCost{}, 5}}) {
      CloudPopulation population;
      population.ground_cost = cost;
      population.dimension = 2;
      population.sources.weights.assign(4, mass / 2);
      population.sources.points = {0, 0, 1, 1, 3, 4, 4, 5};
      population.sources.offsets = {0, 2, 4};
      population.source = {0};
      population.target = {1};
      write_cloud_population(path(std::string(name) + ".h5"), population);
      const std::string output = std::string(name) + "-" + kernels::name_of(cost);
      expect_solved(solve(std::string(name) + ".h5", output,
                          {"sliced.directions=2000", "solver.threshold=1e-6"}));
      EXPECT_EQ(read_report(output)["converged"], 1);
      EXPECT_NEAR(column(output, "max_sliced")[0] / mass, largest, 1e-9);
      EXPECT_GE(column(output, "upper_bound")[0], column(output, "max_sliced")[0]);
      // The mean of <t, v>² over the circle is |v|²/2, of |<t, v>| it is 2 |v|/π; some of the
      // points are matched across where the move is short, which changes little.
      const double mean = largest == 25 ? 12.5 : 10 / 3.141592653589793;
      const double error = column(output, "sliced_error")[0];
      EXPECT_NEAR(column(output, "sliced")[0], mean * mass, 5 * error);
      EXPECT_GT(error, 0);
      const auto direction = column(output, "direction");
      EXPECT_NEAR(std::abs(0.6 * direction[0] + 0.8 * direction[1]), 1, 1e-6);
    }
}

TEST_F(Sliced, ProblemsAreTheSameOnAnyNumberOfRanks) {
  expect_the_same_on_ranks(solve_many_into);
  const auto sliced = column("unbroken", "sliced"), largest = column("unbroken", "max_sliced"),
             bound = column("unbroken", "upper_bound");
  for (std::size_t k = 0; k < sliced.size(); ++k) {
    EXPECT_GE(largest[k], sliced[k]);
    EXPECT_GE(bound[k], largest[k]);
  }
}

TEST_F(Sliced, SharesAndKillsChangeNothing) {
  expect_the_same_by_shares(solve_many_into);
  kill_one_rank(solve_many_into, "killed", SIGKILL);
  expect_solved(solve_many("killed"));
  expect_as_unbroken("killed");
}

TEST_F(Sliced, TablesAndLimits) {
  const auto table = run({"info", "--values", "unbroken/solution.h5"});
  EXPECT_EQ(count_of(table.out, "\n"), std::size_t{many + 1});
  EXPECT_NE(table.out.find("max_sliced"), std::string::npos);
  const auto result = run(solve_many("limited", {"sliced.steps=1"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_NE((result.out + result.err).find("sliced.steps, now 1"), std::string::npos) << result.err;
}

TEST_F(Sliced, MistakesAreOneLine) {
  expect_refused_on(2, solve_many("refused", {"problem.tau_a=0.9"}), "problem.tau_a",
                    "linear problems");
  expect_refused(solve_many("refused", {"solution.plan=top_k"}), "solution.plan");
  expect_refused(solve_many("refused", {"sliced.directions=1"}), "sliced.directions");
  expect_refused(solve_words("plain.toml", "many/test.h5", "refused",
                             {"problem.kind=linear", "sliced.starts=2"}),
                 "sliced.starts", "needs problem.kind");
  CloudPopulation population;
  population.ground_cost = kernels::CosineCost{};
  population.dimension = 2;
  population.sources.weights = {1, 1};
  population.sources.points = {1, 2, 3, 4};
  population.sources.offsets = {0, 1, 2};
  population.source = {0};
  population.target = {1};
  write_cloud_population(path("cosine.h5"), population);
  expect_refused(solve("cosine.h5", "refused"), "cosine.h5", "squared_euclidean");
  // Along a diagonal a slice would cost more than the transport.
  population.ground_cost = kernels::ChebyshevCost{};
  write_cloud_population(path("chebyshev.h5"), population);
  expect_refused(solve("chebyshev.h5", "refused"), "chebyshev", "manhattan");
  for (const char* command : {"train", "evaluate", "scale"})
    expect_refused({command, "sliced.toml", "--output", "refused"}, command, "sliced");
}

}  // namespace
}  // namespace otfleet
