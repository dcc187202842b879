#include "src/trainers/meta_trainer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "kernels/api/outputs.hpp"
#include "src/models/potential_checkpoint.hpp"
#include "src/populations/device_problems.hpp"
#include "src/trainers/fine_tuning.hpp"
#include "tests/src/device_arrays.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/training_course.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Reduction;
using testing::blob_population;
using testing::Course;
using testing::course_of;
using testing::dense_population;
using testing::expect_same_on_all_ranks;
using testing::upload;
using testing::weights_of;

Job small_job(const std::string& architecture = "mlp") {
  Job job;
  job.problem.epsilon = 0.05;
  job.model.architecture = architecture;
  job.model.hidden = {32, 32};
  job.model.embedding = 16;
  job.model.head = {24};
  job.model.output_rank = 8;
  return job;
}

MetaTrainerSettings settings(std::int64_t batch) {
  MetaTrainerSettings result;
  result.epsilon = 0.05;
  result.batch = batch;
  return result;
}

/// Trains a fresh model over the ranks of `communicator`.
Course train(const Communicator& communicator, const Population& population, int steps,
             std::int64_t batch, const std::string& architecture = "mlp",
             TrainingLoss loss = TrainingLoss::objective,
             std::int64_t bucket_bytes = OptimizerSettings().bucket_bytes) {
  PotentialModel model(describe_model(small_job(architecture), population), 1);
  const auto samples = [&](PotentialModel& of) {
    return training_samples(population, 0.05, {0, population.problems()}, 2, /*augment=*/true, of);
  };
  MetaTrainerSettings choices = settings(batch);
  choices.loss = loss;
  choices.optimizer.bucket_bytes = bucket_bytes;
  MetaTrainer trainer(choices, communicator, samples(model), model);
  return course_of(trainer, model, steps);
}

/// Ranks change nothing but the order in which floats are added, 1e-7 a step. Adam divides a
/// gradient by its own size and so carries that over to the weights where the gradient is near
/// zero, which is where it matters least to the loss.
void expect_same_curve(const Course& run, const Course& alone) {
  ASSERT_EQ(run.figures.size(), alone.figures.size());
  for (std::size_t step = 0; step < alone.figures.size(); ++step) {
    const StepFigures &found = run.figures[step], &expected = alone.figures[step];
    EXPECT_NEAR(found.loss, expected.loss, 1e-4 * std::abs(expected.loss)) << "step " << step;
    EXPECT_NEAR(found.first_error, expected.first_error, 1e-4 * expected.first_error)
        << "step " << step;
    EXPECT_NEAR(found.gradient_norm, expected.gradient_norm, 1e-3 * expected.gradient_norm)
        << "step " << step;
  }
  // The first step sees the very same weights: nothing has grown yet.
  EXPECT_NEAR(run.figures[0].loss, alone.figures[0].loss, 1e-6 * std::abs(alone.figures[0].loss));
  EXPECT_NEAR(run.figures[0].gradient_norm, alone.figures[0].gradient_norm,
              1e-5 * alone.figures[0].gradient_norm);
}

TEST(MetaTrainer, RanksWithoutProblemsJoin) {
  const Communicator world = Communicator::world();
  const Population population = blob_population(8, 10, 40);
  for (const std::int64_t batch : {1, 2}) {
    const Course run = train(world, population, 20, batch);
    expect_same_curve(run, train(Communicator::self(), population, 20, batch));
    expect_same_on_all_ranks(world, run.weights);
  }
}

/// Also past the step whose buckets begin after the backward pass, and where a rank has no problem.
TEST(MetaTrainer, BucketsChangeNothing) {
  const Communicator world = Communicator::world();
  const Population population = blob_population(8, 10, 40);
  for (const char* architecture : {"mlp", "pair_encoder", "pair_product"})
    for (const std::int64_t batch : {1, 12}) {
      const auto with = [&](std::int64_t bucket_bytes) {
        return train(world, population, 40, batch, architecture, TrainingLoss::regression,
                     bucket_bytes);
      };
      const Course whole = with(0);
      for (const std::int64_t bucket_bytes : {1, 3000, 1 << 20}) {
        const Course run = with(bucket_bytes);
        expect_same_on_all_ranks(world, run.weights);
        // Two terms have one sum; three and more may be added in another order.
        if (world.size() <= 2)
          EXPECT_EQ(run.weights, whole.weights) << architecture << " " << bucket_bytes;
        else
          expect_same_curve(run, whole);
      }
    }
}

