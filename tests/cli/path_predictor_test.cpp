// A model of least-action paths: train, evaluate, solve from its predictions.
#include "tests/cli/training_job.hpp"

namespace otfleet {
namespace {

using testing::Words;

class PathPredictor : public testing::TrainingJob {
 protected:
  static void SetUpTestSuite() {
    train_job(
        "problem = \"least_action\"\nseed = 3\n"
        "[samples]\npair = \"strips\"\n"
        "[lagrangian]\nname = \"hill\"\n"
        "[model]\nhidden = [32, 32]\n"
        "[train]\nsteps = 600\nbatch = 128\nlog_every = 50\nanneal_steps = 100\n"
        "learning_rate = 3e-3\n"
        "[path]\ndraws = 200\n[evaluate]\nthresholds = [1e-1, 1e-5]\n");
  }
};

TEST_F(PathPredictor, TrainingIsTheSameOnOneRankAndTwo) {
  const auto result = run({"train", "job.toml", "--output", "alone"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto one = report("alone")["history"], two = report("job-out/train")["history"];
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t k = 0; k < one.size(); ++k)
    EXPECT_NEAR(one[k]["loss"], two[k]["loss"], 1e-2 * std::abs(one[k]["loss"].get<double>()));
  EXPECT_LT(one.back()["first_error"], 0.5 * one[2]["first_error"].get<double>());
}

TEST_F(PathPredictor, AKilledTrainingGoesOn) {
  kill_and_go_on({"train", "job.toml", "--output", "killed"}, "killed");
  EXPECT_EQ(report("killed")["steps"], 600);
  EXPECT_NEAR(report("killed")["final"]["loss"], report("job-out/train")["final"]["loss"],
              1e-2 * report("killed")["final"]["loss"].get<double>());
}

TEST_F(PathPredictor, EvaluationComparesWithOtherStarts) {
  const auto result = run(words("evaluate", "evaluated"), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto figures = report("evaluated");
  ASSERT_EQ(figures["rows"].size(), 1u + 2 * 4);
  double straight = 0, straight_steps = 0;
  for (const auto& row : figures["rows"]) {
    EXPECT_GE(row["above_best"], -1e-12);
    EXPECT_GT(row["milliseconds"], 0);
    if (row["start"] == "straight" && row["tolerance"] == 1e-5) {
      straight = row["action"];
      straight_steps = row["iterations"];
    }
  }
  const auto& alone = figures["rows"][0];
  EXPECT_EQ(alone["start"], "model alone");
  EXPECT_EQ(alone["iterations"], 0);
  EXPECT_LT(alone["above_best"], 0.2);
  for (const auto& row : figures["rows"])
    if (row["start"] == "model" && row["tolerance"] == 1e-5) {
      EXPECT_LT(row["action"], straight * 1.01);
      EXPECT_LT(row["iterations"], straight_steps);
    }
  EXPECT_TRUE(figures["to_action_of"].contains("straight"));
  EXPECT_TRUE(figures["to_action_of"].contains("straight and bows"));
}

TEST_F(PathPredictor, EvaluationWithoutAModelComparesTheOthers) {
  const auto result = run({"evaluate", "job.toml", "--output", "without/evaluate"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(report("without/evaluate")["rows"].size(), 4u);
}

TEST_F(PathPredictor, PathsBeginAtPredictionsAndKeepTheirCertificates) {
  for (const int ranks : {1, 3}) {
    const auto result = run(words("solve", "solved" + std::to_string(ranks),
                                  {"path.initializer=model", "path.starts=1"}),
                            ranks);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const auto action = column("solved1", "action"), straight = column("solved1", "straight_action"),
             bound = column("solved1", "lower_bound"), start = column("solved1", "start"),
             residual = column("solved1", "residual"), other = column("solved3", "action");
  int predicted = 0;
  for (std::size_t k = 0; k < action.size(); ++k) {
    EXPECT_LE(action[k], straight[k] * (1 + 1e-6));
    EXPECT_GE(action[k], bound[k] * (1 - 1e-12));
    EXPECT_LE(residual[k], 1e-5);
    // Values of a network depend on the rows beside, but for rounding alone.
    EXPECT_NEAR(action[k], other[k], 1e-5 * action[k]);
    predicted += start[k] == -1;
  }
  EXPECT_GT(predicted, 190);
  EXPECT_EQ(report("solved1")["starts"]["predicted"], predicted);
}

TEST_F(PathPredictor, MistakesAreOneLine) {
  const auto refuse = [&](Words overrides, const std::string& part) {
    overrides.push_back("path.initializer=model");
    expect_refused(words("solve", "refused", overrides), part);
  };
  refuse({"lagrangian.name=box"}, "was trained for lagrangian hill");
  refuse({"lagrangian.strength=1"}, "was trained for lagrangian hill");
  refuse({"model.hidden=[32]"}, "hidden = [32, 32]");
  refuse({"path.nodes=12"}, "splines of 30 nodes");
  refuse({"files.checkpoint=missing.h5"}, "missing.h5");
  refuse({"problem.kind=linear"}, "needs problem = 'neural_dual' or 'least_action'");
  expect_refused(
      {"solve", "job.toml", "--output", "other/solve", "--set", "path.initializer=model"},
      "otfleet train");
  expect_refused(words("train", "refused", {"model.architecture=pair_product"}),
                 "model.architecture = 'mlp'");
  expect_refused(words("train", "refused", {"samples.pair="}), "samples.pair");
  testing::write_bytes(path("files.toml"),
                       "problem = \"least_action\"\n[path]\nfrom = { file = \"a.npy\" }\n"
                       "to = { file = \"b.npy\" }\n");
  expect_refused({"train", "files.toml"}, "samples.source");
}

}  // namespace
}  // namespace otfleet
