#include "src/families/neural_dual/dual_trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "src/families/neural_dual/neural_dual_checkpoint.hpp"
#include "src/families/neural_dual/point_mapper.hpp"
#include "src/families/neural_dual/samplers/gaussian_pair.hpp"
#include "src/families/neural_dual/samplers/plane_pairs.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"
#include "tests/src/device_arrays.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;

Job small_job() {
  Job job = Job::defaults(ProblemKind::neural_dual);
  job.model.hidden = {32, 32};
  job.model.predictor_hidden = {32};
  job.train.batch = 256;
  job.train.learning_rate = 2e-3;
  return job;
}

struct Course {
  std::vector<StepFigures> figures;
  std::vector<float> weights;
  ConjugateFigures conjugates;
};

Course train(const Communicator& communicator, const Job& job, const SamplerPair& samplers,
             NeuralDual& model, int steps) {
  DualTrainer trainer(dual_trainer_settings(job), communicator, *samplers.source, *samplers.target,
                      model);
  Course course;
  for (int step = 0; step < steps; ++step) {
    trainer.step(0.5 * (1 + std::cos(std::numbers::pi * step / steps)));
    course.figures.push_back(trainer.figures());
  }
  course.weights = model.parameters().download();
  course.conjugates = trainer.conjugate_figures();
  return course;
}

NeuralDual fresh(const Job& job, std::int64_t dimension) {
  DualDescription description{job.model, dimension, "test"};
  if (job.path.initializer == PathInitializer::model) {
    description.path_nodes = job.path.nodes;
    description.path_points = job.path.points;
  }
  return {description, 1};
}

TEST(DualTrainerTest, OneCourseOnAnyNumberOfRanks) {
  const auto samplers = plane_pair("moons", 3, 0);
  for (const std::string loss :
       {"regression", "objective", "cycle", "with expectile", "with predicted paths"}) {
    Job job = small_job();
    if (loss == "with predicted paths") {
      job.lagrangian.name = "well";
      job.lagrangian.parameters["strength"] = 0.2;
      job.path.initializer = PathInitializer::model;
      job.model.side = PotentialSide::target;
    } else if (const auto known = value_of<TrainingLoss>(loss))
      job.train.loss = *known;
    else
      job.train.regularizer = Regularizer::expectile;
    job.train.batch = 61;  // uneven shares
    NeuralDual alone = fresh(job, 2), shared = fresh(job, 2);
    const Course expected = train(Communicator::self(), job, samplers, alone, 8);
    const Course found = train(Communicator::world(), job, samplers, shared, 8);
    for (std::size_t step = 0; step < expected.figures.size(); ++step) {
      EXPECT_NEAR(found.figures[step].loss, expected.figures[step].loss, 2e-5) << loss;
      EXPECT_NEAR(found.figures[step].first_error, expected.figures[step].first_error, 2e-4);
    }
    EXPECT_EQ(found.conjugates.points, expected.conjugates.points);
    for (std::size_t k = 0; k < expected.weights.size(); ++k)
      ASSERT_NEAR(found.weights[k], expected.weights[k], 2e-3) << loss << " " << k;
    // And the same again, bit for bit.
    NeuralDual again = fresh(job, 2);
    EXPECT_EQ(train(Communicator::world(), job, samplers, again, 8).weights, found.weights);
  }
}

double trace(const std::vector<double>& covariance, std::size_t dimension) {
  double sum = 0;
  for (std::size_t i = 0; i < dimension; ++i) sum += covariance[i * dimension + i];
  return sum;
}

