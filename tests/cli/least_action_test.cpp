// Paths of least action as a user finds them: job file, ranks, kills, grids, cost matrices.
#include "tests/cli/least_action.hpp"

#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "tests/src/same_solutions.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::count_of;
using testing::first_of;
using testing::half_square;
using testing::LeastAction;
using testing::LeastActionCosts;
using testing::read_bytes;
using testing::StartedProgram;
using testing::strip;
using testing::Values;
using testing::Words;

/// Lagrangian box with its usual parameters.
double box_barrier(double x, double y) {
  const auto inside = [](double at) {
    const auto sigmoid = [](double value) { return 1 / (1 + std::exp(-value)); };
    return sigmoid((at + 0.5) / 0.01) - sigmoid((at - 0.5) / 0.01);
  };
  return 3.61 * inside(x) * inside(y);
}

/// The natural cubic spline through equally spaced nodes [count, 2], at a time from 0 to 1.
class NaturalSpline {
 public:
  NaturalSpline(const double* nodes, std::size_t count) : nodes_(nodes), count_(count) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      Values share(count, 0.0);
      bends_[axis].assign(count, 0.0);
      for (std::size_t i = 1; i + 1 < count; ++i) {
        share[i] = 1 / (4 - share[i - 1]);
        const double here = node(i - 1, axis) - 2 * node(i, axis) + node(i + 1, axis);
        bends_[axis][i] = share[i] * (6 * here - bends_[axis][i - 1]);
      }
      for (std::size_t i = count - 2; i > 0; --i) bends_[axis][i] -= share[i] * bends_[axis][i + 1];
    }
  }

  double at(double time, std::size_t axis) const {
    const double place = time * static_cast<double>(count_ - 1);
    const std::size_t cell = std::min(static_cast<std::size_t>(place), count_ - 2);
    const double b = place - static_cast<double>(cell), a = 1 - b;
    return a * node(cell, axis) + b * node(cell + 1, axis) +
           ((a * a * a - a) * bends_[axis][cell] + (b * b * b - b) * bends_[axis][cell + 1]) / 6;
  }

  /// ∫ ½ |γ'|² + barrier(γ) dt over equal steps, every step at its middle.
  double action(std::size_t steps, const std::function<double(double, double)>& barrier) const {
    const auto count = static_cast<double>(steps);
    double sum = 0;
    for (std::size_t k = 0; k < steps; ++k) {
      const double from = static_cast<double>(k) / count, to = static_cast<double>(k + 1) / count;
      const double before[2] = {at(from, 0), at(from, 1)}, after[2] = {at(to, 0), at(to, 1)};
      sum += count * half_square(before, after, 2) +
             barrier((before[0] + after[0]) / 2, (before[1] + after[1]) / 2) / count;
    }
    return sum;
  }

 private:
  double node(std::size_t i, std::size_t axis) const { return nodes_[2 * i + axis]; }

  const double* nodes_;
  std::size_t count_;
  Values bends_[2];  ///< second derivatives, in steps of time
};

TEST_F(LeastAction, PathsAreTheSameOnAnyNumberOfRanks) {
  for (const int ranks : {2, 4}) {
    const auto output = "ranks" + std::to_string(ranks);
    expect_solved(solve(output), ranks);
    testing::expect_same_solutions(path(output) / "solution.h5", path("one/solution.h5"));
    EXPECT_EQ(read_report(output)["ranks"], ranks);
  }
}

