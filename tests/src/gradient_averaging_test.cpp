#include "src/trainers/gradient_averaging.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "src/models/potential_checkpoint.hpp"
#include "tests/src/device_arrays.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using testing::upload;

ParameterEntry entry(std::int64_t offset, std::int64_t size) {
  return {"", offset, size, {size}};
}

TEST(BucketBegins, WholeTensorsFromTheEnd) {
  const std::vector<ParameterEntry> entries = {entry(0, 6), entry(6, 1), entry(7, 100),
                                               entry(107, 5), entry(112, 3)};
  using Begins = std::vector<std::int64_t>;
  EXPECT_EQ(bucket_begins(entries, 0), Begins{0});
  EXPECT_EQ(bucket_begins(entries, 1), (Begins{112, 107, 7, 6, 0}));
  EXPECT_EQ(bucket_begins(entries, 4 * 3), (Begins{112, 107, 7, 0}));
  EXPECT_EQ(bucket_begins(entries, 4 * 3 + 1), (Begins{107, 7, 0}));
  EXPECT_EQ(bucket_begins(entries, 4 * 108), (Begins{7, 0}));
  EXPECT_EQ(bucket_begins(entries, 4 * 1000), Begins{0});
}

/// A model with several layers, and a slope of every rank's own.
class GradientAveragingTest : public ::testing::TestWithParam<std::int64_t> {
 protected:
  static constexpr std::size_t rows = 5;
  static constexpr int side = 6;
  static constexpr std::size_t points = side * side;

  GradientAveragingTest() : model_(make()) {
    const auto measures = [&](std::uint64_t seed) {
      return upload(testing::random_measures(rows, points, seed), rows);
    };
    const auto rank = static_cast<std::uint64_t>(world_.rank());
    a_ = measures(10 + rank);
    b_ = measures(20 + rank);
    slope_ = measures(30 + rank);
    f_ = DeviceArray<double, 2>("otfleet::test::f", rows, points);
  }

  static PotentialModel make() {
    Job job;
    job.model.architecture = "pair_encoder";
    job.model.hidden = {32, 32};
    job.model.embedding = 16;
    job.model.head = {24};
    return {describe_model(job, testing::blob_population(side, 4, 4)), 1};
  }

  /// The pass from a slope of the potentials.
  BackwardPass pass(const DeviceArray<double, 2>& slope) {
    return [this, slope](const GradientListener& listener) { model_.backward(slope, listener); };
  }

  void forward() { model_.forward(a_, b_, f_, 0.1); }

  /// The ranks' gradients, summed in the plain way; a rank may have none.
  std::vector<float> summed(bool has_part) {
    forward();
    model_.backward(slope_);
    auto gradient = model_.gradients().download();
    if (!has_part) gradient.assign(gradient.size(), 0.0f);
    world_.all_reduce(std::span<float>(gradient), distributed::Reduction::sum);
    return gradient;
  }

  /// Two terms have one sum; three and more may be added in another order.
  void expect_gradients(const std::vector<float>& expected) {
    const auto found = model_.gradients().download();
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      if (world_.size() <= 2)
        ASSERT_EQ(found[i], expected[i]) << i;
      else
        ASSERT_NEAR(found[i], expected[i], 1e-5) << i;
  }

  Communicator world_ = Communicator::world();
  PotentialModel model_;
  DeviceArray<double, 2> a_, b_, f_, slope_;
};

INSTANTIATE_TEST_SUITE_P(Buckets, GradientAveragingTest, ::testing::Values(0, 1, 5000, 1 << 20));

// Steps 31, 63, … begin their buckets after the pass.

TEST_P(GradientAveragingTest, SumsTheGradientsOfTheRanks) {
  const auto expected = summed(true);
  GradientAveraging averaging(world_, model_, GetParam());
  for (const std::int64_t step : {0, 31, 32}) {
    forward();
    EXPECT_GT(averaging.backward(pass(slope_), step), 0);
    expect_gradients(expected);
  }
}

TEST_P(GradientAveragingTest, RanksWithoutProblemsJoin) {
  const auto expected = summed(world_.rank() > 0);
  GradientAveraging averaging(world_, model_, GetParam());
  for (const std::int64_t step : {0, 31, 32}) {
    if (world_.rank() > 0) {
      forward();
      averaging.backward(pass(slope_), step);
    } else {
      averaging.backward(pass(DeviceArray<double, 2>("otfleet::test::slope", 0, points)), step);
    }
    expect_gradients(expected);
  }
}

TEST_P(GradientAveragingTest, ARankThatFailsKeepsNobodyWaiting) {
  const auto expected = summed(world_.rank() > 0);
  GradientAveraging averaging(world_, model_, GetParam());
  if (world_.rank() == 0) {
    EXPECT_ANY_THROW(averaging.backward(pass(slope_), 0));  // no forward() came before
  } else {
    forward();
    averaging.backward(pass(slope_), 0);
  }
  expect_gradients(expected);
  const auto next = summed(true);  // and the ranks are still in step
  forward();
  averaging.backward(pass(slope_), 1);
  expect_gradients(next);
}

TEST_P(GradientAveragingTest, FiguresAreMeansOfTheRightSteps) {
  GradientAveraging averaging(world_, model_, GetParam());
  EXPECT_TRUE(std::isnan(averaging.figures().hidden_share));
  double alone = 0, others = 0;
  for (std::int64_t step = 0; step < 64; ++step) {
    forward();
    (step % 32 == 31 ? alone : others) += averaging.backward(pass(slope_), step);
  }
  std::array<double, 2> sums = {alone, others};
  world_.all_reduce(std::span<double>(sums), distributed::Reduction::sum);
  const AveragingFigures figures = averaging.figures();
  EXPECT_EQ(figures.backend, "mpi");
  EXPECT_EQ(figures.buckets,
            static_cast<std::int64_t>(bucket_begins(model_.entries(), GetParam()).size()));
  EXPECT_EQ(figures.bytes, 4 * static_cast<std::int64_t>(model_.parameters().extent(0)));
  EXPECT_EQ(figures.sampled_steps, 2);
  EXPECT_NEAR(figures.seconds + figures.wait_seconds, sums[0] / world_.size() / 2, 1e-12);
  EXPECT_NEAR(figures.exposed_seconds, sums[1] / world_.size() / 62, 1e-12);
  EXPECT_NEAR(figures.hidden_share * figures.seconds,
              figures.seconds + figures.wait_seconds - figures.exposed_seconds, 1e-12);
}

}  // namespace
}  // namespace otfleet