TEST(DualTrainerTest, GaussiansAreMappedAsTheClosedFormDoes) {
  constexpr std::int64_t dimension = 3, count = 2000;
  const GaussianPair pair(dimension, 4);
  const auto samplers = pair.samplers(0), fresh_samples = pair.samplers(1);
  for (const auto side : {PotentialSide::source, PotentialSide::target}) {
    SCOPED_TRACE(word_of(side));
    const bool from_source = side == PotentialSide::source;
    Job job = small_job();
    job.model.architecture = "icnn";
    job.model.side = side;
    NeuralDual model = fresh(job, dimension);
    const Course course = train(Communicator::world(), job, samplers, model, 600);
    EXPECT_GT(course.conjugates.converged, course.conjugates.points * 99 / 100);
    std::vector<double> x(count * dimension), y(x.size());
    fresh_samples.source->fill(0, count, x.data());
    pair.map(count, x.data(), y.data());
    double x_variance = trace(pair.source_covariance(), dimension),
           y_variance = trace(pair.target_covariance(), dimension);
    PointMapper mapper(model, job.conjugate);
    const MappedPoints there = mapper.map(x, MapDirection::forward),
                       back = mapper.map(y, MapDirection::backward);
    EXPECT_LT(l2_uvp(there.image, y, dimension, y_variance), 1);
    EXPECT_LT(l2_uvp(back.image, x, dimension, x_variance), 1);
    if (!from_source) {  // from here on x are the potential's points
      std::swap(x, y);
      std::swap(x_variance, y_variance);
    }
    const MappedPoints gradient = mapper.along_gradient(x), minimizers = mapper.to_minimizers(y);
    EXPECT_EQ(gradient.image, (from_source ? there : back).image);
    EXPECT_EQ(minimizers.image, (from_source ? back : there).image);
    const MappedPoints at_image = mapper.along_gradient(minimizers.image, false);
    for (std::size_t k = 0; k < count; ++k) {
      EXPECT_LT(gradient.residual[k], job.conjugate.tolerance);
      EXPECT_LT(gradient.round_trip[k], 0.05);
      EXPECT_LT(minimizers.residual[k], job.conjugate.tolerance);
      // Fenchel & Young: f(x) + f*(y) >= <x, y>, equal where y is the image of x.
      double product = 0;
      for (std::size_t i = 0; i < dimension; ++i)
        product += minimizers.image[k * dimension + i] * y[k * dimension + i];
      EXPECT_NEAR(at_image.value[k] + minimizers.value[k], product, 1e-4 * (1 + std::abs(product)));
      const std::size_t other = (k + 1) % count;
      double unpaired = 0;
      for (std::size_t i = 0; i < dimension; ++i)
        unpaired += x[other * dimension + i] * y[k * dimension + i];
      EXPECT_GE(gradient.value[other] + minimizers.value[k], unpaired - 1e-9);
    }
    // The prediction is close to what the solver makes of it.
    const MappedPoints predicted = mapper.predicted(y);
    EXPECT_LT(l2_uvp(predicted.image, x, dimension, x_variance), 2);
  }
}

/// ENOT: predictions alone stand for the minimizers; the regularizer keeps them honest.
TEST(DualTrainerTest, ExpectilesReplaceTheSolver) {
  constexpr std::int64_t dimension = 2, count = 2000;
  const GaussianPair pair(dimension, 4);
  const auto samplers = pair.samplers(0), fresh_samples = pair.samplers(1);
  Job job = small_job();
  job.train.regularizer = Regularizer::expectile;
  job.train.loss = TrainingLoss::objective;
  job.train.learning_rate = 5e-3;
  job.conjugate.solver = ConjugateMethod::none;
  NeuralDual model = fresh(job, dimension);
  const Course course = train(Communicator::world(), job, samplers, model, 600);
  EXPECT_EQ(course.conjugates.steps, 0);
  std::vector<double> x(count * dimension), y(x.size());
  fresh_samples.source->fill(0, count, x.data());
  pair.map(count, x.data(), y.data());
  const double variance = trace(pair.target_covariance(), dimension);
  PointMapper mapper(model, job.conjugate);
  EXPECT_LT(l2_uvp(mapper.along_gradient(x, false).image, y, dimension, variance), 5);
}

