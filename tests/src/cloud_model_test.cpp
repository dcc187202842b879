#include "src/models/cloud_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>

#include "kernels/api/losses.hpp"
#include "kernels/api/outputs.hpp"
#include "src/models/potential_checkpoint.hpp"
#include "src/trainers/fine_tuning.hpp"
#include "src/trainers/meta_trainer.hpp"
#include "src/trainers/model_start.hpp"
#include "tests/src/device_arrays.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/training_course.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using testing::cloud_population;
using testing::Course;
using testing::course_of;
using testing::expect_error;
using testing::expect_same_on_all_ranks;
using testing::set_parameter;

constexpr double epsilon = 0.05;

Job small_job(const std::string& architecture = "mlp") {
  Job job;
  job.problem.epsilon = epsilon;
  job.model.architecture = architecture;
  job.model.hidden = {24, 16};
  job.model.embedding = 8;
  job.model.head = {12};
  job.model.nodes = 8;
  return job;
}

CloudModel make(const CloudPopulation& population, const std::string& architecture = "mlp") {
  return {describe_cloud_model(small_job(architecture), population), 3};
}

kernels::Problems problems_of(const CloudPopulation& population) {
  return PopulationView(population)
      .on_device(epsilon)
      .between(population.source, population.target);
}

std::vector<double> forward(CloudModel& model, const kernels::Problems& problems) {
  const DeviceArray<double> f("otfleet::test::f",
                              static_cast<std::size_t>(problems.source_offsets().back()));
  model.forward(problems, epsilon, f);
  return f.download();
}

/// The loss of Meta OT, and its slope.
double loss_of(CloudModel& model, const kernels::Problems& problems, DeviceArray<double>& slope) {
  const auto f = upload<double>("otfleet::test::f", forward(model, problems));
  const DeviceArray<double> value("otfleet::test::value",
                                  static_cast<std::size_t>(problems.size()));
  slope = DeviceArray<double>("otfleet::test::slope", f.size());
  kernels::semi_dual(problems, epsilon, f, value, slope);
  const DeviceArray<double> loss("otfleet::test::loss", 2);
  kernels::negative_mean_dual(value, slope, problems.size(), loss);
  return loss.download()[0];
}

TEST(CloudModel, GradientEqualsFiniteDifferences) {
  if (Communicator::world().rank() > 0) return;
  for (const char* cost : {"squared_euclidean", "euclidean"})
    for (const char* architecture : {"mlp", "pair_encoder", "pair_product"}) {
      SCOPED_TRACE(std::string(cost) + " " + architecture);
      const auto population = cloud_population(5, 30, 6, false, cost);
      const auto problems = problems_of(population);
      CloudModel model = make(population, architecture);
      DeviceArray<double> slope;
      loss_of(model, problems, slope);
      model.backward(slope);
      const auto gradient = model.gradients().download();
      const auto weights = model.parameters().download();
      double largest = 0;
      for (const float g : gradient) largest = std::max<double>(largest, std::abs(g));
      EXPECT_GT(largest, 0);
      for (const auto& entry : model.entries())
        for (const std::int64_t at : {entry.offset, entry.offset + entry.size - 1}) {
          constexpr float step = 2e-2F;
          DeviceArray<double> ignored;
          const auto where = static_cast<std::size_t>(at);
          set_parameter(model, at, weights[where] + step);
          const double above = loss_of(model, problems, ignored);
          set_parameter(model, at, weights[where] - step);
          const double below = loss_of(model, problems, ignored);
          set_parameter(model, at, weights[where]);
          EXPECT_NEAR(gradient[where], (above - below) / (2 * step), 0.02 * largest)
              << entry.name << " " << at;
        }
    }
}

TEST(CloudModel, BackwardWithoutProblemsIsZero) {
  const auto population = cloud_population(5, 30, 6, false);
  CloudModel model = make(population);
  DeviceArray<double> slope;
  loss_of(model, problems_of(population), slope);
  model.backward(slope);
  std::vector<std::int64_t> told;
  model.backward({}, [&](std::int64_t from) { told.push_back(from); });
  EXPECT_EQ(told.back(), 0);
  for (const float g : model.gradients().download()) EXPECT_EQ(g, 0);
}

/// In any order, many at a time or alone, without a graph.
TEST(CloudModel, PredictorEqualsForward) {
  if (Communicator::world().rank() > 0) return;
  const auto population = cloud_population(20, 30, 700, false);
  CloudModel model = make(population);
  const auto problems = problems_of(population);
  const auto expected = forward(model, problems);
  const auto offsets = problems.source_offsets();
  const auto predictor = model.predictor(PopulationView(population).on_device(epsilon));
  kernels::NetworkStart learned;
  const DeviceArray<double> f("otfleet::test::f", expected.size());
  predictor->predict(problems, population.source, population.target, epsilon, learned, f);
  EXPECT_FALSE(learned.any());
  const auto found = f.download();
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (std::isinf(expected[i]))
      EXPECT_EQ(found[i], expected[i]);
    else
      EXPECT_NEAR(found[i], expected[i], 1e-6);
  const std::vector<std::int32_t> last = {699};
  const DeviceArray<double> one("otfleet::test::f",
                                static_cast<std::size_t>(offsets[700] - offsets[699]));
  predictor->predict(problems.select(last), {}, {}, epsilon, learned, one);
  const auto alone = one.download();
  for (std::size_t i = 0; i < alone.size(); ++i)
    if (std::isfinite(alone[i])) {
      EXPECT_NEAR(alone[i], expected[static_cast<std::size_t>(offsets[699]) + i], 1e-6);
    }
  predictor->predict(problems.select({}), {}, {}, epsilon, learned, DeviceArray<double>());
}

