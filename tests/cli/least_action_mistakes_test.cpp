// Paths of least action: every mistake in a job or a file is one line.
#include "tests/cli/least_action.hpp"

namespace otfleet {
namespace {

using testing::first_of;
using testing::LeastAction;
using testing::LeastActionCosts;
using testing::strip;
using testing::Values;
using testing::Words;
using testing::write_bytes;

TEST_F(LeastAction, MistakesInTheLagrangianAreOneLine) {
  refuse({"lagrangian.name=boks"}, "lagrangian.name", "boks", "did you mean 'box'");
  refuse({"lagrangian.along=0.5"}, "lagrangian.along is not for lagrangian.name = 'box'");
  refuse({"lagrangian.name=hill", "lagrangian.temperature=1"}, "lagrangian.temperature is not for",
         "'hill'");
  for (const char* value : {"0", "-1"})
    refuse({std::string("lagrangian.temperature=") + value}, "lagrangian.temperature", value,
           "must be > 0");
  refuse({"lagrangian.strength=-1"}, "lagrangian.strength = -1: must be >= 0");
  refuse({"lagrangian.strength=nan"}, "lagrangian.strength", "must be finite");
  refuse({"lagrangian.name=circle", "lagrangian.along=1.5"}, "lagrangian.along = 1.5",
         "> 0 and <= 1");
  refuse({"lagrangian.strenth=1"}, "lagrangian.strenth", "did you mean", "lagrangian.strength");
}

TEST_F(LeastAction, MistakesInGridsAreOneLine) {
  const auto refuse_grid = [](const Words& overrides, const auto&... parts) {
    expect_refused(solve("refused", overrides, "wall.toml"), parts...);
  };
  refuse_grid({"lagrangian.grid.file="}, "lagrangian.name = 'grid' needs lagrangian.grid.file");
  refuse_grid({"lagrangian.box=[]"}, "wall.npy: where it lies is missing", "lagrangian.box");
  refuse_grid({"lagrangian.box=[-2,2,-2]"}, "lagrangian.box", "four numbers");
  refuse_grid({"lagrangian.box=[-2,-2,-2,2]"}, "lagrangian.box", "must not be empty");
  refuse_grid({"lagrangian.box=[-2,inf,-2,2]"}, "lagrangian.box", "finite");
  refuse_grid({"lagrangian.grid_means=height"}, "lagrangian.grid_means", "barrier", "slowness");
  refuse_grid(
      {"lagrangian.name=box"},
      "lagrangian.grid.file is for lagrangian.name = 'grid', 'globe', 'directions', 'metric'");
  refuse_grid({"lagrangian.grid.file=missing.npy"}, "missing.npy");
  refuse_grid({"lagrangian.box=[-0.6,0.6,-2,2]"}, "left.npy", "point 0 has the coordinate -1",
              "lagrangian.box = -0.6 to 0.6");
  refuse_grid({"lagrangian.box=[-2,2,0.6,-0.4]"}, "left.npy", "point 2 has the coordinate -0.5");
  Values numbers(12, 1.0);
  numbers[6] = NAN;
  write_matrix("hole.npy", numbers, 3, 4);
  refuse_grid({"lagrangian.grid.file=hole.npy"}, "hole.npy: holds nan in row 1, column 2",
              "finite");
  numbers[6] = 0;
  write_matrix("still.npy", numbers, 3, 4);
  refuse_grid({"lagrangian.grid.file=still.npy", "lagrangian.grid_means=slowness"},
              "still.npy: holds 0 in row 1, column 2", "above zero");
  write_matrix("line.npy", Values(5, 1.0), 1, 5);
  refuse_grid({"lagrangian.grid.file=line.npy"}, "line.npy", "at least two rows and columns");
}

TEST_F(LeastAction, MistakesInPathsAreOneLine) {
  refuse({"path.nodes=2"}, "path.nodes", "3");
  refuse({"path.points=2"}, "path.points", "3");
  refuse({"path.starts=0"}, "path.starts", "1");
  refuse({"path.tolerance=0"}, "path.tolerance");
  refuse({"path.pairs=some"}, "path.pairs", "one_to_one", "all");
  refuse({"path.to.file="}, "path.from.file and path.to.file: only one of them is given");
  refuse({"path.from.file="}, "path.from.file and path.to.file: only one of them is given");
  refuse({"path.from.file=missing.npy"}, "missing.npy");
  write_points("fewer.npy", first_of(to_, 7));
  refuse({"path.to.file=fewer.npy"}, "fewer.npy: 7 points, but from.npy has 200",
         "path.pairs = 'all'");
  write_points("space.npy", strip(pairs, 1, 3, 3), 3);
  refuse({"path.to.file=space.npy"}, "space.npy: points of 3 coordinates, but from.npy has 2");
  refuse({"path.from.file=space.npy", "path.to.file=space.npy"},
         "space.npy: points of 3 coordinates, but lagrangian.name = 'box' takes 2");
  auto broken = to_;
  broken[17] = NAN;
  write_points("broken.npy", broken);
  refuse({"path.to.file=broken.npy"}, "broken.npy: point 8 is not finite");
  write_points("wide.npy", strip(4, 1, 3, 17), 17);
  expect_refused(
      solve("refused", {"path.from.file=wide.npy", "path.to.file=wide.npy"}, "straight.toml"),
      "wide.npy: points of 17 coordinates", "takes 1 to 16");
  expect_refused(solve("refused", {}, "straight.toml"), "path.from.file", "samples.pair");
  expect_refused_on(2, solve("refused", {"path.to.file=broken.npy"}), "point 8 is not finite");
}

TEST_F(LeastAction, MistakesOfCommandsAreOneLine) {
  for (const auto& [command, next] : {std::pair{"make", "begin with otfleet solve"},
                                      {"scale", "otfleet solve on several rank counts"}})
    expect_refused({command, "box.toml", "--output", "refused"}, std::string("otfleet ") + command,
                   "not for problem = 'least_action'", next);
  for (const char* command : {"train", "evaluate"}) {  // they draw their ends
    expect_refused({command, "box.toml", "--output", "refused"}, std::string("otfleet ") + command,
                   "path.from.file and path.to.file are for solve", "samples.pair");
    expect_refused({command, "straight.toml", "--output", "refused"},
                   std::string("otfleet ") + command, "samples.pair names no samples");
  }
  write_bytes(path("linear.toml"), "[problem]\nepsilon = 0.1\n");
  for (const char* setting : {"lagrangian.name=box", "path.points=40"})
    expect_refused(solve("refused", {setting}, "linear.toml"),
                   std::string(setting).substr(0, std::string(setting).find('=')),
                   "needs problem = 'least_action'");
}

TEST_F(LeastActionCosts, MistakesAreOneLine) {
  const auto refuse_to_make = [](const Words& overrides, const auto&... parts) {
    expect_refused(make("refused", overrides), parts...);
  };
  refuse_to_make({"problem.geometry=grid"}, "problem.cost = 'least_action'",
                 "needs problem.geometry = 'dense'");
  refuse_to_make({"problem.geometry=points"}, "problem.cost = 'least_action'",
                 "needs problem.geometry = 'dense'");
  refuse_to_make({"problem.geometry=clouds"}, "problem.cost = 'least_action'",
                 "needs problem.geometry = 'dense'");
  refuse_to_make({"data.points.file=", "data.target_points.file="}, "data.points is missing",
                 "least_action");
  refuse_to_make({"data.cost.file=sources.npy"}, "data.cost is given", "least_action");
  refuse_to_make({"lagrangian.strength=-1"}, "lagrangian.strength = -1: must be >= 0");
  refuse_to_make({"path.from.file=from.npy", "path.to.file=to.npy"}, "path.from.file",
                 "needs problem = 'least_action'");
  refuse_to_make({"path.pairs=all"}, "path.pairs", "needs problem = 'least_action'");
  write_points("nine.npy", strip(9, -1.25, 3, 3), 3);
  write_points("eight.npy", strip(8, 1, 4, 3), 3);
  refuse_to_make({"data.points.file=nine.npy", "data.target_points.file=eight.npy"}, "nine.npy",
                 "3 coordinates", "'box' takes 2");
  auto beyond = first_of(from_, 9);
  beyond[2] = 3;
  write_points("beyond.npy", beyond);
  refuse_to_make({"data.points.file=beyond.npy", "lagrangian.name=grid",
                  "lagrangian.grid.file=wall.npy", "lagrangian.box=[-2,2,-2,2]"},
                 "beyond.npy", "point 1 has the coordinate 3");
  // The matrix belongs to the population that was made, whatever the job solves it with.
  expect_solved(make("again"));
  write_bytes(path("plain.toml"), "[problem]\nepsilon = 0.1\n");
  expect_refused(solve("refused", {"files.test_population=again/test.h5", "problem.cost=euclidean"},
                       "plain.toml"),
                 "problem.cost", "says otherwise");
}

}  // namespace
}  // namespace otfleet
