// What train, solve and evaluate do with files and settings that they cannot use.
#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::read_bytes;
using testing::Words;
using testing::write_bytes;

class Refusal : public testing::PipelineTest {};

TEST_F(Refusal, MissingFilesNameTheCommandThatMakesThem) {
  expect_refused({"train", "job.toml", "--output", "empty/train"},
                 "empty/make/train.h5: no such file", "otfleet make job.toml --output",
                 "files.train_population");
  expect_refused_on(2, {"solve", "job.toml", "--output", "empty/solve"},
                    "empty/make/test.h5: no such file", "otfleet make job.toml --output",
                    "files.test_population");
  // With a population, but without a model; a slash at the end names no other folder.
  for (const char* command : {"solve", "evaluate"})
    expect_refused({command, "job.toml", "--output", "empty/here/", "--set",
                    "files.test_population=job-out/make/test.h5", "--set",
                    "evaluate.initializers=[\"model\"]"},
                   "empty/train/model.h5: no such file", "otfleet train job.toml --output",
                   "files.checkpoint");
  expect_refused(words("solve", "refused", {"files.checkpoint=none.h5"}),
                 "none.h5: cannot be read");
}

TEST_F(Refusal, DamagedCheckpoints) {
  const auto bytes = read_bytes(path("job-out/train/model.h5"));
  write_bytes(path("short.h5"), bytes.substr(0, bytes.size() / 2));
  expect_refused_on(3, words("solve", "refused", {"files.checkpoint=short.h5"}), "short.h5");
  write_bytes(path("short.h5"), bytes.substr(0, bytes.size() - 1));
  expect_refused(words("evaluate", "refused", {"files.checkpoint=short.h5"}), "short.h5");
}

TEST_F(Refusal, CheckpointsOfOtherModelsAndCosts) {
  expect_refused(words("solve", "refused", {"model.architecture=pair_encoder"}),
                 "job-out/train/model.h5", "holds mlp with hidden = [64, 64]",
                 "asks for pair_encoder");
  expect_refused(words("evaluate", "refused", {"model.hidden=[64, 32]"}), "hidden = [64, 32]");
  write_population(path("small.h5"), testing::blob_population(6, 4, 5));
  expect_refused_on(2, words("solve", "refused", {"files.test_population=small.h5"}),
                    "job-out/train/model.h5", "another cost", "144 x 144", "36 x 36");
}

TEST_F(Refusal, FilesOfAnotherKindAndOlderResults) {
  ASSERT_EQ(run(words("solve", "solved")).code, 0);
  expect_refused(words("evaluate", "refused", {"files.test_population=solved/solution.h5"}),
                 "solved/solution.h5", "is a solution file, not a population");
  expect_refused(words("train", "refused", {"files.train_population=job-out/train/model.h5"}),
                 "job-out/train/model.h5", "is a checkpoint file, not a population");
  // A run that fails leaves the results of the one before.
  const auto before = read_bytes(path("solved/solution.h5"));
  const auto result = run(words("solve", "solved", {"files.checkpoint=job-out/make/test.h5"}));
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.err.rfind("otfleet: job-out/make/test.h5: not an otfleet checkpoint", 0), 0u)
      << result.err;
  EXPECT_EQ(read_bytes(path("solved/solution.h5")), before);
}

TEST_F(Refusal, EpsilonMustBePositive) {
  expect_refused(words("solve", "refused", {"problem.epsilon=0"}), "problem.epsilon",
                 "must be > 0");
}

TEST_F(Refusal, InitializersThatDoNotFit) {
  expect_refused_on(2, words("solve", "refused", {"solver.initializer=sorting"}),
                    "solver.initializer = 'sorting': needs one dimension; this population has 2",
                    "job-out/make/test.h5");
  expect_refused(words("evaluate", "refused", {"evaluate.initializers=[\"zeros\", \"sorting\"]"}),
                 "evaluate.initializers: 'sorting' needs one dimension; this population has 2",
                 "job-out/make/test.h5");
  expect_refused(words("evaluate", "refused", {"evaluate.initializers=[\"sorted\"]"}),
                 "evaluate.initializers=", "every value must be one of 'zeros', 'gaussian'",
                 "'all'");
  expect_refused(words("evaluate", "refused", {"evaluate.initializers=zeros"}),
                 "must be an array of strings, not a string");
}

TEST_F(Refusal, WhatBalancedProblemsAloneHave) {
  expect_refused_on(2, words("solve", "refused", {"problem.tau_a=0.9", "solver.method=newton"}),
                    "solver.method = 'newton' is for balanced problems");
  expect_refused(words("solve", "refused",
                       {"problem.tau_a=0.9", "solver.initializer=zeros", "solution.plan=top_k"}),
                 "solution.plan = 'top_k' is for balanced problems");
  for (const char* command : {"train", "evaluate"})
    expect_refused(words(command, "refused", {"problem.transported_share=0.5"}),
                   std::string("otfleet ") + command, "problem.transported_share 0");
  auto population = read_population(path("job-out/make/test.h5"));
  for (std::size_t i = 0; i < 144; ++i) population.source_weights[i] *= 2;
  write_population(path("masses.h5"), population);
  const Words overrides = {"files.test_population=masses.h5", "solver.initializer=zeros"};
  expect_refused(words("solve", "refused", overrides), "masses.h5", "pairs masses that differ");
  auto unbalanced = overrides;
  unbalanced.insert(unbalanced.end(), {"problem.tau_a=0.9", "problem.tau_b=0.9"});
  const auto report = report_of("solve", "masses", unbalanced, 2);
  EXPECT_EQ(report["failed"], 0);
  EXPECT_EQ(report["method"]["chosen"], "block ascent");
  EXPECT_LT(report["max_residual"].get<double>(), 1e-3);
  EXPECT_GE(report["max_relative_gap"].get<double>(), 0);
  EXPECT_EQ(column("masses", "residual").size(), std::size_t{problems});
  EXPECT_EQ(run({"info", "masses.h5"}).code, 0);
  EXPECT_EQ(run({"info", "masses/solution.h5"}).code, 0);
}

/// A model predicts potentials of balanced problems; they start the others too.
TEST_F(Refusal, StartsOfProblemsThatAreNotBalanced) {
  std::vector<double> values;
  for (const std::string name : {"zeros", "gaussian", "model"}) {
    const auto report = report_of("solve", "free-" + name,
                                  {"problem.tau_a=0.95", "problem.tau_b=0.9",
                                   "solver.threshold=1e-7", "solver.initializer=" + name},
                                  2);
    EXPECT_EQ(report["failed"], 0);
    const auto found = column("free-" + name, "dual_value");
    if (values.empty()) values = found;
    for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], values[k], 1e-6) << name;
  }
}

TEST_F(Refusal, PopulationsWithoutProblems) {
  auto population = read_population(path("job-out/make/test.h5"));
  population.source.clear();
  population.target.clear();
  write_population(path("none-to-do.h5"), population);
  const Words overrides = {"files.test_population=none-to-do.h5",
                           "files.train_population=none-to-do.h5"};
  for (const char* command : {"train", "evaluate"})
    expect_refused(words(command, "refused", overrides), "none-to-do.h5: holds no problems");
  // To solve nothing is no mistake.
  const auto report = report_of("solve", "solved-none", overrides, 2);
  EXPECT_EQ(report["instances"], 0);
  EXPECT_EQ(report["failed"], 0);
  EXPECT_TRUE(column("solved-none", "status").empty());
}

}  // namespace
}  // namespace otfleet
