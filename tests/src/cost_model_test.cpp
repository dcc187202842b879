#include "src/scaling/cost_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace otfleet {
namespace {

CostModel known() {
  CostModel model;
  model.serial = 0.2;
  model.item_seconds = 1e-3;
  model.io_seconds = 2e-5;
  model.waiting = 0.05;
  model.latency = 3e-6;
  model.bandwidth = 5e9;
  model.small_sums = 10;
  model.large_sums = 100;
  model.large_bytes = 4e6;
  model.exposed = 0.4;
  return model;
}

std::vector<ScalingRun> runs_of(const CostModel& model) {
  std::vector<ScalingRun> runs;
  for (const int ranks : {1, 2, 4})
    for (const double items : {1000.0, 250.0 * ranks})
      runs.push_back({ranks, items, model.predict(ranks, items), false});
  return runs;
}

std::vector<ReductionTiming> timings_of(const CostModel& model) {
  std::vector<ReductionTiming> timings;
  for (const int ranks : {1, 2, 4})
    for (const double bytes : {0.0, 4e6, 1e5})
      timings.push_back({ranks, bytes, model.sum_seconds(ranks, bytes)});
  return timings;
}

CostModel fitted(const CostModel& truth, const std::vector<ScalingRun>& runs) {
  CostModel model;
  model.small_sums = truth.small_sums;
  model.large_sums = truth.large_sums;
  model.large_bytes = truth.large_bytes;
  fit_network(model, timings_of(truth));
  fit_runs(model, runs);
  return model;
}

TEST(CostModel, FindsTheFiguresThatRunsWereMadeFrom) {
  const CostModel truth = known(), found = fitted(truth, runs_of(truth));
  EXPECT_NEAR(found.serial, truth.serial, 1e-9);
  EXPECT_NEAR(found.item_seconds, truth.item_seconds, 1e-12);
  EXPECT_NEAR(found.io_seconds, truth.io_seconds, 1e-12);
  EXPECT_NEAR(found.waiting, truth.waiting, 1e-12);
  EXPECT_NEAR(found.latency, truth.latency, 1e-12);
  EXPECT_NEAR(found.bandwidth / truth.bandwidth, 1, 1e-9);
  EXPECT_NEAR(found.exposed, truth.exposed, 1e-9);
  for (const int ranks : {1, 8, 4096})
    EXPECT_NEAR(found.predict(ranks, 5e5).total(), truth.predict(ranks, 5e5).total(), 1e-6);
}

TEST(CostModel, OversubscribedRunsDoNotCount) {
  const CostModel truth = known();
  auto runs = runs_of(truth);
  runs.push_back({8, 1000, {50, 50, 50, 50, 50}, true});
  EXPECT_NEAR(fitted(truth, runs).serial, truth.serial, 1e-9);
}

TEST(CostModel, NothingIsNegative) {
  CostModel model;
  fit_network(model, {{2, 4, 1e-3}, {2, 1e6, 1e-4}});  // the large sum was quicker
  fit_runs(model, {{1, 100, {0, 1, 0, 0.5, 0}, false}, {1, 200, {0, 2.5, 0, 0.1, 0}, false}});
  EXPECT_GE(model.serial, 0);
  EXPECT_GE(model.item_seconds, 0);
  EXPECT_GE(model.io_seconds, 0);
  EXPECT_GE(model.latency, 0);
  EXPECT_GE(model.bandwidth, 0);
  // 2.5 s for 200 of what 100 take 1 s for: all of it is work.
  EXPECT_NEAR(model.item_seconds, (100 + 500) / (100.0 * 100 + 200 * 200), 1e-12);
}

TEST(CostModel, OneRunAlone) {
  CostModel model;
  fit_network(model, {{1, 4, 0}});
  fit_runs(model, {{1, 100, {0.1, 0.9, 0, 0, 0}, false}});
  EXPECT_EQ(model.latency, 0);
  EXPECT_NEAR(model.predict(1, 100).total(), 1, 1e-12);
  EXPECT_NEAR(model.predict(4, 100).total(), 0.25, 1e-12);
}

TEST(CostModel, SumsGrowWithRanksAndBytes) {
  const CostModel model = known();
  EXPECT_EQ(model.sum_seconds(1, 1e9), 0);
  EXPECT_NEAR(model.sum_seconds(2, 0), model.latency, 1e-18);
  EXPECT_NEAR(model.sum_seconds(1024, 0), 10 * model.latency, 1e-15);
  EXPECT_LT(model.sum_seconds(2, 1e6), model.sum_seconds(2, 2e6));
  EXPECT_LT(model.sum_seconds(2, 1e6), model.sum_seconds(64, 1e6));
}

TEST(CostModel, TheLimitIsWhatGrowsTooLarge) {
  CostModel model;
  model.item_seconds = 1e-3;
  EXPECT_EQ(find_limit(model, 1000, false, 4096).ranks, 0);
  model.serial = 0.01;  // 1 s of work: from 128 ranks on less than 0.01 s each
  auto limit = find_limit(model, 1000, false, 4096);
  EXPECT_EQ(limit.ranks, 128);
  EXPECT_EQ(limit.by, "serial");
  EXPECT_EQ(find_limit(model, 1000, true, 4096).ranks, 0);  // the work grows as well
  model.serial = 0;
  model.io_seconds = 1e-4;
  limit = find_limit(model, 1000, true, 4096);  // files grow faster than each rank's work
  EXPECT_EQ(limit.ranks, 16);
  EXPECT_EQ(limit.by, "io");
}

}  // namespace
}  // namespace otfleet