TEST(DualTrainerTest, EveryCombinationOfLossAndSolverRuns) {
  const auto samplers = plane_pair("square_gaussians", 2, 0);
  for (const char* loss : {"none", "regression", "objective", "cycle"})
    for (const char* solver : {"none", "lbfgs", "adam"})
      for (const char* predictor : {"none", "mlp", "icnn"}) {
        const std::string name = std::string(loss) + " " + solver + " " + predictor;
        const bool learns = std::string(loss) != "none",
                   predicts = std::string(predictor) != "none";
        if (learns != predicts) continue;
        if (std::string(solver) == "none" && (!learns || std::string(loss) == "regression"))
          continue;
        Job job = small_job();
        job.train.loss = *value_of<TrainingLoss>(loss);
        job.conjugate.solver = *value_of<ConjugateMethod>(solver);
        job.model.predictor = predictor;
        NeuralDual model = fresh(job, 2);
        const Course course = train(Communicator::world(), job, samplers, model, 20);
        for (const StepFigures& figures : course.figures) {
          EXPECT_TRUE(std::isfinite(figures.loss)) << name;
          EXPECT_GT(figures.gradient_norm, 0) << name;
        }
        EXPECT_EQ(course.conjugates.left_out, 0) << name;
      }
}

void scale_weights(NeuralDual& model, const std::string& part, float factor) {
  const auto parameters = model.parameters();
  auto host = parameters.download();
  for (const auto& entry : model.entries())
    if (entry.name.find(part) != std::string::npos)
      for (std::int64_t k = 0; k < entry.size; ++k)
        host[static_cast<std::size_t>(entry.offset + k)] *= factor;
  parameters.upload(host);
}

TEST(DualTrainerTest, APotentialWithoutMinimizersHasNoLoss) {
  const auto samplers = plane_pair("moons", 3, 0);
  Job job = small_job();
  job.model.architecture = "icnn";
  // Without its quadratics f rises less steeply than <x, y>; with infinite ones it has no values.
  for (const float factor : {0.0f, 1e30f}) {
    NeuralDual model = fresh(job, 2);
    scale_weights(model, ".quadratic", factor);
    const Course course = train(Communicator::world(), job, samplers, model, 1);
    EXPECT_FALSE(std::isfinite(course.figures[0].loss)) << factor;
    EXPECT_GT(course.conjugates.left_out, 200) << factor;
    PointMapper mapper(model, job.conjugate);
    const MappedPoints mapped = mapper.to_minimizers(std::vector<double>{1, 2, -3, 1});
    for (const auto status : mapped.status)
      EXPECT_EQ(status, static_cast<int>(factor == 0 ? kernels::ConjugateStatus::unbounded
                                                     : kernels::ConjugateStatus::not_finite));
  }
}

TEST(DualTrainerTest, GoesOnFromACheckpointBitForBit) {
  const auto samplers = plane_pair("circles", 3, 0);
  const Job job = small_job();
  const auto settings = dual_trainer_settings(job);
  NeuralDual whole = fresh(job, 2);
  DualTrainer unbroken(settings, Communicator::world(), *samplers.source, *samplers.target, whole);
  for (int step = 0; step < 10; ++step) unbroken.step(1);
  NeuralDual first = fresh(job, 2);
  DualTrainer broken(settings, Communicator::world(), *samplers.source, *samplers.target, first);
  for (int step = 0; step < 4; ++step) broken.step(1);
  const testing::TemporaryFolder folder;
  write_checkpoint(folder / "model.h5", first, &broken.state());
  TrainingState state;
  NeuralDual second = read_neural_dual(folder / "model.h5", job, 2, &state);
  DualTrainer resumed(settings, Communicator::world(), *samplers.source, *samplers.target, second);
  resumed.go_on(std::move(state));
  for (int step = 4; step < 10; ++step) resumed.step(1);
  EXPECT_EQ(second.parameters().download(), whole.parameters().download());
}

}  // namespace
}  // namespace otfleet
