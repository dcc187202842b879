// problem = "metric_learning": a metric from sets of points that move, and paths in it.
#include "tests/cli/training_job.hpp"

namespace otfleet {
namespace {

using testing::Words;
using testing::write_bytes;

class MetricLearning : public testing::TrainingJob {
 protected:
  static void SetUpTestSuite() {
    train_job(
        "problem = \"metric_learning\"\nseed = 3\n"
        "[metric]\nsequence = \"circle\"\ndraws = 30\ncells = 24\norient_steps = 40\n"
        "[model]\nhidden = [32, 32]\n"
        "[train]\nsteps = 80\nbatch = 16\nlog_every = 10\n");
  }

  static void write_sets(const std::string& name, const std::vector<double>& values,
                         const std::string& shape) {
    write_bytes(path(name),
                testing::npy(testing::npy_header("<f8", shape), testing::bytes_of(values)));
  }
  /// Sets that move to the right by 1 each time, [3, 4, 2].
  static std::vector<double> moving() {
    std::vector<double> values;
    for (int t = 0; t < 3; ++t)
      for (int k = 0; k < 4; ++k) values.insert(values.end(), {1.0 * t + 0.01 * k, 0.1 * k});
    return values;
  }
};

TEST_F(MetricLearning, FindsTheDirectionsOfACircle) {
  const auto result = run(words("evaluate", "evaluated"), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto figures = report("evaluated");
  EXPECT_GT(figures["alignment"], 0.95);
  EXPECT_LE(figures["alignment"], 1.0);
  const double with = figures["action"]["learned"],
               without = figures["action"]["squared_euclidean"];
  EXPECT_LT(with, 0.3 * without);
  EXPECT_GE(with, 0.1 * without * (1 - 1e-9));  // along is 0.1
}

TEST_F(MetricLearning, TrainingIsTheSameOnAnyNumberOfRanks) {
  const auto two = report("job-out/train")["history"];
  for (const int ranks : {1, 3}) {
    const auto output = "ranks" + std::to_string(ranks);
    const auto result = run({"train", "job.toml", "--output", output}, ranks);
    ASSERT_EQ(result.code, 0) << result.err;
    const auto other = report(output)["history"];
    ASSERT_EQ(other.size(), two.size());
    for (std::size_t k = 0; k < two.size(); ++k)
      EXPECT_NEAR(other[k]["loss"], two[k]["loss"], 0.02 * two[k]["loss"].get<double>()) << k;
  }
}

TEST_F(MetricLearning, AKilledTrainingGoesOn) {
  kill_and_go_on({"train", "job.toml", "--output", "killed"}, "killed");
  EXPECT_EQ(report("killed")["steps"], 80);
}

TEST_F(MetricLearning, PathsGoAlongWhatWasLearned) {
  write_bytes(path("from.csv"), "1,0\n0,1\n");
  write_bytes(path("to.csv"), "-0.8,0.6\n0.6,-0.8\n");
  write_bytes(path("paths.toml"),
              "problem = \"least_action\"\n[lagrangian]\nname = \"metric\"\n"
              "grid = { file = \"job-out/train/model.h5\", dataset = \"model/metric\" }\n"
              "[path]\nfrom = { file = \"from.csv\" }\n"
              "to = { file = \"to.csv\" }\nstarts = 5\n");
  const auto result = run({"solve", "paths.toml", "--output", "paths"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto action = column("paths", "action"), straight = column("paths", "straight_action"),
             bound = column("paths", "lower_bound");
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_LT(action[k], 0.8 * straight[k]);  // around the circle
    EXPECT_GE(action[k], bound[k]);
  }
}

TEST_F(MetricLearning, TakesSetsOfOnesOwn) {
  write_sets("moving.npy", moving(), "(3, 4, 2)");
  write_bytes(path("own.toml"),
              "problem = \"metric_learning\"\n[metric]\npoints = { file = \"moving.npy\" }\n"
              "cells = 8\n[model]\nhidden = [16]\n[train]\nsteps = 60\n");
  ASSERT_EQ(run({"train", "own.toml"}, 3).code, 0);  // more ranks than moves
  ASSERT_EQ(run({"evaluate", "own.toml"}).code, 0);
  const auto figures = report("own-out/evaluate");
  EXPECT_FALSE(figures.contains("alignment"));
  EXPECT_LT(figures["action"]["learned"].get<double>(),
            0.15 * figures["action"]["squared_euclidean"].get<double>());
}

TEST_F(MetricLearning, MistakesAreOneLine) {
  const auto refuse = [](const Words& overrides, const std::string& part) {
    expect_refused(words("train", "refused", overrides), part);
  };
  refuse({"metric.sequence=cicle"}, "did you mean 'circle'");
  refuse({"metric.sequence="}, "needs metric.sequence or metric.points.file");
  refuse({"metric.points.file=moving.npy"}, "only one of metric.sequence");
  refuse({"metric.box=[-1,1,-2,2]"}, "beyond metric.box = -1 to 1");
  refuse({"metric.box=[1,-1,-2,2]"}, "metric.box");
  refuse({"metric.box=[1,2]"}, "four numbers");
  refuse({"lagrangian.name=box"}, "needs lagrangian.name = 'directions'");
  refuse({"lagrangian.along=0"}, "lagrangian.along = 0");
  refuse({"lagrangian.grid.file=a.npy", "lagrangian.box=[0,1,0,1]"}, "metric.box says where");
  refuse({"path.nodes=2"}, "path.nodes");
  refuse({"path.draws=7"}, "path.draws is not for");
  refuse({"model.architecture=pair_product"}, "model.architecture = 'mlp'");
  refuse({"metric.cells=3"}, "metric.cells");
  write_sets("flat.npy", moving(), "(12, 2)");
  write_sets("one.npy", {1, 2, 3, 4}, "(1, 2, 2)");
  auto hole = moving();
  hole[11] = NAN;
  write_sets("hole.npy", hole, "(3, 4, 2)");
  write_bytes(path("sets.toml"), "problem = \"metric_learning\"\n[metric]\n");
  const auto refuse_sets = [](const std::string& file, const std::string& part,
                              const Words& more = {}) {
    Words all = {"metric.points.file=" + file};
    all.insert(all.end(), more.begin(), more.end());
    expect_refused(words("train", "refused", all, "sets.toml"), part);
  };
  refuse_sets("flat.npy", "flat.npy: must be [T, N, 2]");
  refuse_sets("one.npy", "one.npy: must be [T, N, 2]");
  refuse_sets("hole.npy", "holds nan in point 1 of set 1");
  refuse_sets("missing.npy", "missing.npy");
  refuse_sets("hole.npy", "metric.draws", {"metric.draws=5"});
  expect_refused(words("train", "refused", {}, "sets.toml"), "needs metric.sequence");
  for (const char* command : {"make", "solve", "scale"})
    expect_refused(words(command, "refused"), "not for problem = 'metric_learning'");
  expect_refused(words("evaluate", "refused", {"metric.cells=12"}), "24 x 24 cells");
  expect_refused(words("evaluate", "refused", {"lagrangian.along=0.5"}), "along = 0.1");
  expect_refused(words("train", "refused", {"problem.kind=linear"}), "needs problem");
}

}  // namespace
}  // namespace otfleet