TEST(MetaTrainer, SaysWhereTimeGoes) {
  const Communicator world = Communicator::world();
  const Population population = blob_population(8, 10, 40);
  PotentialModel model(describe_model(small_job(), population), 1);
  const auto samples = [&](PotentialModel& of) {
    return training_samples(population, 0.05, {0, 40}, 2, /*augment=*/false, of);
  };
  MetaTrainerSettings choices = settings(12);
  choices.loss = TrainingLoss::regression;
  MetaTrainer trainer(choices, world, samples(model), model);
  const auto begin = std::chrono::steady_clock::now();
  for (int step = 0; step < 64; ++step) trainer.step(1.0);
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const TrainingSeconds seconds = trainer.seconds();
  double sum = 0;
  for (const double phase : {seconds.data, seconds.forward, seconds.loss, seconds.solve,
                             seconds.backward, seconds.update}) {
    EXPECT_GT(phase, 0);
    sum += phase;
  }
  EXPECT_EQ(seconds.averaging > 0, world.size() > 1);
  sum += seconds.averaging;
  EXPECT_LE(sum, elapsed);
  EXPECT_GT(sum, 0.5 * elapsed);  // or it would not say
  EXPECT_EQ(trainer.averaging_figures().has_value(), world.size() > 1);
}

TEST(MetaTrainer, StartsFromTheWeightsOfRankZero) {
  const Communicator world = Communicator::world();
  const Population population = blob_population(8, 4, 10);
  const auto description = describe_model(small_job(), population);
  PotentialModel model(description, 10 + world.rank()), first(description, 10);
  const auto samples = [&](PotentialModel& of) {
    return training_samples(population, 0.05, {0, 10}, 2, /*augment=*/false, of);
  };
  const MetaTrainer trainer(settings(6), world, samples(model), model);
  EXPECT_EQ(model.parameters().download(), first.parameters().download());
}

class MetaTrainerLoss : public ::testing::TestWithParam<TrainingLoss> {};

INSTANTIATE_TEST_SUITE_P(MetaTrainer, MetaTrainerLoss,
                         ::testing::Values(TrainingLoss::objective, TrainingLoss::regression));

TEST_P(MetaTrainerLoss, RanksFollowTheCurveOfOneRank) {
  const Communicator world = Communicator::world();
  const Population grid = blob_population(8, 10, 40), dense = dense_population(10, 14, 6, 40);
  for (const Population* population : {&grid, &dense})
    for (const char* architecture : {"mlp", "pair_encoder", "pair_product"}) {
      const Course run = train(world, *population, 20, 12, architecture, GetParam());
      expect_same_curve(run,
                        train(Communicator::self(), *population, 20, 12, architecture, GetParam()));
      expect_same_on_all_ranks(world, run.weights);
    }
}

TEST_P(MetaTrainerLoss, Decreases) {
  const Communicator world = Communicator::world();
  const Course run = train(world, blob_population(8, 10, 40), 200, 12, "mlp", GetParam());
  const auto mean = [&](std::size_t from, double StepFigures::*figure) {
    double sum = 0;
    for (std::size_t step = from; step < from + 20; ++step) sum += run.figures[step].*figure;
    return sum / 20;
  };
  EXPECT_LT(mean(180, &StepFigures::loss), mean(0, &StepFigures::loss));
  EXPECT_LT(mean(180, &StepFigures::first_error), 0.6 * mean(0, &StepFigures::first_error));
}

TEST(MetaTrainer, ClipAndRateScaleTheStep) {
  const Communicator world = Communicator::world();
  const Population population = blob_population(8, 4, 10);
  const auto description = describe_model(small_job(), population);
  const auto samples = [&](PotentialModel& of) {
    return training_samples(population, 0.05, {0, 10}, 2, /*augment=*/false, of);
  };
  // The moments show what Adam was given: a tenth and a thousandth of the (squared) gradient.
  const auto moment_norm = [&](double clip, double rate, std::vector<float>& weights,
                               StepFigures& figures) {
    PotentialModel model(description, 1);
    MetaTrainerSettings choices = settings(6);
    choices.optimizer.clip = clip;
    MetaTrainer trainer(choices, world, samples(model), model);
    trainer.step(rate);
    figures = trainer.figures();
    EXPECT_EQ(trainer.state().step, 1);
    weights = model.parameters().download();
    double sum = 0;
    for (const float value : trainer.state().optimizer[0].values.download()) sum += value * value;
    return 10 * std::sqrt(sum);
  };
  std::vector<float> weights, ignored;
  StepFigures free, clipped;
  const double norm = moment_norm(0, 1, ignored, free);
  EXPECT_NEAR(norm, free.gradient_norm, 1e-5 * norm);
  EXPECT_NEAR(moment_norm(norm / 4, 1, ignored, clipped), norm / 4, 1e-5 * norm);
  EXPECT_EQ(clipped.gradient_norm, free.gradient_norm);  // before clipping
  EXPECT_NEAR(moment_norm(4 * norm, 1, ignored, clipped), norm, 1e-5 * norm);

  moment_norm(0, 0, weights, free);  // no rate, no step
  PotentialModel fresh(description, 1);
  EXPECT_EQ(weights, fresh.parameters().download());
  moment_norm(0, 0.5, weights, free);
  // Adam's first step moves every parameter by the rate, or less where the gradient is tiny.
  double largest = 0;
  const auto start = fresh.parameters().download();
  for (std::size_t i = 0; i < start.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(weights[i]) - start[i]));
  EXPECT_NEAR(largest, 0.5e-3, 1e-6);
}