TEST_F(LeastAction, ColumnsSayWhatTheyMean) {
  EXPECT_EQ(shape_of("one", "path"), (std::vector<std::int64_t>{200, 30, 2}));
  EXPECT_EQ(column("one", "from"), from_);
  EXPECT_EQ(column("one", "to"), to_);
  expect_certified("one");
  const auto nodes = column("one", "path"), action = column("one", "action"),
             straight = column("one", "straight_action"), bound = column("one", "lower_bound"),
             minimized = column("one", "minimized_action"), residual = column("one", "residual");
  const auto start = column<std::int32_t>("one", "start");
  std::size_t bent = 0;
  for (std::size_t k = 0; k < pairs; ++k) {
    const double* const x = &from_[2 * k];
    const double* const y = &to_[2 * k];
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(nodes[60 * k + i], x[i]);
      EXPECT_EQ(nodes[60 * k + 58 + i], y[i]);
    }
    EXPECT_NEAR(bound[k], half_square(x, y, 2), 1e-12);
    // Whoever has the nodes has the path, and can sum its action up.
    const NaturalSpline spline(&nodes[60 * k], 30);
    EXPECT_NEAR(spline.action(190, box_barrier), action[k], 1e-9) << k;
    EXPECT_NEAR(spline.action(19, box_barrier), minimized[k], 1e-9) << k;
    const double ends[4] = {x[0], x[1], y[0], y[1]};
    EXPECT_NEAR(NaturalSpline(ends, 2).action(190, box_barrier), straight[k], 1e-9) << k;
    EXPECT_LE(residual[k], 1e-5);
    bent += action[k] < 0.99 * straight[k] ? 1 : 0;
  }
  EXPECT_GT(bent, 20u);  // around the box
  const auto report = read_report("one");
  EXPECT_EQ(report["converged"], 200);
  EXPECT_LE(report["max_residual"], 1e-5);
  const auto& starts = report["starts"];
  EXPECT_EQ(starts["straight"], std::count(start.begin(), start.end(), 0));
  EXPECT_EQ(starts["bow_1"], std::count(start.begin(), start.end(), 1));
  EXPECT_EQ(starts["bow_2"], std::count(start.begin(), start.end(), 2));
  EXPECT_EQ(starts.size(), 3u);
}

TEST_F(LeastAction, StraightPathsCostHalfTheSquaredDistance) {
  for (const std::size_t dimension : {1, 3}) {
    const auto from = strip(40, -1.25, 3, dimension), to = strip(40, 1, 4, dimension);
    write_points("from_space.npy", from, dimension);
    write_points("to_space.npy", to, dimension);
    const auto output = "straight" + std::to_string(dimension);
    expect_solved(solve(output, {"path.from.file=from_space.npy", "path.to.file=to_space.npy"},
                        "straight.toml"));
    const auto action = column(output, "action"), bound = column(output, "lower_bound");
    for (std::size_t k = 0; k < 40; ++k) {
      const double exact = half_square(&from[dimension * k], &to[dimension * k], dimension);
      EXPECT_NEAR(action[k], exact, 1e-9);
      EXPECT_NEAR(bound[k], exact, 1e-12);
    }
  }
}

TEST_F(LeastAction, AllPairsAreThoseOfRowsAndColumns) {
  const auto from = first_of(from_, 5), to = first_of(to_, 7);
  write_points("five.npy", from);
  write_points("seven.npy", to);
  expect_solved(
      solve("all", {"path.from.file=five.npy", "path.to.file=seven.npy", "path.pairs=all"}), 2);
  Values from_rows, to_rows;
  for (std::size_t k = 0; k < 35; ++k) {
    from_rows.insert(from_rows.end(), {from[2 * (k / 7)], from[2 * (k / 7) + 1]});
    to_rows.insert(to_rows.end(), {to[2 * (k % 7)], to[2 * (k % 7) + 1]});
  }
  EXPECT_EQ(column("all", "from"), from_rows);
  EXPECT_EQ(column("all", "to"), to_rows);
  write_points("from_rows.npy", from_rows);
  write_points("to_rows.npy", to_rows);
  expect_solved(solve("rows", {"path.from.file=from_rows.npy", "path.to.file=to_rows.npy"}));
  for (const char* name : {"path", "action", "lower_bound", "residual"})
    EXPECT_EQ(column("all", name), column("rows", name)) << name;
}

