// otfleet scale: what it measures adds up, what it predicts says so.
#include <thread>

#include "tests/cli/pipeline.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::read_bytes;
using testing::Words;

class Scale : public testing::PipelineTest {
 protected:
  static Words scale(const std::string& output, const Words& more = {}) {
    Words overrides = {"scale.steps=5", "scale.repetitions=1", "scale.predict_ranks=64"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return words("scale", output, overrides);
  }
};

TEST_F(Scale, MeasuresAndPredictsBothCommands) {
  const auto result = run(scale("scale"), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(count_of(result.out, "the model is off by at most"), 2u) << result.out;
  const auto report = read_report("scale");
  for (const char* command : {"solve", "train"}) {
    const auto& study = report[command];
    const double items = command == std::string("solve") ? problems : 32 * 5;
    for (const char* scaling : {"strong", "weak"}) {
      const auto& runs = study["measured"][scaling];
      ASSERT_EQ(runs.size(), 2u);
      for (std::size_t k = 0; k < 2; ++k) {
        const auto& one = runs[k];
        const double ranks = static_cast<double>(k + 1);
        EXPECT_EQ(one["ranks"], k + 1);
        EXPECT_EQ(one["items"], scaling == std::string("strong") ? items : items / 2 * ranks);
        double sum = 0;
        for (const auto& [part, seconds] : one["parts"].items()) {
          EXPECT_GE(seconds.get<double>(), 0) << part;
          sum += seconds.get<double>();
        }
        EXPECT_NEAR(one["seconds"].get<double>(), sum, 1e-9);
        EXPECT_GT(one["parts"]["compute"].get<double>(), 0);
        EXPECT_NEAR(one["efficiency"].get<double>(),
                    one["items_per_second"].get<double>() / ranks /
                        runs[0]["items_per_second"].get<double>(),
                    1e-9);
      }
      EXPECT_EQ(study["predicted"][scaling].size(), 7u);  // 1, 2, 4, … 64
      EXPECT_EQ(study["predicted"][scaling].back()["ranks"], 64);
      EXPECT_TRUE(study["limit"].contains(scaling));
    }
    EXPECT_GE(study["model"]["largest_relative_error"].get<double>(), 0);
    // So short runs do not tell one from the other.
    EXPECT_GT(study["model"]["serial_seconds"].get<double>() +
                  study["model"]["item_seconds"].get<double>(),
              0);
    const auto picture = path("scale") / ("scaling-" + std::string(command) + ".png");
    EXPECT_TRUE(std::filesystem::exists(picture) || count_of(result.err, "gnuplot is missing") > 0);
  }
  EXPECT_GT(report["train"]["model"]["latency_seconds"].get<double>(), 0);
  const auto csv = read_bytes(path("scale/scaling.csv"));
  EXPECT_EQ(count_of(csv, "\n"), 1 + 2 * 2 * (2 + 7u));
  EXPECT_EQ(count_of(csv, ",predicted,"), 2 * 2 * 7u);
  EXPECT_FALSE(std::filesystem::exists(path("scale/.otfleet-scale-run")));
}

TEST_F(Scale, MoreRanksThanProcessorsAreMarked) {
  const auto ranks = static_cast<int>(std::thread::hardware_concurrency()) + 1;
  if (ranks > 5) GTEST_SKIP() << "too many processors to start more ranks than that";
  const auto result = run(
      scale("crowd", {"scale.ranks=[" + std::to_string(ranks) + "]", "scale.commands=[\"train\"]"}),
      ranks);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto report = read_report("crowd");
  EXPECT_FALSE(report.contains("solve"));
  const auto& runs = report["train"]["measured"]["strong"];
  ASSERT_EQ(runs.size(), 2u);  // one rank comes along, to compare with
  EXPECT_EQ(runs[0]["oversubscribed"], false);
  EXPECT_EQ(runs[1]["oversubscribed"], true);
}

TEST_F(Scale, Refusals) {
  expect_refused_on(2, scale("none", {"scale.ranks=[1,4]"}), "scale.ranks = 4", "2 rank(s)");
  expect_refused(scale("none", {"scale.commands=[\"make\"]"}), "scale.commands");
  expect_refused_on(2, scale("none", {"train.batch=1", "scale.commands=[\"train\"]"}),
                    "train.batch = 1");
}

}  // namespace
}  // namespace otfleet
