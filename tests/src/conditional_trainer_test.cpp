#include "src/families/conditional_map/conditional_trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <numbers>

#include "src/families/conditional_map/flow_trainer.hpp"
#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"
#include "tests/src/conditional_populations.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using testing::shifted_gaussians;

Job small_job(const char* architecture) {
  Job job = Job::defaults(ProblemKind::conditional_map);
  job.model.architecture = architecture;
  job.model.hidden = {32, 32};
  job.model.predictor_hidden = {32};
  job.model.context_hidden = {16, 16};
  job.train.batch = 4;
  job.train.points = 128;
  return job;
}

struct Trained {
  std::unique_ptr<ConditionalModel> model;
  std::vector<StepFigures> figures;
};

Trained train(const Communicator& communicator, const Job& job, const CloudPopulation& population,
              int steps) {
  Trained result;
  result.model = make_conditional_model(describe_conditional(job, population), 1);
  std::unique_ptr<Trainer> trainer;
  if (auto* potentials = dynamic_cast<ConditionalPotential*>(result.model.get()))
    trainer = std::make_unique<ConditionalTrainer>(conditional_trainer_settings(job), communicator,
                                                   population, *potentials);
  else
    trainer = std::make_unique<FlowTrainer>(flow_trainer_settings(job), communicator, population,
                                            dynamic_cast<VelocityModel&>(*result.model));
  for (int step = 0; step < steps; ++step) {
    trainer->step(0.5 * (1 + std::cos(std::numbers::pi * step / steps)));
    if (steps < 20) result.figures.push_back(trainer->figures());
  }
  return result;
}

/// Mean L2-UVP of the maps of a population that has its images.
double mean_uvp(const CloudPopulation& population, MapMethod& maps) {
  const auto offsets = population.source_point_offsets();
  double sum = 0;
  for (std::int32_t k = 0; k < population.problems(); ++k) {
    const auto points = points_of(population.sources, population.source[k], 2);
    const auto truth = std::span(population.images)
                           .subspan(static_cast<std::size_t>(2 * offsets[k]), points.size());
    double variance = 0, mean[2] = {};
    const double count = static_cast<double>(truth.size() / 2);
    for (std::size_t i = 0; i < truth.size(); ++i) mean[i % 2] += truth[i] / count;
    for (std::size_t i = 0; i < truth.size(); ++i)
      variance += (truth[i] - mean[i % 2]) * (truth[i] - mean[i % 2]) / count;
    sum += l2_uvp(maps.map(k)->forward(points, false).image, truth, 2, variance);
  }
  return sum / static_cast<double>(population.problems());
}

std::unique_ptr<MapMethod> maps_by(const CloudPopulation& population, Job& job,
                                   const std::string& method) {
  job.map.method = method;
  return make_map_method(population, nullptr, job);
}

double mean_uvp(const CloudPopulation& population, ConditionalModel& model, const Job& job) {
  return mean_uvp(population, *make_map_method(population, &model, job));
}

TEST(ConditionalTrainerTest, OneCourseOnAnyNumberOfRanks) {
  const auto population = shifted_gaussians({0, 0.25, 0.5, 0.75, 1}, 60, 2);
  for (const char* architecture : {"mlp", "icnn", "velocity"}) {
    Job job = small_job(architecture);
    job.train.batch = 5;  // uneven shares
    if (architecture == std::string("icnn")) job.model.context = ContextKind::samples;
    if (architecture == std::string("velocity")) job.model.context = ContextKind::coupled;
    job.train.points = 33;
    const auto alone = train(Communicator::self(), job, population, 6);
    const auto shared = train(Communicator::world(), job, population, 6);
    for (std::size_t step = 0; step < 6; ++step) {
      EXPECT_NEAR(shared.figures[step].loss, alone.figures[step].loss, 1e-4) << architecture;
      EXPECT_NEAR(shared.figures[step].first_error, alone.figures[step].first_error, 1e-3);
    }
    const auto weights = shared.model->parameters().download();
    const auto expected = alone.model->parameters().download();
    for (std::size_t k = 0; k < expected.size(); ++k)
      ASSERT_NEAR(weights[k], expected[k], 2e-3) << architecture << " " << k;
    EXPECT_EQ(train(Communicator::world(), job, population, 6).model->parameters().download(),
              weights);
  }
}

