// Barycenters with free support as a user solves them: job file, ranks, kills, mistakes.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "tests/cli/spots.hpp"
#include "tests/src/free_support_files.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::FreeSupportFile;
using testing::StartedProgram;
using testing::Words;
using testing::write_bytes;

class FreeSupports : public testing::Spots {
 protected:
  static constexpr int many = 150;

  static void SetUpTestSuite() {
    if (make_many(
            "free.toml",
            "seed = 5\n[problem]\nkind = \"barycenter\"\ngeometry = \"clouds\"\nepsilon = 5e-3\n"
            "[data]\ntest = { file = \"spots.npy\" }\n"
            "[make]\ntest_problems = 150\n"
            "[barycenter]\nsupport = \"free\"\npoints = 30\nfewest_measures = 1\n"
            "most_measures = 9\nweights = \"random\"\n"
            "[solver]\nthreshold = 1e-6\nmax_iterations = 100000\ncheckpoint_seconds = 0\n",
            "problem = \"barycenter\"\nbarycenter.support = \"free\"\n"))
      solve_unbroken(solve_many("unbroken"), many);
  }

  static Words solve_many(const std::string& output, const Words& overrides = {}) {
    return solve_words("free.toml", "many/test.h5", output, overrides);
  }
  static Words solve_many_into(const std::string& output) { return solve_many(output); }
};

TEST_F(FreeSupports, OnALineQuantilesAreAveraged) {
  FreeSupportFile file;
  std::vector<std::vector<double>> measures = {{0, 1, 3, 4}, {12, 10, 15, 11}};
  for (const auto& one : measures) file.add_measure(one, 2);
  file.add_problem({0, 1});
  file.mean_weights = {1, 3};
  file.write(path("line.h5"));
  expect_solved(solve("line.h5", "line",
                      {"barycenter.points=4", "problem.epsilon=1e-2", "solver.threshold=1e-9",
                       "barycenter.point_threshold=1e-6", "solver.max_iterations=1000000"}));
  EXPECT_EQ(read_report("line")["converged"], 1);
  auto points = column("line", "points");
  std::sort(points.begin(), points.end());
  const double expected[] = {7.5, 8.5, 9.75, 12.25};
  double cost = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(points[i], expected[i], 1e-4);
    std::sort(measures[1].begin(), measures[1].end());
    cost += 2 * 0.25 * 0.1875 * std::pow(measures[0][i] - measures[1][i], 2);
  }
  // Mass 2: weights of 0.5 a point.
  for (const double weight : column("line", "weights")) EXPECT_NEAR(weight, 0.5, 1e-12);
  EXPECT_NEAR(column("line", "transport_cost")[0], cost, 1e-3);
  EXPECT_LE(column("line", "lower_bound")[0], cost);
  EXPECT_GE(column("line", "upper_bound")[0], cost);
  EXPECT_LE(column("line", "marginal_error")[0], 1e-9);
  EXPECT_LE(column("line", "residual")[0], 1e-6);
  EXPECT_GE(column<std::int32_t>("line", "moves")[0], 1);
  EXPECT_EQ(column("line", "f").size(), 8u);
}

TEST_F(FreeSupports, PointsAndWeightsMayBeTheUsers) {
  FreeSupportFile file;
  file.dimension = 2;
  file.add_measure({0, 0, 2, 0, 0, 2, 2, 2});
  file.add_problem({0});
  file.add_problem({0});
  file.n = 2;
  file.start = {-1, 1, 3, 1, 0, 0, 0, 0};
  file.support = {1, 1, 1, 3};
  file.write(path("own.h5"));
  expect_solved(solve("own.h5", "own",
                      {"problem.epsilon=1e-2", "solver.threshold=1e-9",
                       "barycenter.point_threshold=1e-9", "solver.max_iterations=1000000"}));
  const auto points = column("own", "points");
  const double expected[] = {0, 1, 2, 1, 1, 1, 1, 1};  // equal points stay equal
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(points[i], expected[i], 1e-6);
  EXPECT_EQ(column("own", "weights"), (std::vector<double>{0.5, 0.5, 0.25, 0.75}));
}

TEST_F(FreeSupports, RaggedProblemsAreTheSameOnAnyNumberOfRanks) {
  expect_the_same_on_ranks(solve_many_into);
  const auto file = distributed::Hdf5File::open(path("many/test.h5"));
  EXPECT_EQ(column<std::int64_t>("unbroken", "measure_offsets"),
            file.read<std::int64_t>("/problems/offsets"));
  EXPECT_EQ(column("unbroken", "points").size(), static_cast<std::size_t>(many * 30 * 2));
  for (const double residual : column("unbroken", "residual")) EXPECT_LE(residual, 1e-3);
  for (const double error : column("unbroken", "marginal_error")) EXPECT_LE(error, 1e-6);
}

TEST_F(FreeSupports, KilledTheyGoOnAndAreTheSame) {
  for (const int signal : {SIGKILL, SIGTERM}) {
    const auto output = "killed" + std::to_string(signal);
    const auto result = kill_one_rank(solve_many_into, output, signal);
    ASSERT_EQ(result.code == 75, signal == SIGTERM) << result.err;
    ASSERT_FALSE(std::filesystem::exists(path(output) / "solution.h5")) << "too fast to be killed";
    expect_solved(solve_many(output));
    EXPECT_GT(read_report(output)["solved_before"], 0);
    expect_as_unbroken(output);
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.parts"));
  }
}

