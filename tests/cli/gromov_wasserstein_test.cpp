// Gromov–Wasserstein problems as a user solves them: job file, ranks, shares, kills, mistakes.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "src/populations/cloud_population.hpp"
#include "tests/cli/spots.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::StartedProgram;
using testing::Words;

class GromovWasserstein : public testing::Spots {
 protected:
  static constexpr int many = 120;

  static void SetUpTestSuite() {
    if (!make_many("shapes.toml",
                   "problem = \"gromov_wasserstein\"\nseed = 5\n"
                   "[data]\ntest = { file = \"spots.npy\" }\n"
                   "[make]\ngrid = [12, 12]\ntest_problems = 120\n"
                   "[gromov_wasserstein]\nstarts = 2\n"
                   "[solver]\nthreshold = 1e-3\ncheckpoint_seconds = 0\n"
                   "[solution]\nplan = \"threshold\"\nprojection = true\n",
                   "problem = \"gromov_wasserstein\"\n"))
      return;
    const auto solved = run(solve_many("unbroken"));
    ASSERT_EQ(solved.code, 0) << solved.err;
    EXPECT_NE(solved.out.find("120 problems, 120 converged"), std::string::npos) << solved.out;
  }

  static Words solve_many(const std::string& output, const Words& overrides = {}) {
    return solve_words("shapes.toml", "many/test.h5", output, overrides);
  }
  static Words solve_many_into(const std::string& output) { return solve_many(output); }

  /// Three matrices of five nodes.
  static void write_graphs(const std::string& file, const std::vector<std::int32_t>& steps) {
    testing::write_bytes(
        path(file), testing::npy("{'descr': '<i4', 'fortran_order': False, 'shape': (3, 5, 5), }",
                                 testing::bytes_of(steps)));
  }

  /// Problems of points on a line, with masses: the first measure with the second, and so on.
  static CloudPopulation on_a_line(const std::vector<std::vector<double>>& points, double mass,
                                   const kernels::GroundCost& cost) {
    CloudPopulation population;
    population.ground_cost = cost;
    population.dimension = 1;
    auto& table = population.sources;
    for (const auto& one : points) {
      for (const double x : one) {
        table.points.push_back(x);
        table.weights.push_back(mass / static_cast<double>(one.size()));
      }
      table.offsets.push_back(static_cast<std::int64_t>(table.points.size()));
    }
    for (int k = 0; k + 1 < table.count(); k += 2) {
      population.source.push_back(k);
      population.target.push_back(k + 1);
    }
    return population;
  }
};

/// Three points against two: the distortion of the plan is known, and scales with the squared mass.
TEST_F(GromovWasserstein, SpacesByHand) {
  for (const auto& [name, mass] : {std::pair{"unit", 1.0}, {"small", 1e-6}, {"large", 1e6}}) {
    // The same distances mirrored; a point; a distance of 1 and one of 3.
    write_cloud_population(path(std::string(name) + ".h5"),
                           on_a_line({{0, 1, 3}, {13, 12, 10}, {5}, {0, 4}, {0, 1}, {7, 10}}, mass,
                                     kernels::EuclideanCost{}));
    expect_solved(solve(std::string(name) + ".h5", name,
                        {"problem.epsilon=1e-3", "solver.threshold=1e-9", "solution.plan=top_k",
                         "solution.projection=true"}));
    EXPECT_EQ(read_report(name)["converged"], 3);
    const auto cost = column(name, "transport_cost"), upper = column(name, "upper_bound"),
               lower = column(name, "lower_bound");
    const double unit = mass * mass;
    EXPECT_NEAR(cost[0] / unit, 0, 1e-6);
    EXPECT_GE(cost[0], 0);
    EXPECT_NEAR(cost[1] / unit, 0.5 * 16, 1e-9);
    // Any plan has half of its mass on pairs of pairs that are 1 and 3 apart, or more.
    EXPECT_NEAR(cost[2] / unit, 0.5 * 4, 1e-6);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_LE(lower[k], cost[k]);
      EXPECT_GE(upper[k], cost[k]);
    }
    const auto projection = column(name, "projection");
    ASSERT_EQ(projection.size(), 6u);
    EXPECT_NEAR(projection[0], 13, 1e-6);
    EXPECT_NEAR(projection[1], 12, 1e-6);
    EXPECT_NEAR(projection[2], 10, 1e-6);
    EXPECT_NEAR(projection[3], 2, 1e-9);
    const auto file = distributed::Hdf5File::open(path(name) / "solution.h5");
    EXPECT_EQ(file.read<std::int64_t>("/plan/columns")[1], 1);
    EXPECT_NEAR(file.read<double>("/plan/values")[1], mass / 3, 1e-6 * mass);
  }
}