TEST_F(LeastAction, SamplesAreDrawnWhereNoFilesNamePoints) {
  const auto drawn = [](const std::string& output, const Words& more = {}) {
    Words overrides = {"samples.pair=strips", "lagrangian.name=slit", "path.draws=50"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return solve(output, overrides, "straight.toml");
  };
  expect_solved(drawn("drawn"));
  expect_certified("drawn");
  const auto from = column("drawn", "from"), to = column("drawn", "to");
  ASSERT_EQ(from.size(), 100u);
  for (std::size_t k = 0; k < 50; ++k) {
    EXPECT_TRUE(from[2 * k] >= -1.25 && from[2 * k] <= -1) << from[2 * k];
    EXPECT_TRUE(to[2 * k] >= 1 && to[2 * k] <= 1.25) << to[2 * k];
    EXPECT_LE(std::abs(from[2 * k + 1]), 1);
  }
  expect_solved(drawn("drawn-on-two"), 2);
  testing::expect_same_solutions(path("drawn/solution.h5"), path("drawn-on-two/solution.h5"));
  expect_solved(drawn("drawn-again", {"seed=1"}));
  EXPECT_NE(column("drawn-again", "from"), from);
  expect_solved(solve(
      "drawn-rows", {"samples.source.file=from.npy", "samples.target.file=to.npy", "path.draws=20"},
      "straight.toml"));
  EXPECT_EQ(column("drawn-rows", "action").size(), 20u);
  refuse({"samples.pair=strips", "path.draws=5"}, "path.draws is for samples", "path.from.file");
}

TEST_F(LeastAction, ThePlaneHasAPicture) {
  expect_solved(solve("figures", {"path.save=false", "path.nodes=12"}));
  EXPECT_FALSE(Hdf5File::open(path("figures/solution.h5")).has("/solution/path"));
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  for (const char* output : {"one", "figures"})
    EXPECT_TRUE(std::filesystem::exists(path(output) / "solution.png")) << output;
  const std::string paths = "Paths, over what they avoid or follow";
  EXPECT_EQ(read_report("one")["picture_shows"], paths);
  EXPECT_NE(read_report("figures")["picture_shows"], paths);
  // One path along an axis, and one that goes nowhere.
  write_points("here.npy", {0, 0});
  write_points("there.npy", {3, 0});
  for (const std::string to : {"there.npy", "here.npy"}) {
    const auto output = "axis-" + to;
    const auto result =
        run(solve(output, {"path.from.file=here.npy", "path.to.file=" + to}, "straight.toml"));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.err, "gnuplot"), 0u) << result.err;
    EXPECT_EQ(read_report(output)["picture_shows"], paths);
  }
}

TEST_F(LeastAction, SharesAreMerged) {
  for (const char* share : {"0/3", "1/3", "2/3"}) {
    auto command = solve("shared");
    command.insert(command.end(), {"--share", share});
    expect_solved(command);
  }
  EXPECT_FALSE(std::filesystem::exists(path("shared/solution.h5")));
  const auto merged = run(solve("shared"));
  ASSERT_EQ(merged.code, 0) << merged.err;
  EXPECT_NE(merged.err.find("200 of 200 problems are solved"), std::string::npos) << merged.err;
  testing::expect_same_solutions(path("shared/solution.h5"), path("one/solution.h5"));
}