/// Maps of contexts that were not seen, between those that were.
TEST(ConditionalTrainerTest, UnseenContextsHaveTheirMaps) {
  std::vector<double> ts;
  for (int k = 0; k <= 10; ++k) ts.push_back(0.1 * k);
  const auto seen = shifted_gaussians(ts, 1000, 2);
  const auto unseen = shifted_gaussians({0.05, 0.33, 0.67, 0.95}, 500, 3);
  struct Case {
    const char* architecture;
    Conditioning conditioning;
    Coupling coupling;
    double most;
  };
  for (const Case& one : {Case{"mlp", Conditioning::partial, Coupling::entropic, 2},
                          Case{"icnn", Conditioning::partial, Coupling::entropic, 2},
                          Case{"icnn", Conditioning::generated, Coupling::entropic, 2},
                          Case{"velocity", Conditioning::partial, Coupling::entropic, 2},
                          Case{"velocity", Conditioning::partial, Coupling::exact, 2}}) {
    Job job = small_job(one.architecture);
    job.model.conditioning = one.conditioning;
    job.train.coupling = one.coupling;
    const auto trained = train(Communicator::world(), job, seen, 300);
    const double uvp = mean_uvp(unseen, *trained.model, job);
    EXPECT_LT(uvp, one.most) << one.architecture << " " << word_of(one.conditioning);
  }
  // From what the measures are, without a context.
  for (const auto context : {ContextKind::moments, ContextKind::samples, ContextKind::coupled}) {
    Job job = small_job("mlp");
    job.model.context = context;
    job.model.start = MapStart::gaussian;
    EXPECT_LT(mean_uvp(unseen, *train(Communicator::world(), job, seen, 100).model, job), 3)
        << word_of(context);
  }
  // One map for all cannot do that.
  Job job = small_job("mlp");
  job.model.conditioning = Conditioning::none;
  EXPECT_GT(mean_uvp(unseen, *train(Communicator::world(), job, seen, 300).model, job), 10);
}

/// A cloud of one point is flat everywhere, one of two nearly so.
TEST(ConditionalTrainerTest, CloudsMayHaveFewPoints) {
  for (const std::int64_t points : {1, 2, 3})
    for (const char* architecture : {"mlp", "icnn", "velocity"}) {
      const auto population = shifted_gaussians({0.2, 0.8}, points, 5);
      Job job = small_job(architecture);
      job.model.context =
          architecture == std::string("mlp") ? ContextKind::coupled : ContextKind::samples;
      if (architecture != std::string("velocity")) job.model.start = MapStart::gaussian;
      const auto trained = train(Communicator::world(), job, population, 10);
      for (const StepFigures& step : trained.figures) {
        EXPECT_TRUE(std::isfinite(step.loss)) << architecture << " " << points;
        EXPECT_TRUE(std::isfinite(step.gradient_norm)) << architecture << " " << points;
      }
    }
}

/// The dual value of the first problem is a lower bound, and at least that share of the distance.
void expect_bound(const CloudPopulation& problems, ConditionalModel& model, const Job& job,
                  double least) {
  const auto map = make_map_method(problems, &model, job)->map(0);
  const auto solved = solve_map(problems, 0, *map, true, true);
  const double distance = exact_distance(points_of(problems.sources, 0, 2),
                                         points_of(problems.target_table(), 0, 2), 2);
  EXPECT_LE(solved.dual_value, distance * distance * (1 + 1e-6));
  EXPECT_GT(solved.dual_value, least * distance * distance);
}

TEST(ConditionalTrainerTest, DualValuesAreBoundsAndTight) {
  const auto seen = shifted_gaussians({0, 0.5, 1}, 1000, 2);
  Job job = small_job("icnn");
  const auto trained = train(Communicator::world(), job, seen, 300);
  expect_bound(shifted_gaussians({0.5}, 1000, 4), *trained.model, job, 0.8);
}

TEST(PotentialTunerTest, BringsMapsNearerAndLeavesTheModel) {
  const auto population = shifted_gaussians({0, 0.5, 1}, 1000, 2);
  for (const char* architecture : {"mlp", "icnn"}) {
    Job job = small_job(architecture);
    const auto trained = train(Communicator::world(), job, population, 0);
    const auto weights = trained.model->parameters().download();
    const double before = mean_uvp(population, *trained.model, job);
    job.fine_tune.steps = 200;
    const double after = mean_uvp(population, *trained.model, job);
    EXPECT_GT(before, 20);
    EXPECT_LT(after, 3) << architecture;
    EXPECT_EQ(trained.model->parameters().download(), weights);
  }
}

TEST(PotentialTunerTest, TunedInputConvexPotentialsAreBounds) {
  const auto problems = shifted_gaussians({0.7}, 500, 4);
  Job job = small_job("icnn");
  const auto trained = train(Communicator::world(), job, problems, 0);
  job.fine_tune.steps = 200;
  expect_bound(problems, *trained.model, job, 0.9);
}