TEST_F(GromovWasserstein, ProblemsAreTheSameOnAnyNumberOfRanks) {
  expect_the_same_on_ranks(solve_many_into);
  const auto cost = column("unbroken", "transport_cost"), upper = column("unbroken", "upper_bound"),
             lower = column("unbroken", "lower_bound");
  for (std::size_t k = 0; k < cost.size(); ++k) {
    EXPECT_GE(cost[k], 0);
    EXPECT_LE(lower[k], upper[k]);
    EXPECT_LE(cost[k], upper[k]);
  }
  // A plan has all of the mass, and rows of a plan that keeps small entries hold nearly all of it.
  const auto file = distributed::Hdf5File::open(path("unbroken/solution.h5"));
  for (const double kept : file.read<double>("/plan/kept_mass")) EXPECT_GT(kept, 0.9);
}

TEST_F(GromovWasserstein, SharesAndKillsChangeNothing) {
  expect_the_same_by_shares(solve_many_into);
  expect_the_same_after_kills(solve_many_into);
}

/// One long problem that is interrupted goes on from its plan.
TEST_F(GromovWasserstein, OneThatTakesLongGoesOnFromItsPlan) {
  std::vector<std::vector<double>> points(2);
  for (int i = 0; i < 260; ++i)
    for (int side = 0; side < 2; ++side)
      points[static_cast<std::size_t>(side)].push_back(std::sin(1.7 * i * i + side) +
                                                       0.3 * side * std::cos(3.0 * i));
  write_cloud_population(path("long.h5"), on_a_line(points, 1, kernels::EuclideanCost{}));
  const auto words = [&](const std::string& output, int limit) {
    return solve("long.h5", output,
                 {"problem.epsilon=1e-2", "solver.threshold=1e-300", "solver.checkpoint_seconds=1",
                  "solver.max_iterations=" + std::to_string(limit)});
  };
  expect_solved(words("few", 40));
  const double seconds = read_report("few")["seconds"]["iterate"];
  const int limit = static_cast<int>(40 * 2 / std::max(seconds, 1e-3));
  Words command = words("long", limit);
  command.insert(command.begin(), OTFLEET_PROGRAM);
  StartedProgram program(command, folder_->path());
  while (program.running() && !left_part("long", "potentials-"))
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.send(SIGTERM);
  const auto ended = program.wait();
  ASSERT_EQ(ended.code, 75) << ended.err;
  expect_solved(words("long", limit));
  // What was made before counts, and is not made again.
  EXPECT_EQ(column<std::int32_t>("long", "iterations")[0], limit);
  expect_solved(words("whole", limit));
  EXPECT_NEAR(column("long", "transport_cost")[0], column("whole", "transport_cost")[0], 1e-6);
}

/// Points that differ in their last coordinate alone are told apart by it.
TEST_F(GromovWasserstein, FeaturesDecideWhatDistancesLeaveOpen) {
  auto population =
      on_a_line({{0, 0, 1, 0, 0, 1}, {0, 1, 1, 0, 0, 0}}, 1, kernels::SquaredEuclideanCost{});
  population.dimension = 2;
  for (auto& offset : population.sources.offsets) offset /= 2;
  population.sources.weights.assign(6, 1.0 / 3);
  write_cloud_population(path("features.h5"), population);
  expect_solved(
      solve("features.h5", "features",
            {"gromov_wasserstein.features=1", "gromov_wasserstein.alpha=0.5",
             "problem.epsilon=1e-3", "solution.projection=true", "solver.threshold=1e-9"}));
  // Of the two points at 0 each finds the one with its feature; distances alone leave that open.
  EXPECT_NEAR(column("features", "transport_cost")[0], 0, 1e-6);
  const auto projection = column("features", "projection");
  const double expected[] = {0, 0, 1, 0, 0, 1};
  ASSERT_EQ(projection.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(projection[i], expected[i], 1e-3);
  const auto result = run(solve("features.h5", "none", {"gromov_wasserstein.features=2"}));
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("points have 2 coordinates"), std::string::npos) << result.err;
}