TEST_F(LeastAction, KilledTheyGoOnAndAreTheSame) {
  constexpr std::size_t many = 600;
  write_points("many_from.npy", strip(many, -1.25, 5));
  write_points("many_to.npy", strip(many, 1, 6));
  const auto long_run = [](const std::string& output) {
    return solve(output, {"path.from.file=many_from.npy", "path.to.file=many_to.npy",
                          "lagrangian.name=baby_maze", "path.points=60", "path.starts=7",
                          "solver.checkpoint_seconds=0"});
  };
  expect_solved(long_run("unbroken"));
  for (const int signal : {SIGKILL, SIGTERM}) {
    const auto output = "killed" + std::to_string(signal);
    StartedProgram program(testing::words_on_ranks_with_pids(2, "pid", long_run(output)),
                           folder_->path());
    while (program.running() && !left_part(output, "rows-"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(std::stoi(read_bytes(path("pid.1"))), signal);
    const auto result = program.wait();
    ASSERT_EQ(result.code == 75, signal == SIGTERM) << result.err;
    ASSERT_FALSE(std::filesystem::exists(path(output) / "solution.h5")) << "too fast to be killed";
    const auto resumed = run(long_run(output), 3);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_GT(read_report(output)["solved_before"], 0);
    testing::expect_same_solutions(path(output) / "solution.h5", path("unbroken/solution.h5"));
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.parts"));
  }
}

TEST_F(LeastAction, InfoAndTables) {
  const auto solution = run({"info", "one/solution.h5"});
  EXPECT_EQ(solution.code, 0);
  for (const char* part :
       {"status 0 (converged): 200", "largest residual: ", "lagrangian", "box, strength 3.61",
        "of the path, on ten times finer points", "a natural cubic spline goes through them"})
    EXPECT_NE(solution.out.find(part), std::string::npos) << part << " in " << solution.out;
  const auto table = run({"info", "--values", "one/solution.h5"});
  EXPECT_EQ(table.out.rfind("problem,status,action,iterations,lower_bound,minimized_action,"
                            "residual,start,straight_action\n",
                            0),
            0u)
      << table.out.substr(0, 200);
  EXPECT_EQ(count_of(table.out, "\n"), pairs + 1);
}

TEST_F(LeastAction, StepsThatDoNotSufficeAreSaid) {
  const auto few = run(solve("few", {"path.max_steps=2"}));
  EXPECT_EQ(few.code, 0);
  EXPECT_NE(few.err.find("paths did not converge to path.tolerance = 1e-05; raise path.max_steps"),
            std::string::npos)
      << few.err;
  const auto status = column<std::int32_t>("few", "status");
  EXPECT_GT(std::count(status.begin(), status.end(), 1), 100);
  expect_certified("few");
  auto strict = solve("few-strict", {"path.max_steps=2"});
  strict.emplace_back("--strict");
  EXPECT_EQ(run(strict).code, 3);
}

// --- grids -----------------------------------------------------------------------------------

TEST_F(LeastAction, ObstaclesOnAGridAreAvoided) {
  expect_solved(solve("wall", {}, "wall.toml"));
  expect_certified("wall");
  const auto nodes = column("wall", "path"), action = column("wall", "action"),
             straight = column("wall", "straight_action");
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_LT(action[k], 0.6 * straight[k]) << k;
    const NaturalSpline spline(&nodes[60 * k], 30);
    for (int step = 0; step <= 1000; ++step) {
      const double x = spline.at(step / 1000.0, 0), y = spline.at(step / 1000.0, 1);
      EXPECT_TRUE(std::abs(x) > 0.1 || y > 0.9) << k << " through (" << x << ", " << y << ")";
    }
  }
  // Upside down the box has the wall hang from the top, and paths go below.
  expect_solved(solve("hanging", {"lagrangian.box=[-2,2,-2,2]"}, "wall.toml"));
  double lowest = 0;
  for (const double place : column("hanging", "path")) lowest = std::min(lowest, place);
  EXPECT_LT(lowest, -0.9);
  for (const double bound : column("hanging", "lower_bound")) EXPECT_GT(bound, 0);
}

TEST_F(LeastAction, SlownessMakesDistancesLonger) {
  write_matrix("slow.npy", Values(12, 3.0), 3, 4);
  const Words grid = {"lagrangian.name=grid", "lagrangian.grid.file=slow.npy",
                      "lagrangian.box=[-2,2,-2,2]", "lagrangian.grid_means=slowness"};
  expect_solved(solve("slow", grid));
  const auto action = column("slow", "action"), bound = column("slow", "lower_bound");
  for (std::size_t k = 0; k < pairs; ++k) {
    EXPECT_NEAR(action[k], 9 * half_square(&from_[2 * k], &to_[2 * k], 2), 1e-8);
    EXPECT_NEAR(bound[k], action[k], 1e-8);
  }
}

TEST_F(LeastAction, TheGlobeHasGreatCirclesAndColumnsThatGoAround) {
  // Along the equator and along a meridian, with nothing in the way and with a wall around
  // longitude 0 that is beside the last column.
  write_points("globe_from.npy", {-30, 0, 10, -20, 175, 0});
  write_points("globe_to.npy", {-60, 0, 10, 40, 190, 0});
  const Words ends = {"lagrangian.name=globe", "path.from.file=globe_from.npy",
                      "path.to.file=globe_to.npy", "path.points=60"};
  expect_solved(solve("globe", ends, "straight.toml"));
  const double degree = std::acos(-1.0) / 180;
  const auto action = column("globe", "action");
  const double angles[3] = {30, 60, 15};
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_NEAR(action[k], std::pow(degree * angles[k], 2) / 2, 1e-4);
  // 1 in the first column, longitude 0, and in the last one, -10.
  Values ring;
  for (int i = 0; i < 19; ++i)
    for (int j = 0; j < 36; ++j) ring.push_back(j == 0 || j == 35 ? 1 : 0);
  write_matrix("ring.npy", ring, 19, 36);
  write_points("ring_from.npy", {-5, 0, 355, 0, -25, 0});
  write_points("ring_to.npy", {-5, 1, 355, 1, -25, 1});
  auto walled = ends;
  walled.insert(walled.end(), {"lagrangian.grid.file=ring.npy", "lagrangian.box=[0,350,-90,90]",
                               "path.from.file=ring_from.npy", "path.to.file=ring_to.npy"});
  expect_solved(solve("ring", walled, "straight.toml"));
  const auto cost = column("ring", "straight_action");
  EXPECT_GT(cost[0], 0.9);
  EXPECT_NEAR(cost[0], cost[1], 1e-12);
  EXPECT_LT(cost[2], 0.1);
}

// --- cost matrices ---------------------------------------------------------------------------

TEST_F(LeastActionCosts, AreTheActionsOfAllPairs) {
  expect_solved(make("costs"));
  expect_solved(solve(
      "actions", {"path.from.file=sources.npy", "path.to.file=targets.npy", "path.pairs=all"}));
  EXPECT_EQ(cost_of("costs"), column("actions", "action"));
  expect_solved(make("costs-on-two"), 2);
  EXPECT_EQ(cost_of("costs-on-two"), cost_of("costs"));
  const auto file = Hdf5File::open(path("costs/test.h5"));
  EXPECT_EQ(file.info("/geometry/cost").shape, (std::vector<std::int64_t>{9, 8}));
  EXPECT_EQ(file.string_attribute("/geometry", "cost"), "matrix");
  // And problems on them are solved.
  const Words population = {"files.test_population=costs/test.h5", "solver.threshold=1e-8"};
  expect_solved(solve("solved", population, "costs.toml"));
  EXPECT_EQ(read_report("solved")["converged"], 10);
  const auto transported = column("solved", "transport_cost");
  const auto costs = cost_of("costs");
  for (const double value : transported) {
    EXPECT_GT(value, *std::min_element(costs.begin(), costs.end()));
    EXPECT_LT(value, *std::max_element(costs.begin(), costs.end()));
  }
}

TEST_F(LeastActionCosts, AreSymmetricWhereBothSidesAreTheSame) {
  expect_solved(make("same", {"data.target_points.file=", "data.test_target.file="}));
  const auto cost = cost_of("same");
  ASSERT_EQ(cost.size(), 81u);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(cost[10 * i], 0, 1e-12);
    for (std::size_t j = 0; j < 9; ++j) EXPECT_EQ(cost[9 * i + j], cost[9 * j + i]);
  }
  EXPECT_NEAR(cost[1], half_square(&from_[0], &from_[2], 2), 1e-3);  // nothing is in the way
}

TEST_F(LeastActionCosts, ThatDidNotConvergeAreSaid) {
  const auto result = run(make("hasty", {"path.max_steps=1", "lagrangian.name=slit"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE((result.out + result.err).find("of 72 paths did not converge"), std::string::npos)
      << result.out << result.err;
}

}  // namespace
}  // namespace otfleet
