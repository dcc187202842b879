// Barycenters as a user solves them: job file, ranks, kills, mistakes.
#include <signal.h>

#include <chrono>
#include <thread>

#include "tests/cli/spots.hpp"
#include "tests/src/barycenter_files.hpp"

namespace otfleet {
namespace {

using testing::BarycenterFile;
using testing::count_of;
using testing::StartedProgram;
using testing::Words;
using testing::write_bytes;

class Barycenters : public testing::Spots {
 protected:
  static constexpr int many = 400;

  static void SetUpTestSuite() {
    if (make_many("barycenters.toml",
                  "problem = \"barycenter\"\nseed = 5\n"
                  "[data]\ntest = { file = \"spots.npy\" }\n"
                  "[make]\ntest_problems = 400\n"
                  "[barycenter]\nfewest_measures = 1\nmost_measures = 20\nweights = \"random\"\n"
                  "[solver]\nthreshold = 1e-8\nmax_iterations = 100000\n",
                  "problem = \"barycenter\"\n"))
      solve_unbroken(solve_many("unbroken"), many);
  }

  static Words solve_many(const std::string& output) {
    return solve("many/test.h5", output,
                 {"problem.epsilon=2e-3", "solver.threshold=1e-8", "solver.max_iterations=100000",
                  "solver.checkpoint_seconds=0"});
  }
};

TEST_F(Barycenters, TwoGaussiansOnFifteenBins) {
  testing::two_gaussians().write(path("gaussians.h5"));
  for (const auto& [epsilon, mean, deviation] :
       {std::tuple{"1e-2", 8.174, 2.162}, std::tuple{"1e-3", 8.047, 1.947}}) {
    const std::string output = std::string("gaussians-") + epsilon;
    expect_solved(solve("gaussians.h5", output,
                        {std::string("problem.epsilon=") + epsilon, "solver.threshold=1e-9",
                         "solver.max_iterations=100000"}));
    EXPECT_EQ(read_report(output)["converged"], 1);
    EXPECT_NEAR(column(output, "mass")[0], 1, 1e-9);
    const auto weights = column(output, "weights");
    ASSERT_EQ(weights.size(), 15u);
    double mass = 0, first = 0, second = 0;
    for (int i = 0; i < 15; ++i) {
      mass += weights[i];
      first += i * weights[i];
      second += i * i * weights[i];
    }
    EXPECT_NEAR(mass, 1, 1e-9);
    EXPECT_NEAR(first, mean, 6e-4);
    EXPECT_NEAR(std::sqrt(second - first * first), deviation, 6e-4);
    // Weighted potentials add up to 0.
    const auto f = column(output, "f");
    ASSERT_EQ(f.size(), 30u);
    for (int i = 0; i < 15; ++i) EXPECT_NEAR(0.3 * f[i] + 0.7 * f[15 + i], 0, 1e-9);
  }
}

TEST_F(Barycenters, OfDiracsDebiasedADirac) {
  BarycenterFile file;
  std::vector<double> axis;
  for (int i = 0; i < 20; ++i) axis.push_back(i / 19.0);
  file.axes = {axis, axis};
  file.m = 400;
  file.weights.assign(800, 0.0);
  file.weights[4 * 20 + 6] = file.weights[400 + 12 * 20 + 16] = 1;
  file.offsets = {0, 2};
  file.measures = {0, 1};
  file.write(path("diracs.h5"));
  const Words settings = {"problem.epsilon=2e-3", "solver.threshold=1e-4",
                          "solver.max_iterations=100000"};
  auto debiased = settings;
  debiased.emplace_back("barycenter.debiased=true");
  expect_solved(solve("diracs.h5", "diracs", debiased));
  EXPECT_EQ(read_report("diracs")["converged"], 1);
  EXPECT_GT(column("diracs", "weights")[8 * 20 + 11], 0.99);
  EXPECT_TRUE(std::isnan(column("diracs", "dual_value")[0]));
  expect_solved(solve("diracs.h5", "blurred", settings));
  EXPECT_LT(column("blurred", "weights")[8 * 20 + 11], 0.5);
}

TEST_F(Barycenters, PointsAreSolvedAsTheirCosts) {
  BarycenterFile points = testing::two_gaussians(), dense = points;
  points.geometry = "points";
  points.cost.clear();
  for (int i = 0; i < 15; ++i) points.points.push_back(i / 14.0);
  points.write(path("points.h5"));
  dense.write(path("dense.h5"));
  const Words settings = {"problem.epsilon=0.05", "problem.epsilon_relative=mean",
                          "solver.threshold=1e-10"};
  expect_solved(solve("points.h5", "points", settings));
  expect_solved(solve("dense.h5", "dense", settings));
  EXPECT_NEAR(read_report("points")["epsilon"]["absolute"].get<double>(),
              read_report("dense")["epsilon"]["absolute"].get<double>(), 1e-12);
  const auto from_points = column("points", "weights"), from_dense = column("dense", "weights");
  for (std::size_t i = 0; i < 15; ++i) EXPECT_NEAR(from_points[i], from_dense[i], 1e-9);
}

TEST_F(Barycenters, RaggedProblemsAreTheSameOnAnyNumberOfRanks) {
  expect_the_same_on_ranks(solve_many);
  const auto offsets =
      distributed::Hdf5File::open(path("many/test.h5")).read<std::int64_t>("/problems/offsets");
  EXPECT_EQ(column<std::int64_t>("unbroken", "measure_offsets"), offsets);
  EXPECT_EQ(column("unbroken", "f").size(), static_cast<std::size_t>(144 * offsets.back()));
  for (const double mass : column("unbroken", "mass")) EXPECT_NEAR(mass, 1, 1e-7);
}

TEST_F(Barycenters, KilledTheyGoOnAndAreTheSame) {
  for (const int signal : {SIGKILL, SIGTERM}) {
    const auto output = "killed" + std::to_string(signal);
    const auto result = kill_one_rank(solve_many, output, signal);
    ASSERT_EQ(result.code == 75, signal == SIGTERM) << result.err;
    ASSERT_FALSE(std::filesystem::exists(path(output) / "solution.h5")) << "too fast to be killed";
    const auto resumed = run(solve_many(output), 3);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_GT(read_report(output)["solved_before"], 0);
    expect_as_unbroken(output);
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.parts"));
  }
}

TEST_F(Barycenters, OneThatTakesLongGoesOnFromItsPotentials) {
  for (const bool debiased : {false, true}) {
    const std::string output = debiased ? "long-debiased" : "long";
    const auto words = [&](const std::string& to, int iterations) {
      return solve(
          "one.h5", to,
          {"problem.epsilon=1e-5", "solver.threshold=1e-300", "solver.acceleration=none",
           "solver.max_iterations=" + std::to_string(iterations), "solver.checkpoint_seconds=1",
           std::string("barycenter.debiased=") + (debiased ? "true" : "false")});
    };
    Words one = {"make",  "barycenters.toml",     "--output", "one-problem",
                 "--set", "make.test_problems=1", "--set",    "barycenter.fewest_measures=20"};
    ASSERT_EQ(run(one).code, 0);
    std::filesystem::copy_file(path("one-problem/test.h5"), path("one.h5"),
                               std::filesystem::copy_options::overwrite_existing);
    ASSERT_EQ(run(words("few-" + output, 500)).code, 0);
    const double seconds = read_report("few-" + output)["seconds"]["iterate"];
    const int iterations = static_cast<int>(500 * 6 / std::max(seconds, 1e-3));
    Words command = words(output, iterations);
    command.insert(command.begin(), OTFLEET_PROGRAM);
    StartedProgram program(command, folder_->path());
    while (program.running() && !left_part(output, "potentials-"))
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    program.send(SIGTERM);
    const auto ended = program.wait();
    ASSERT_EQ(ended.code, 75) << ended.err;
    const auto resumed = run(words(output, iterations));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    // What was made before counts, and is not made again.
    EXPECT_EQ(column<std::int32_t>(output, "iterations")[0], iterations);
    ASSERT_EQ(run(words("whole-" + output, iterations)).code, 0);
    const auto broken = column(output, "weights"), whole = column("whole-" + output, "weights");
    for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(broken[i], whole[i], 1e-9);
  }
}

TEST_F(Barycenters, PenaltiesLetMassesDiffer) {
  auto file = testing::two_gaussians();
  for (int i = 0; i < 15; ++i) file.weights[i] *= 3;
  file.write(path("masses.h5"));
  expect_refused(solve("masses.h5", "refused", {"problem.epsilon=1e-2"}),
                 "masses.h5: problem 0 has masses that differ");
  expect_solved(solve("masses.h5", "masses",
                      {"problem.epsilon=1e-2", "problem.tau_a=0.9", "problem.tau_b=0.9"}));
  const double mass = column("masses", "mass")[0];
  EXPECT_GT(mass, 1);
  EXPECT_LT(mass, 3);
  expect_solved(
      solve("masses.h5", "normalized", {"problem.epsilon=1e-2", "solver.normalize=true"}));
  EXPECT_NEAR(column("normalized", "mass")[0], 1, 1e-6);
}

TEST_F(Barycenters, InfoAndTables) {
  const auto population = run({"info", "many/test.h5"});
  EXPECT_EQ(population.code, 0);
  for (const char* part : {"geometry: grid [12, 12], n = 144, m = 144", "measures: 40",
                           "problems: 400, barycenters", "20 at most"})
    EXPECT_NE(population.out.find(part), std::string::npos) << population.out;
  const auto solution = run({"info", "unbroken/solution.h5"});
  for (const char* part :
       {"status 0 (converged): 400", "largest residual: ", "the barycenter, at every source point"})
    EXPECT_NE(solution.out.find(part), std::string::npos) << solution.out;
  const auto table = run({"info", "--values", "unbroken/solution.h5"});
  EXPECT_EQ(table.out.rfind("problem,status,dual_value,iterations,mass,residual\n", 0), 0u)
      << table.out.substr(0, 200);
  EXPECT_EQ(count_of(table.out, "\n"), std::size_t{many + 1});
  expect_solved(solve("many/test.h5", "figures",
                      {"problem.epsilon=1e-1", "solution.potentials=false", "solution.csv=true"}));
  EXPECT_FALSE(distributed::Hdf5File::open(path("figures/solution.h5")).has("/solution/f"));
  EXPECT_TRUE(std::filesystem::exists(path("figures/solution.csv")));
}

TEST_F(Barycenters, MistakesAreOneLine) {
  for (const char* command : {"train", "evaluate", "scale"})
    expect_refused({command, "plain.toml", "--output", "refused"},
                   std::string("otfleet ") + command, "not for problem = 'barycenter'");
  expect_refused_on(2, solve("many/test.h5", "refused", {"problem.tau_a=0.9"}), "problem.tau_b",
                    "must be equal");
  expect_refused(solve("many/test.h5", "refused", {"problem.geometry=dense"}), "problem.geometry",
                 "says otherwise");
  auto file = testing::two_gaussians();
  file.cost[1] = 0.5;
  file.write(path("asymmetric.h5"));
  expect_refused_on(
      2, solve("asymmetric.h5", "refused", {"problem.epsilon=1e-2", "barycenter.debiased=true"}),
      "asymmetric.h5: /geometry: barycenter.debiased = true", "symmetric");
  file.cost[1] = INFINITY;
  file.write(path("forbidden.h5"));
  expect_refused(solve("forbidden.h5", "refused", {"problem.epsilon=1e-2"}),
                 "forbidden.h5: /geometry/cost forbids entries");
  // Of pairs.
  write_bytes(path("pairs.toml"), "[problem]\nepsilon = 0.1\n");
  expect_refused(
      {"solve", "pairs.toml", "--output", "refused", "--set", "files.test_population=many/test.h5"},
      "many/test.h5", "set problem = 'barycenter'");
  expect_refused(
      {"solve", "pairs.toml", "--output", "refused", "--set", "barycenter.debiased=true"},
      "barycenter.debiased needs problem = 'barycenter'");
}

}  // namespace
}  // namespace otfleet
