#include "src/families/neural_dual/standardization.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "src/families/neural_dual/dual_trainer.hpp"
#include "src/families/neural_dual/neural_dual_checkpoint.hpp"
#include "src/families/neural_dual/point_mapper.hpp"
#include "src/families/neural_dual/samplers/plane_pairs.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using Values = std::vector<double>;

/// Samples of another sampler, in other units and from another origin.
class MovedSampler final : public Sampler {
 public:
  MovedSampler(std::unique_ptr<Sampler> sampler, double scale, double shift)
      : sampler_(std::move(sampler)), scale_(scale), shift_(shift) {}

  std::int64_t dimension() const override { return sampler_->dimension(); }
  void fill(std::int64_t first, std::int64_t count, double* points) const override {
    sampler_->fill(first, count, points);
    for (std::int64_t at = 0; at < count * dimension(); ++at)
      points[at] = shift_ + scale_ * points[at];
  }

 private:
  std::unique_ptr<Sampler> sampler_;
  double scale_, shift_;
};

SamplerPair moved_pair(double scale, double shift) {
  SamplerPair pair = plane_pair("moons", 3, 0);
  pair.source = std::make_unique<MovedSampler>(std::move(pair.source), scale, shift);
  pair.target = std::make_unique<MovedSampler>(std::move(pair.target), 2 * scale, -shift);
  return pair;
}

Job small_job() {
  Job job = Job::defaults(ProblemKind::neural_dual);
  job.model.hidden = {16, 16};
  job.model.predictor_hidden = {16};
  job.train.batch = 64;
  job.conjugate.tolerance = 1e-6;
  job.conjugate.precision = ConjugatePrecision::in_double;
  return job;
}

NeuralDual trained(const Job& job, const SamplerPair& pair, int steps) {
  NeuralDual model({job.model,
                    2,
                    "test",
                    {standard_coordinates(*pair.source), standard_coordinates(*pair.target)}},
                   1);
  DualTrainer trainer(dual_trainer_settings(job), distributed::Communicator::self(), *pair.source,
                      *pair.target, model);
  for (int step = 0; step < steps; ++step) trainer.step(1);
  return model;
}

TEST(Standardization, CoordinatesGoThereAndBack) {
  const StandardCoordinates coordinates{{1, -2}, 4};
  Values points = {1, -2, 5, 6};
  coordinates.apply(points);
  EXPECT_EQ(points, Values({0, 0, 1, 2}));
  coordinates.undo(points);
  EXPECT_EQ(points, Values({1, -2, 5, 6}));
  StandardCoordinates().apply(points);
  EXPECT_EQ(points, Values({1, -2, 5, 6}));
}

TEST(Standardization, SamplesHaveMeanZeroAndVarianceOne) {
  const SamplerPair pair = moved_pair(1e4, 300);
  const StandardCoordinates coordinates = standard_coordinates(*pair.target);
  Values points(2 * 2000);
  pair.target->fill(5000, 2000, points.data());
  coordinates.apply(points);
  double mean = 0, square = 0;
  for (const double value : points) {
    mean += value / 4000;
    square += value * value / 4000;
  }
  EXPECT_NEAR(mean, 0, 0.1);
  EXPECT_NEAR(square, 1, 0.1);
}

/// One point alone has no scale.
TEST(Standardization, PointsThatAreAllEqualKeepTheirScale) {
  const MovedSampler point(plane_pair("moons", 3, 0).source, 0, 7);
  const StandardCoordinates coordinates = standard_coordinates(point);
  EXPECT_EQ(coordinates.scale, 1);
  EXPECT_NEAR(coordinates.mean[0], 7, 1e-12);
}

TEST(Standardization, TrainingDoesNotDependOnUnits) {
  const Job job = small_job();
  const SamplerPair plain = moved_pair(1, 0), moved = moved_pair(1000, 77);
  NeuralDual one = trained(job, plain, 30), other = trained(job, moved, 30);
  Values x(2 * 50), in_units(x.size());
  plain.source->fill(0, 50, x.data());
  moved.source->fill(0, 50, in_units.data());
  const Values image = PointMapper(one, job.conjugate).along_gradient(x, false).image;
  const Values moved_image =
      PointMapper(other, job.conjugate).along_gradient(in_units, false).image;
  for (std::size_t at = 0; at < x.size(); ++at)
    EXPECT_NEAR((moved_image[at] + 77) / 1000, image[at], 2e-3);
}

TEST(Standardization, ValuesAndImagesBelongTogether) {
  const Job job = small_job();
  const SamplerPair pair = moved_pair(20, 5);
  NeuralDual model = trained(job, pair, 30);
  PointMapper mapper(model, job.conjugate);
  const std::size_t count = 40;
  Values x(2 * count);
  pair.source->fill(100, static_cast<std::int64_t>(count), x.data());
  const MappedPoints forward = mapper.along_gradient(x);
  const MappedPoints backward = mapper.to_minimizers(forward.image);
  const double step = 1e-3;
  for (std::size_t k = 0; k < count; ++k) {
    double product = 0, distance = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      Values before(&x[2 * k], &x[2 * k] + 2), after = before;
      before[i] -= step;
      after[i] += step;
      const double slope = (mapper.along_gradient(after, false).value[0] -
                            mapper.along_gradient(before, false).value[0]) /
                           (2 * step);
      EXPECT_NEAR(slope, forward.image[2 * k + i], 1e-4);
      product += x[2 * k + i] * forward.image[2 * k + i];
      distance += std::pow(backward.image[2 * k + i] - x[2 * k + i], 2);
    }
    // Fenchel & Young, with equality at a point and its image.
    EXPECT_NEAR(forward.value[k] + backward.value[k], product, 1e-7 * std::abs(product) + 1e-6);
    EXPECT_LT(backward.residual[k], 1e-6);
    EXPECT_NEAR(forward.round_trip[k], std::sqrt(distance), 1e-9);
    EXPECT_LT(forward.round_trip[k], 1e-4);
  }
}

TEST(Standardization, IsPartOfACheckpoint) {
  const testing::TemporaryFolder folder;
  const auto file = folder / "model.h5";
  const Job job = small_job();
  NeuralDual model = trained(job, moved_pair(20, 5), 1);
  write_checkpoint(file, model);
  NeuralDual back = read_neural_dual(file, job, 2);
  const Values x = {100, -3, 20, 40};
  EXPECT_EQ(PointMapper(back, job.conjugate).along_gradient(x, false).image,
            PointMapper(model, job.conjugate).along_gradient(x, false).image);
}

}  // namespace
}  // namespace otfleet