/// Graphs: numbers of steps between their nodes, as integers. A path and the same path with its
/// nodes in another order are at no distance, a path and a star are at one.
TEST_F(GromovWasserstein, SpacesMayBeMatrices) {
  const auto path_graph = [](const std::vector<int>& order) {
    std::vector<std::int32_t> steps;
    for (const int i : order)
      for (const int k : order) steps.push_back(std::abs(i - k));
    return steps;
  };
  std::vector<std::int32_t> graphs = path_graph({0, 1, 2, 3, 4});
  const auto shuffled = path_graph({3, 0, 4, 2, 1});
  graphs.insert(graphs.end(), shuffled.begin(), shuffled.end());
  for (int i = 0; i < 5; ++i)
    for (int k = 0; k < 5; ++k) graphs.push_back(i == k ? 0 : (i == 0 || k == 0 ? 1 : 2));
  write_graphs("graphs.npy", graphs);
  testing::write_bytes(path("graphs.toml"),
                       "problem.kind = \"gromov_wasserstein\"\nproblem.geometry = \"dense\"\n"
                       "[data]\ntest = { file = \"graphs.npy\" }\n[make]\npairs.kind = \"all\"\n");
  expect_solved({"make", "graphs.toml", "--output", "graphs"});
  expect_solved(solve("graphs/test.h5", "graph-plans",
                      {"problem.epsilon=1e-2", "solver.threshold=1e-9", "solution.plan=top_k",
                       "gromov_wasserstein.starts=3"}));
  const auto file = distributed::Hdf5File::open(path("graph-plans/solution.h5"));
  const auto source = file.read<std::int32_t>("/problems/source"),
             target = file.read<std::int32_t>("/problems/target");
  const auto cost = column("graph-plans", "transport_cost"),
             lower = column("graph-plans", "lower_bound");
  ASSERT_EQ(cost.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_GE(cost[k], 0);
    EXPECT_LE(lower[k], cost[k]);
    const bool alike = source[k] + target[k] == 1;
    if (alike)
      EXPECT_NEAR(cost[k], 0, 1e-6);
    else
      EXPECT_GT(lower[k], 0.1);
  }
  const auto info = run({"info", "graphs/test.h5"});
  EXPECT_NE(info.out.find("costs within each space"), std::string::npos) << info.out;
  expect_refused(solve("graphs/test.h5", "refused", {"solution.projection=true"}),
                 "solution.projection", "solution.plan");
  expect_refused(solve("graphs/test.h5", "refused", {"problem.cost=euclidean"}), "problem.cost",
                 "graphs/test.h5");
  graphs[1] = 7;
  write_graphs("crooked.npy", graphs);
  expect_refused(
      {"make", "graphs.toml", "--output", "refused", "--set", "data.test.file=crooked.npy"},
      "space 0", "symmetric");
  expect_refused(solve_words("plain.toml", "graphs/test.h5", "refused", {"problem.kind=linear"}),
                 "gromov_wasserstein");
}

TEST_F(GromovWasserstein, InfoAndTables) {
  const auto solution = run({"info", "unbroken/solution.h5"});
  for (const char* part : {"status 0 (converged): 120", "largest residual: "})
    EXPECT_NE(solution.out.find(part), std::string::npos) << solution.out;
  const auto table = run({"info", "--values", "unbroken/solution.h5"});
  EXPECT_EQ(count_of(table.out, "\n"), std::size_t{many + 1});
  EXPECT_NE(table.out.find("inner_iterations"), std::string::npos);
  const auto report = read_report("unbroken");
  EXPECT_EQ(report["starts"], 2);
  EXPECT_GT(report["max_relative_gap"], 0);
  const auto page = run({"report", "unbroken"});
  EXPECT_EQ(page.code, 0) << page.err;
}

TEST_F(GromovWasserstein, LimitsAreReported) {
  const auto result = run(solve_many("limited", {"solver.max_iterations=1"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_NE((result.out + result.err).find("solver.max_iterations, now 1"), std::string::npos)
      << result.err;
  auto strict = solve_many("strict", {"solver.max_iterations=1"});
  strict.emplace_back("--strict");
  EXPECT_EQ(run(strict).code, 3);
}

TEST_F(GromovWasserstein, MistakesAreOneLine) {
  expect_refused_on(2, solve_many("refused", {"problem.tau_a=0.9"}), "problem.tau_a", "linear");
  expect_refused(solve_many("refused", {"solver.method=newton"}), "solver.method", "auto");
  expect_refused(solve_many("refused", {"solution.potentials=true"}), "solution.potentials",
                 "solution.plan");
  expect_refused(solve_many("refused", {"gromov_wasserstein.alpha=0"}), "gromov_wasserstein.alpha");
  expect_refused(solve_many("refused", {"gromov_wasserstein.alpha=0.5"}),
                 "gromov_wasserstein.features");
  expect_refused(solve_many("refused", {"problem.epsilon=1e-30"}), "many/test.h5", "too small");
  expect_refused(solve_words("plain.toml", "many/test.h5", "refused",
                             {"problem.kind=linear", "gromov_wasserstein.starts=2"}),
                 "gromov_wasserstein.starts", "needs problem.kind");
  expect_refused({"make", "shapes.toml", "--output", "grid", "--set", "problem.geometry=grid"},
                 "problem.geometry", "clouds");
  for (const char* command : {"train", "evaluate", "scale"})
    expect_refused({command, "shapes.toml", "--output", "refused"}, command, "gromov_wasserstein");
}

}  // namespace
}  // namespace otfleet