Course train(const Communicator& communicator, const CloudPopulation& population, int steps,
             std::int64_t batch, TrainingLoss loss) {
  CloudModel model = make(population);
  MetaTrainerSettings settings;
  settings.epsilon = epsilon;
  settings.batch = batch;
  settings.loss = loss;
  settings.optimizer.adam.learning_rate = 3e-3;
  MetaTrainer trainer(
      settings, communicator,
      training_samples(population, epsilon, {0, population.problems()}, 2, false, model), model);
  return course_of(trainer, model, steps);
}

TEST(CloudModel, LearnsTheSameOnAnyNumberOfRanks) {
  const Communicator world = Communicator::world();
  for (const char* cost : {"squared_euclidean", "euclidean"})
    for (const TrainingLoss loss : {TrainingLoss::objective, TrainingLoss::regression}) {
      const auto population = cloud_population(6, 40, 10, false, cost);
      const Course run = train(world, population, 80, 8, loss);
      const Course alone = train(Communicator::self(), population, 80, 8, loss);
      for (std::size_t step = 0; step < run.figures.size(); ++step)
        EXPECT_NEAR(run.figures[step].first_error, alone.figures[step].first_error,
                    1e-3 * alone.figures[step].first_error);
      expect_same_on_all_ranks(world, run.weights);
      // Ten problems can be learned by heart.
      const auto mean = [&](std::size_t from) {
        double sum = 0;
        for (std::size_t step = from; step < from + 10; ++step)
          sum += run.figures[step].first_error;
        return sum / 10;
      };
      EXPECT_LT(mean(70), 0.7 * mean(0)) << cost;
    }
}

TEST(CloudModel, FineTuningKeepsTheModel) {
  const auto population = cloud_population(6, 40, 10, false);
  const CloudModel model = make(population);
  Job job = small_job();
  job.fine_tune.steps = 20;
  job.fine_tune.batch = 4;
  const auto weights = model.copy()->parameters().download();
  const auto tuned = fine_tune(model, population, {2, 6}, job);
  EXPECT_NE(tuned->parameters().download(), weights);
  EXPECT_EQ(model.copy()->parameters().download(), weights);
  EXPECT_EQ(fine_tune(model, population, {6, 6}, job)->parameters().download(), weights);
}

TEST(CloudModel, CheckpointsComeBack) {
  if (Communicator::world().rank() > 0) return;
  const testing::TemporaryFolder folder;
  const auto file = folder / "model.h5";
  for (const char* cost : {"squared_euclidean", "euclidean"}) {
    const auto population = cloud_population(5, 30, 6, false, cost);
    CloudModel model = make(population);
    write_checkpoint(file, model);
    const auto back = read_cloud_checkpoint(file, model.description());
    EXPECT_EQ(back->parameters().download(), model.parameters().download());
    EXPECT_EQ(back->trained_epsilon(), epsilon);
    const auto problems = problems_of(population);
    EXPECT_EQ(forward(*back, problems), forward(model, problems));

    const auto refused = [&](const Job& job, const CloudPopulation& other,
                             const std::string& text) {
      expect_error([&] { read_model(file, job, other); }, "model.h5", text);
    };
    refused(small_job("pair_product"), population, "mlp");
    Job job = small_job();
    job.model.nodes = 9;
    refused(job, population, "nodes = 8");
    job.model.nodes = 8;
    job.model.hidden = {24};
    refused(job, population, "hidden = [24, 16]");
    refused(small_job(), cloud_population(5, 30, 6, false, "cosine"), "another cost");
    // A model of the other kind.
    const Population grid = testing::blob_population(4, 3, 5);
    expect_error([&] { read_model(file, small_job(), grid); }, "model.h5", "points of their own");
    PotentialModel other(describe_model(small_job(), grid), 1);
    write_checkpoint(file, other);
    refused(small_job(), population, "points that all problems share");
    std::filesystem::remove(file);
  }
}

TEST(CloudModel, RefusesWhatSplinesCannotTake) {
  auto population = cloud_population(5, 30, 6, false);
  Job job = small_job();
  for (const std::int64_t nodes : {2, 300}) {
    job.model.nodes = nodes;
    expect_error([&] { describe_cloud_model(job, population); }, "model.nodes");
  }
  job = small_job();
  job.model.pooling = 2;
  expect_error([&] { describe_cloud_model(job, population); }, "model.pooling", "grid");
  population.dimension = 4;
  expect_error([&] { describe_cloud_model(small_job(), population); },
               "1 to 3 dimensions; this population has 4");
}

}  // namespace
}  // namespace otfleet
