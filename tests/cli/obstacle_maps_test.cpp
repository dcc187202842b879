// problem = "neural_dual" with a Lagrangian: maps whose paths go around an obstacle.
#include "tests/cli/training_job.hpp"

namespace otfleet {
namespace {

using testing::Words;

class ObstacleMaps : public testing::TrainingJob {
 protected:
  static void SetUpTestSuite() {
    train_job(
        "problem = \"neural_dual\"\nseed = 3\n"
        "[samples]\npair = \"strips\"\n"
        "[lagrangian]\nname = \"box\"\n"
        "[model]\nhidden = [32, 32]\npredictor_hidden = [32]\n"
        "[train]\nsteps = 600\nbatch = 128\nlog_every = 10\nanneal_steps = "
        "100\nlearning_rate = 3e-3\n"
        "[path]\ndraws = 150\n[evaluate]\npoints = 150\n");
  }
};

TEST_F(ObstacleMaps, TrainingIsTheSameOnOneRankAndTwo) {
  const auto result = run({"train", "job.toml", "--output", "alone"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto one = report("alone")["history"], two = report("job-out/train")["history"];
  ASSERT_EQ(one.size(), two.size());
  EXPECT_NEAR(one[0]["loss"], two[0]["loss"], 1e-3 * std::abs(one[0]["loss"].get<double>()));
  EXPECT_GT(report("alone")["conjugate"]["converged"], 0.95);
}

TEST_F(ObstacleMaps, EvaluationComparesWithAnExactPlan) {
  const auto result = run(words("evaluate", "evaluated"), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto figures = report("evaluated");
  EXPECT_LT(figures["distances"]["pushed_to_target"]["exact"],
            0.3 * figures["distances"]["source_to_target"]["exact"].get<double>());
  EXPECT_FALSE(figures["distances"].contains("pulled_to_source"));
  EXPECT_EQ(figures["action"]["points"], 150);
  EXPECT_GT(figures["action"]["mean"], 2);  // half of the squared distance at least
  EXPECT_LT(figures["action"]["mean"], 2 * figures["action"]["exact_plan"].get<double>());
}

TEST_F(ObstacleMaps, SolutionsHavePaths) {
  for (const int ranks : {1, 2}) {
    const auto output = "solved" + std::to_string(ranks);
    const auto result = run(words("solve", output), ranks);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const auto image = column("solved1", "image"), path = column("solved1", "path");
  ASSERT_EQ(image.size(), 2u * 150);
  ASSERT_EQ(path.size(), 2u * 30 * 150);
  for (std::size_t k = 0; k < 150; ++k) {
    EXPECT_LE(path[60 * k], -1);  // from the left strip
    EXPECT_GE(path[60 * k], -1.25);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(path[60 * k + 58 + i], image[2 * k + i]);
  }
  // Values of a network depend on the rows beside a point, but for rounding alone.
  for (const char* name : {"image", "path", "action", "value"}) {
    const auto one = column("solved1", name), two = column("solved2", name);
    ASSERT_EQ(one.size(), two.size());
    for (std::size_t k = 0; k < one.size(); ++k) EXPECT_NEAR(one[k], two[k], 1e-6) << name;
  }
}

TEST_F(ObstacleMaps, PredictedPathsNeedFewerSteps) {
  const Words predicts = {"path.initializer=model", "path.points=15"};
  ASSERT_EQ(run(words("train", "predicts/train", predicts)).code, 0);
  const auto evaluate = [](const std::string& output, const Words& overrides) {
    Words all = words("evaluate", output, overrides);
    all.insert(all.end(), {"--set", "files.checkpoint=predicts/train/model.h5"});
    return all;
  };
  const auto result = run(evaluate("predicts/evaluate", predicts), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto figures = report("predicts/evaluate");
  EXPECT_LT(figures["conjugate"]["iterations"],
            figures["conjugate"]["without_prediction"]["iterations"]);
  EXPECT_LT(figures["distances"]["pushed_to_target"]["exact"],
            0.3 * figures["distances"]["source_to_target"]["exact"].get<double>());
  EXPECT_LT(figures["action"]["mean"], 2 * figures["action"]["exact_plan"].get<double>());
  // Solutions go along the paths that were found.
  auto solve = evaluate("predicts/solve", predicts);
  solve.front() = "solve";
  solve.insert(solve.end(), {"--set", "path.starts=1"});
  ASSERT_EQ(run(solve, 2).code, 0);
  for (const double start : column("predicts/solve", "start")) EXPECT_EQ(start, -1);
  const auto starts = report("predicts/solve")["starts"];
  EXPECT_EQ(starts["predicted"], 150);
  EXPECT_EQ(starts["predicted_path"], 150);
  // The same model without its paths.
  EXPECT_EQ(run(evaluate("predicts/straight", {"path.points=15"})).code, 0);
  expect_refused(evaluate("predicts/other", {"path.initializer=model"}),
                 "predicts paths of 30 nodes at 15 points");
  expect_refused(words("evaluate", "refused", predicts), "predicts no paths");
}

TEST_F(ObstacleMaps, RefusesWhatDoesNotFit) {
  expect_refused(words("solve", "other", {"lagrangian.name=hill"}),
                 "was trained for lagrangian box");
  expect_refused(words("solve", "other", {"lagrangian.strength=1"}), "was trained for lagrangian");
  expect_refused(words("solve", "other", {"map.direction=backward"}), "map.direction = 'forward'");
  expect_refused(words("train", "other", {"model.side=source"}), "model.side = 'target'");
  expect_refused(words("train", "other", {"model.architecture=icnn"}), "'mlp'");
  expect_refused(words("train", "other", {"train.loss=objective"}), "train.loss");
  expect_refused(words("train", "other", {"samples.standardize=true"}), "samples.standardize");
  expect_refused(words("train", "other", {"train.regularizer=expectile", "train.loss=objective"}),
                 "lagrangian.name = 'box'");
  expect_refused(words("train", "other", {"path.starts=0"}), "path.starts");
  for (const char* without : {"model.predictor=icnn", "lagrangian.name=squared_euclidean"})
    expect_refused(words("train", "other", {"path.initializer=model", without}),
                   "path.initializer = 'model' needs");
  expect_refused(words("train", "other", {"path.initializer=model", "train.loss=none"}),
                 "path.initializer = 'model' needs");
}

}  // namespace
}  // namespace otfleet
