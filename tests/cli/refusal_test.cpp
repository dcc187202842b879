// What train, solve and evaluate do with files and settings that they cannot use.
#include "tests/cli/pipeline.hpp"

namespace otfleet {
namespace {

using testing::read_bytes;
using testing::Words;
using testing::write_bytes;
using testing::write_spots;

class Refusal : public testing::PipelineTest {
 protected:
  /// Both commands that need a model.
  template <class... Parts>
  static void expect_both_refused(const Words& overrides, const Parts&... parts) {
    for (const char* command : {"solve", "evaluate"})
      expect_refused(words(command, "refused", overrides), parts...);
  }
};

TEST_F(Refusal, MissingFilesNameTheCommandThatMakesThem) {
  for (const int ranks : {1, 2}) {
    expect_refused_on(ranks, {"train", "job.toml", "--output", "empty/train"},
                      "empty/make/train.h5: no such file", "otfleet make JOB.toml --output",
                      "files.train_population");
    expect_refused_on(ranks, {"solve", "job.toml", "--output", "empty/solve"},
                      "empty/make/test.h5: no such file", "otfleet make JOB.toml --output",
                      "files.test_population");
  }
  expect_refused({"evaluate", "job.toml", "--output", "empty/evaluate"},
                 "empty/make/test.h5: no such file", "otfleet make");
  // With a population, but without a model; a slash at the end names no other folder.
  for (const char* command : {"solve", "evaluate"})
    for (const int ranks : {1, 2})
      expect_refused_on(ranks,
                        {command, "job.toml", "--output", "empty/here/", "--set",
                         "files.test_population=job-out/make/test.h5"},
                        "empty/train/model.h5: no such file", "otfleet train JOB.toml --output",
                        "files.checkpoint");
  expect_both_refused({"files.test_population=none.h5"}, "none.h5: no such file");
  expect_both_refused({"files.checkpoint=none.h5"}, "none.h5: no such file");
}

TEST_F(Refusal, DamagedCheckpoints) {
  const auto bytes = read_bytes(path("job-out/train/model.h5"));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    write_bytes(path("short.h5"), bytes.substr(0, size));
    expect_refused(words("solve", "refused", {"files.checkpoint=short.h5"}), "short.h5");
  }
  expect_refused(words("evaluate", "refused", {"files.checkpoint=short.h5"}), "short.h5");
  expect_refused_on(3, words("solve", "refused", {"files.checkpoint=short.h5"}), "short.h5");
}

TEST_F(Refusal, CheckpointsOfOtherModelsAndCosts) {
  expect_both_refused({"model.architecture=pair_encoder"}, "job-out/train/model.h5",
                      "holds mlp with hidden = [64, 64]", "asks for pair_encoder");
  expect_refused(words("solve", "refused", {"model.hidden=[64, 32]"}), "hidden = [64, 32]");
  write_spots(path("small.npy"), 5, 6, 4);
  ASSERT_EQ(run({"make", "job.toml", "--output", "small/make", "--set", "data.train.file=small.npy",
                 "--set", "data.test.file=small.npy"})
                .code,
            0);
  expect_both_refused({"files.test_population=small/make/test.h5"}, "job-out/train/model.h5",
                      "another cost", "144 x 144", "36 x 36");
  expect_refused_on(2, words("solve", "refused", {"files.test_population=small/make/test.h5"}),
                    "another cost");
}

TEST_F(Refusal, FilesOfAnotherKind) {
  ASSERT_EQ(run(words("solve", "solved")).code, 0);
  expect_both_refused({"files.test_population=solved/solution.h5"}, "solved/solution.h5",
                      "is a solution file, not a population");
  expect_refused(words("train", "refused", {"files.train_population=job-out/train/model.h5"}),
                 "job-out/train/model.h5", "is a checkpoint file, not a population");
  expect_both_refused({"files.checkpoint=job-out/make/test.h5"}, "job-out/make/test.h5",
                      "not an otfleet checkpoint");
  expect_both_refused({"files.checkpoint=train.npy"}, "train.npy");
}

TEST_F(Refusal, SettingsOutOfRange) {
  for (const char* value : {"0", "-0.01", "nan", "inf"})
    expect_refused(words("solve", "refused", {std::string("problem.epsilon=") + value}),
                   "problem.epsilon");
  expect_refused(words("train", "refused", {"problem.epsilon=0"}), "problem.epsilon");
  expect_refused(words("train", "refused", {"train.checkpoint_seconds=-1"}),
                 "train.checkpoint_seconds", "must be >= 0");
  expect_refused(words("solve", "refused", {"solver.initializer=best"}), "solver.initializer",
                 "'zeros', 'gaussian', 'model'");
  expect_refused(words("solve", "refused", {"solver.threshold=0"}), "solver.threshold");
  expect_refused(words("evaluate", "refused", {"evaluate.thresholds=[]"}), "evaluate.thresholds");
}

TEST_F(Refusal, PopulationsWithoutProblems) {
  auto population = read_population(path("job-out/make/test.h5"));
  population.source.clear();
  population.target.clear();
  write_population(path("none-to-do.h5"), population);
  const Words overrides = {"files.test_population=none-to-do.h5",
                           "files.train_population=none-to-do.h5"};
  expect_refused(words("train", "refused", overrides), "none-to-do.h5: holds no problems");
  expect_refused(words("evaluate", "refused", overrides), "none-to-do.h5: holds no problems");
  // To solve nothing is no mistake.
  for (const int ranks : {1, 2}) {
    const auto report = report_of("solve", "solved-none", overrides, ranks);
    EXPECT_EQ(report["instances"], 0);
    EXPECT_EQ(report["failed"], 0);
    EXPECT_TRUE(column("solved-none", "status").empty());
  }
}

/// An older solution stays as it is when a later run fails.
TEST_F(Refusal, OlderResultsStay) {
  ASSERT_EQ(run(words("solve", "kept")).code, 0);
  const auto before = read_bytes(path("kept/solution.h5"));
  const auto result = run(words("solve", "kept", {"files.checkpoint=none.h5"}));
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(read_bytes(path("kept/solution.h5")), before);
}

}  // namespace
}  // namespace otfleet