TEST(PotentialTunerTest, DependsOnTheProblemAlone) {
  const auto population = shifted_gaussians({0, 0.5, 1}, 50, 2);
  Job job = small_job("mlp");
  const auto trained = train(Communicator::world(), job, population, 3);
  job.fine_tune.steps = 5;
  const auto points = points_of(population.sources, 2, 2);
  const auto all = make_map_method(population, trained.model.get(), job);
  all->map(0);
  const auto after_another = all->map(2)->forward(points, false).image;
  EXPECT_EQ(
      make_map_method(population, trained.model.get(), job)->map(2)->forward(points, false).image,
      after_another);
}

TEST(MapMethodTest, MethodsWithoutAModelKnowGaussiansMaps) {
  const auto population = shifted_gaussians({0, 0.5, 1}, 2000, 2);
  Job job = small_job("mlp");
  EXPECT_LT(mean_uvp(population, *maps_by(population, job, "gaussian")), 2);
  job.map.epsilon = 0.02;
  EXPECT_LT(mean_uvp(population, *maps_by(population, job, "entropic")), 3);
  EXPECT_LT(mean_uvp(population, *maps_by(population, job, "progressive")), 2);
  EXPECT_LT(mean_uvp(population, *maps_by(population, job, "sliced")), 12);
}

TEST(MapMethodTest, WaysBackReturn) {
  const auto population = shifted_gaussians({0, 0.5}, 1000, 2);
  Job job = small_job("mlp");
  for (const auto& [method, most] : {std::pair{"gaussian", 1e-10}, std::pair{"entropic", 0.25},
                                     std::pair{"progressive", 0.25}, std::pair{"sliced", 0.25}}) {
    job.map.method = method;
    const auto map = make_map_method(population, nullptr, job)->map(1);
    const auto points = points_of(population.sources, 1, 2);
    const auto mapped = map->forward(points);
    double mean = 0;
    for (const double trip : mapped.round_trip) mean += trip / 1000;
    EXPECT_LT(mean, most) << method;
    EXPECT_EQ(mapped.image.size(), points.size());
    EXPECT_TRUE(map->forward(points, false).round_trip.empty());
  }
}

TEST(MapMethodTest, PointsAndEqualPointsAreMoved) {
  auto population = shifted_gaussians({0, 0.5}, 3, 2);
  population.sources.points = {1, 2, 1, 2, 1, 2, 0, 0, 1, 0, 5, 5};
  population.targets.points = {3, 4, 3, 4, 3, 4, 7, 7, 7, 7, 7, 7};
  Job job = small_job("mlp");
  for (const auto method : {"gaussian", "entropic", "progressive", "sliced"}) {
    job.map.method = method;
    const auto maps = make_map_method(population, nullptr, job);
    for (const std::int32_t problem : {0, 1}) {
      const auto mapped =
          maps->map(problem)->forward(points_of(population.sources, problem, 2), false);
      for (std::size_t i = 0; i < 6; ++i)
        EXPECT_NEAR(mapped.image[i],
                    problem == 1 ? 7
                    : i % 2 == 0 ? 3
                                 : 4,
                    1e-6)
            << method << problem;
    }
  }
}

/// A point has one image: the mean of the target along every axis.
TEST(MapMethodTest, SlicedMapsTakeAPointToTheMean) {
  auto population = shifted_gaussians({0}, 4, 2);
  population.sources.points = {1, 2, 1, 2, 1, 2, 1, 2};
  population.targets.points = {0, 0, 4, 0, 0, 2, 4, 2};
  Job job = small_job("mlp");
  const auto images =
      maps_by(population, job, "sliced")->map(0)->forward(population.sources.points).image;
  for (std::size_t i = 0; i < images.size(); ++i) EXPECT_NEAR(images[i], i % 2 == 0 ? 2 : 1, 1e-6);
}

TEST(CloudSamplerTest, DrawsByWeight) {
  auto population = shifted_gaussians({0, 1}, 4, 2);
  population.sources.weights = {0, 0.5, 0.25, 0.25, 1, 0, 0, 0};
  const CloudSampler sampler(population, 3);
  constexpr int draws = 4000;
  std::vector<float> points(2 * draws);
  sampler.points(0, true, 7, draws, {}, points.data());
  int counts[4] = {};
  for (int k = 0; k < draws; ++k)
    for (int i = 0; i < 4; ++i)
      counts[i] += points[2 * k] == static_cast<float>(population.sources.points[2 * i]);
  EXPECT_EQ(counts[0], 0);
  EXPECT_NEAR(counts[1], draws / 2, 150);
  EXPECT_NEAR(counts[2], draws / 4, 150);
  sampler.points(1, true, 7, draws, {}, points.data());
  for (int k = 0; k < draws; ++k)
    EXPECT_EQ(points[2 * k], static_cast<float>(population.sources.points[8]));
}

}  // namespace
}  // namespace otfleet