TEST_F(FreeSupports, OneThatTakesLongGoesOnFromItsPoints) {
  Words one = {"make",     "free.toml",
               "--output", "one-problem",
               "--set",    "make.test_problems=1",
               "--set",    "barycenter.fewest_measures=9"};
  expect_solved(one);
  const auto words = [&](const std::string& to, int moves) {
    return solve_many(
        to, {"files.test_population=one-problem/test.h5", "barycenter.point_threshold=1e-300",
             "solver.checkpoint_seconds=1", "barycenter.max_moves=" + std::to_string(moves)});
  };
  expect_solved(words("few", 500));
  const double seconds = read_report("few")["seconds"]["iterate"];
  const int moves = static_cast<int>(500 * 4 / std::max(seconds, 1e-3));
  Words command = words("long", moves);
  command.insert(command.begin(), OTFLEET_PROGRAM);
  StartedProgram program(command, folder_->path());
  while (program.running() && !left_part("long", "potentials-"))
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.send(SIGTERM);
  const auto ended = program.wait();
  ASSERT_EQ(ended.code, 75) << ended.err;
  expect_solved(words("long", moves));
  // What was made before counts, and is not made again.
  EXPECT_EQ(column<std::int32_t>("long", "moves")[0], moves);
  expect_solved(words("whole", moves));
  const auto broken = column("long", "points"), whole = column("whole", "points");
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(broken[i], whole[i], 1e-6);
}

TEST_F(FreeSupports, LimitsAreReported) {
  const auto result = run(solve_many("limited", {"barycenter.max_moves=2"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_NE((result.out + result.err).find("barycenter.max_moves, now 2"), std::string::npos)
      << result.err;
  auto strict = solve_many("strict", {"barycenter.max_moves=2"});
  strict.emplace_back("--strict");
  EXPECT_EQ(run(strict).code, 3);
}

TEST_F(FreeSupports, InfoAndTables) {
  const auto population = run({"info", "many/test.h5"});
  EXPECT_EQ(population.code, 0);
  for (const char* part :
       {"geometry: clouds, cost squared_euclidean, 2 coordinates",
        "measures: 40, points of a measure: ", "problems: 150, barycenters", "9 at most"})
    EXPECT_NE(population.out.find(part), std::string::npos) << population.out;
  const auto solution = run({"info", "unbroken/solution.h5"});
  for (const char* part : {"status 0 (converged): 150", "largest residual: ",
                           "largest marginal error: ", "the barycenter's points [coordinates]"})
    EXPECT_NE(solution.out.find(part), std::string::npos) << solution.out;
  const auto table = run({"info", "--values", "unbroken/solution.h5"});
  EXPECT_EQ(table.out.rfind("problem,status,dual_value,iterations,lower_bound,marginal_error,moves,"
                            "residual,transport_cost,upper_bound\n",
                            0),
            0u)
      << table.out.substr(0, 200);
  EXPECT_EQ(count_of(table.out, "\n"), std::size_t{many + 1});
  expect_solved(solve_many("figures", {"solution.potentials=false", "barycenter.max_moves=1"}));
  EXPECT_FALSE(distributed::Hdf5File::open(path("figures/solution.h5")).has("/solution/f"));
}

TEST_F(FreeSupports, MistakesAreOneLine) {
  expect_refused_on(2, solve_many("refused", {"problem.tau_a=0.9"}), "problem.tau_a",
                    "fixed support");
  expect_refused(solve_many("refused", {"barycenter.debiased=true"}), "barycenter.debiased",
                 "fixed support");
  expect_refused(solve_many("refused", {"barycenter.support=fixed"}), "needs barycenter.support");
  expect_refused(solve_many("refused", {"problem.cost=euclidean"}), "problem.cost = 'euclidean'",
                 "points move to means");
  expect_refused(solve_many("refused", {"problem.epsilon=1e-30"}), "many/test.h5", "problem 0",
                 "too small");
  FreeSupportFile file;
  file.add_measure({0, 1});
  file.add_problem({0});
  file.points[1] = NAN;
  file.write(path("nan.h5"));
  expect_refused_on(2, solve("nan.h5", "refused"), "nan.h5: /measures/points measure 0",
                    "coordinate nan");
  file.points[1] = 1;
  file.cost = "manhattan";
  file.write(path("manhattan.h5"));
  expect_refused(solve("manhattan.h5", "refused"), "manhattan.h5", "must be 'squared_euclidean'");
  write_bytes(path("fixed.toml"), "problem = \"barycenter\"\n");
  expect_refused(
      {"solve", "fixed.toml", "--output", "refused", "--set", "files.test_population=many/test.h5"},
      "many/test.h5", "barycenter.support = 'free'");
  expect_refused({"solve", "fixed.toml", "--output", "refused", "--set", "barycenter.points=3"},
                 "barycenter.points needs barycenter.support = 'free'");
}

}  // namespace
}  // namespace otfleet