TEST(MetaTrainer, GoesOnFromItsState) {
  const Communicator world = Communicator::world();
  const Population population = blob_population(8, 6, 20);
  const auto description = describe_model(small_job(), population);
  const auto samples = [&](PotentialModel& of) {
    return training_samples(population, 0.05, {0, 20}, 2, /*augment=*/true, of);
  };
  PotentialModel unbroken(description, 1);
  MetaTrainer trainer(settings(6), world, samples(unbroken), unbroken);
  PotentialModel half(description, 1);
  {
    MetaTrainer first(settings(6), world, samples(half), half);
    for (int step = 0; step < 5; ++step) {
      trainer.step(1.0);
      first.step(1.0);
    }
    trainer.figures();
    PotentialModel later = half.clone();
    MetaTrainer second(settings(6), world, samples(later), later);
    second.state() = first.state();
    for (int step = 0; step < 5; ++step) {
      trainer.step(0.5);
      second.step(0.5);
      const StepFigures expected = trainer.figures(), found = second.figures();
      EXPECT_EQ(found.loss, expected.loss);
      EXPECT_EQ(found.gradient_norm, expected.gradient_norm);
    }
    EXPECT_EQ(second.state().step, 10);
    EXPECT_EQ(later.parameters().download(), unbroken.parameters().download());
  }
}

/// Mean of minus the dual value over problems [begin, end).
double shard_loss(PotentialModel& model, const Population& population, distributed::Shard shard) {
  std::vector<double> a, b;
  for (std::int64_t k = shard.begin; k < shard.end; ++k)
    for (const bool source : {true, false}) {
      const auto weights = weights_of(population, source, k);
      auto& side = source ? a : b;
      side.insert(side.end(), weights.begin(), weights.end());
    }
  const auto rows = static_cast<std::size_t>(shard.size());
  const auto device_a = upload(a, rows), device_b = upload(b, rows);
  const DeviceArray<double, 2> f("otfleet::test::f", rows, device_a.extent(1));
  const DeviceArray<double, 2> slope("otfleet::test::slope", rows, device_a.extent(1));
  const DeviceArray<double> value("otfleet::test::value", rows);
  model.forward(device_a, device_b, f, 0.05);
  std::vector<std::int32_t> numbers(rows);
  std::iota(numbers.begin(), numbers.end(), 0);
  kernels::semi_dual(device_problems(population.geometry, 0.05, a, b).between(numbers, numbers),
                     0.05, f.flat(), value, slope.flat());
  const auto values = value.download();
  return -std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(rows);
}

TEST(FineTuning, LowersTheLossOfItsShardAlone) {
  const Population population = blob_population(8, 10, 40);
  Job job = small_job();
  job.fine_tune.steps = 60;
  job.fine_tune.batch = 4;
  job.fine_tune.learning_rate = 1e-3;
  PotentialModel model(describe_model(job, population), 1);
  const auto weights = model.parameters().download();
  const distributed::Shard shard{7, 10};
  const double before = shard_loss(model, population, shard);

  // Local: one rank may tune while the others have nothing to do.
  const Communicator world = Communicator::world();
  if (world.rank() == world.size() - 1) {
    const auto tuned = fine_tune(model, population, shard, job);
    EXPECT_LT(shard_loss(dynamic_cast<PotentialModel&>(*tuned), population, shard), before - 1e-3);
    EXPECT_NE(tuned->parameters().download(), weights);
    const auto again = fine_tune(model, population, shard, job);
    EXPECT_EQ(again->parameters().download(), tuned->parameters().download());
    const auto other = fine_tune(model, population, {20, 23}, job);
    EXPECT_NE(other->parameters().download(), tuned->parameters().download());
  }
  EXPECT_EQ(model.parameters().download(), weights);
  EXPECT_EQ(shard_loss(model, population, shard), before);
}

TEST(FineTuning, NothingToDoIsAPlainCopy) {
  const Population population = blob_population(8, 4, 10);
  Job job = small_job();
  PotentialModel model(describe_model(job, population), 1);
  job.fine_tune.steps = 0;
  const auto untuned = fine_tune(model, population, {0, 10}, job);
  EXPECT_EQ(untuned->parameters().download(), model.parameters().download());
  job.fine_tune.steps = 5;
  const auto empty = fine_tune(model, population, {10, 10}, job);
  EXPECT_EQ(empty->parameters().download(), model.parameters().download());
}

}  // namespace
}  // namespace otfleet
