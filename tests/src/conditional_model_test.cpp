#include "src/families/conditional_map/conditional_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "src/families/conditional_map/conditional_checkpoint.hpp"
#include "src/families/conditional_map/conditional_potential.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/families/conditional_map/velocity_model.hpp"
#include "tests/src/conditional_populations.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using testing::shifted_gaussians;
using Values = std::vector<double>;

Job small_job() {
  Job job = Job::defaults(ProblemKind::conditional_map);
  job.model.hidden = {12, 10};
  job.model.predictor_hidden = {8};
  job.model.context_hidden = {6, 5};
  return job;
}

/// Weights away from where they begin, so that nothing is zero by chance.
void disturb(TrainedModel& model, std::uint64_t seed) {
  auto values = model.parameters().download();
  const kernels::CounterRandom random(seed, 1);
  for (std::size_t k = 0; k < values.size(); ++k)
    values[k] += static_cast<float>(0.1 * (random.uniform(k) - 0.3));
  model.parameters().upload(values);
}

std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  const kernels::CounterRandom random(seed, 2);
  std::vector<float> values(count);
  for (std::size_t k = 0; k < count; ++k) values[k] = static_cast<float>(2 * random.uniform(k) - 1);
  return values;
}

DeviceArray<float, 2> rows_of(const std::vector<float>& values, std::size_t columns) {
  return upload<float>("otfleet::tests::rows", values, values.size() / columns, columns);
}

/// Three problems between clouds of random points in three dimensions, of images of 16 x 16 pixels.
CloudPopulation three_images() {
  CloudPopulation population;
  population.dimension = 3;
  population.ground_cost = kernels::SquaredEuclideanCost{};
  population.shared_measures = true;
  auto& table = population.sources;
  table.thumbnails.side = 16;
  const kernels::CounterRandom random(2, 5);
  for (std::uint64_t k = 0; k < 3 * 20 * 3; ++k) table.points.push_back(random.uniform(k));
  table.weights.assign(3 * 20, 1.0 / 20);
  table.offsets = {0, 20, 40, 60};
  for (std::uint64_t k = 0; k < 3 * 16 * 16 * 3; ++k)
    table.thumbnails.colors.push_back(static_cast<std::uint8_t>(random.below(256, 1000 + k)));
  population.source = {0, 1, 2};
  population.target = {1, 2, 0};
  return population;
}

/// Potentials of three problems at four points each, a weighted sum of their values and of the
/// predictions, and its derivative by the model's weights.
struct Sum {
  static constexpr std::size_t problems = 3, points = 4;

  std::size_t dimension = 2;
  std::vector<float> x = random_floats(problems * points * dimension, 3);
  std::vector<float> value_weights = random_floats(problems * points, 4);
  std::vector<float> point_weights = random_floats(problems * points * dimension, 5);
  SeenProblems seen = {};

  double value(ConditionalPotential& model) const {
    const auto weights = model.run(seen);
    const auto& layout = model.layout();
    const DeviceArray<float> value("otfleet::tests::value", points);
    const DeviceArray<float, 2> slope("otfleet::tests::slope", points, dimension);
    double sum = 0;
    for (std::size_t g = 0; g < problems; ++g) {
      kernels::Network<float> network(layout.weights(weights.row(g)), points);
      network.evaluate(rows_of(x, dimension).rows(g * points, (g + 1) * points), value, slope);
      const auto values = value.download();
      for (std::size_t k = 0; k < points; ++k)
        sum += static_cast<double>(value_weights[g * points + k]) * values[k];
    }
    const DeviceArray<float, 2> predicted("otfleet::tests::x", problems * points, dimension);
    model.predict(rows_of(x, dimension), predicted);
    const auto predictions = predicted.download();
    for (std::size_t k = 0; k < predictions.size(); ++k)
      sum += static_cast<double>(point_weights[k]) * predictions[k];
    return sum;
  }

  std::vector<float> gradient(ConditionalPotential& model) const {
    const auto weights = model.run(seen, true);
    const auto& layout = model.layout();
    const auto y = rows_of(x, dimension);
    const DeviceArray<float, 2> predicted("otfleet::tests::x", problems * points, dimension);
    model.predict(y, predicted, true);
    const DeviceArray<float, 2> slope("otfleet::tests::slope", problems,
                                      static_cast<std::size_t>(layout.size));
    for (std::size_t g = 0; g < problems; ++g) {
      kernels::NetworkGradient gradient(layout.weights(weights.row(g)),
                                        layout.gradients(slope.row(g)), points);
      gradient.compute(y.rows(g * points, (g + 1) * points), rows_of(value_weights, points).row(g));
    }
    model.backward(slope, rows_of(point_weights, dimension));
    return model.gradients().download();
  }
};

/// Derivatives by some weights beside differences.
void expect_gradients(const Sum& sum, ConditionalPotential& model, const std::string& name) {
  const auto gradient = sum.gradient(model);
  auto weights = model.parameters().download();
  double largest = 0;
  for (const float value : gradient) largest = std::fmax(largest, std::fabs(value));
  ASSERT_GT(largest, 0) << name;
  const kernels::CounterRandom random(1, 9);
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    const auto k = random.below(weights.size(), trial);
    const float kept = weights[k], step = 5e-3F;
    double values[3];
    for (const int side : {-1, 0, 1}) {
      weights[k] = kept + static_cast<float>(side) * step;
      model.parameters().upload(weights);
      values[side + 1] = sum.value(model);
    }
    weights[k] = kept;
    const double slope = static_cast<double>(gradient[k]), length = static_cast<double>(step);
    // At a kink, where a weight meets zero, the slope is that of one side.
    const double missed = std::fmin(std::fabs((values[2] - values[0]) / (2 * length) - slope),
                                    std::fmin(std::fabs((values[2] - values[1]) / length - slope),
                                              std::fabs((values[1] - values[0]) / length - slope)));
    EXPECT_LT(missed, 4e-3 * (1 + largest)) << name << " " << k;
  }
}

TEST(ConditionalPotentialTest, GradientsAreThoseOfFiniteDifferences) {
  const auto population = shifted_gaussians({0.1, 0.5, 0.9}, 30, 1);
  const std::int32_t all[] = {0, 1, 2};
  for (const char* architecture : {"mlp", "icnn"})
    for (const auto conditioning :
         {Conditioning::partial, Conditioning::generated, Conditioning::none})
      for (const auto start : {MapStart::identity, MapStart::gaussian}) {
        Job job = small_job();
        job.model.architecture = architecture;
        job.model.context = start == MapStart::gaussian ? ContextKind::samples : ContextKind::given;
        job.model.context_points = 5;
        job.model.conditioning = conditioning;
        job.model.start = start;
        job.model.activation = kernels::Activation::softplus;  // smooth
        const auto description = describe_conditional(job, population);
        ConditionalPotential model(description, 3);
        disturb(model, 7);
        Sum sum;
        sum.seen = ProblemContexts(population, description).of(all);
        expect_gradients(
            sum, model,
            std::string(architecture) + " " + word_of(conditioning) + " " + word_of(start));
      }
}

TEST(ConditionalPotentialTest, GradientsGoThroughTheEncoderOfImages) {
  const auto population = three_images();
  const std::int32_t all[] = {0, 1, 2};
  Job job = small_job();
  job.model.architecture = "mlp";
  job.model.context = ContextKind::images;
  job.model.image_channels = 2;
  job.model.activation = kernels::Activation::softplus;
  const auto description = describe_conditional(job, population);
  ASSERT_EQ(description.context, 2 * 16 * 16 * 3);
  require_fitting(description, population, "images");
  ConditionalPotential model(description, 3);
  disturb(model, 7);
  Sum sum{3};
  sum.seen = ProblemContexts(population, description).of(all);
  expect_gradients(sum, model, "images");

  auto smaller = population, without = population;
  smaller.sources.thumbnails = {8, std::vector<std::uint8_t>(3 * 8 * 8 * 3)};
  without.sources.thumbnails = {};
  expect_error([&] { require_fitting(description, smaller, "images"); },
               "has thumbnails of 8 x 8 pixels");
  expect_error([&] { require_fitting(description, without, "images"); },
               "has no thumbnails of images; make it again with make.thumbnails");
}

/// A checkpoint keeps the encoder, and a turn of the colors turns those of thumbnails.
TEST(ConditionalPotentialTest, ImagesAreSeenAsTheyAre) {
  const auto population = three_images();
  Job job = small_job();
  job.model.architecture = "mlp";
  job.model.context = ContextKind::images;
  job.model.image_channels = 3;
  job.samples.standardize = false;
  const auto description = describe_conditional(job, population);
  const std::int32_t second[] = {1};
  const Turn turns[] = {Turn(3, kernels::CounterRandom(1, 2), 3)};
  const auto plain = ProblemContexts(population, description).of(second).contexts.download();
  auto turned = plain;
  turns[0].apply(turned);
  const auto seen = ProblemContexts(population, description).of(second, turns).contexts.download();
  for (std::size_t k = 0; k < plain.size(); ++k) EXPECT_NEAR(seen[k], turned[k], 1e-6);
  EXPECT_EQ(plain[0], static_cast<float>(population.sources.thumbnails.of(1)[0] / 255.0));

  const testing::TemporaryFolder folder;
  ConditionalPotential model(description, 3);
  disturb(model, 5);
  write_checkpoint(folder / "model.h5", model);
  const auto again = read_conditional(folder / "model.h5", job, population, "images", nullptr);
  EXPECT_EQ(again->parameters().download(), model.parameters().download());
  job.model.image_channels = 4;
  expect_error([&] { read_conditional(folder / "model.h5", job, population, "images", nullptr); },
               "image_channels = 3", "image_channels = 4");
}

TEST(ConditionalPotentialTest, InputConvexWeightsAreNotNegative) {
  const auto population = shifted_gaussians({0.1, 0.5, 0.9}, 30, 1);
  const std::int32_t all[] = {0, 1, 2};
  for (const auto conditioning : {Conditioning::partial, Conditioning::generated}) {
    Job job = small_job();
    job.model.architecture = "icnn";
    job.model.conditioning = conditioning;
    const auto description = describe_conditional(job, population);
    ConditionalPotential model(description, 3);
    auto values = model.parameters().download();
    for (std::size_t k = 0; k < values.size(); ++k) values[k] -= 0.3F;
    model.parameters().upload(values);
    model.make_convex();
    const auto weights = model.run(ProblemContexts(population, description).of(all)).download();
    const auto& layout = model.layout();
    for (std::size_t g = 0; g < 3; ++g)
      for (const auto& layer : layout.layers)
        for (std::int64_t k = 0; k < layer.hidden.rows * layer.hidden.columns; ++k)
          EXPECT_GE(weights[g * static_cast<std::size_t>(layout.size) +
                            static_cast<std::size_t>(layer.hidden.offset + k)],
                    0);
  }
}

/// A fresh model's maps: the identity in standard coordinates, or the closed form of Gaussians.
TEST(ConditionalModelTest, BeginsAtWhatTheJobSays) {
  const auto population = shifted_gaussians({0.2, 0.8}, 4000, 1);
  for (const char* architecture : {"mlp", "icnn", "velocity"})
    for (const auto start : {MapStart::identity, MapStart::gaussian}) {
      const bool flows = std::string(architecture) == "velocity";
      if (flows && start == MapStart::gaussian) continue;
      Job job = small_job();
      job.model.architecture = architecture;
      job.model.start = start;
      job.samples.standardize = false;
      const auto description = describe_conditional(job, population);
      const auto model = make_conditional_model(description, 3);
      ProblemContexts contexts(population, description);
      for (const std::int32_t problem : {0, 1}) {
        const auto map = model->map_of(contexts.of({&problem, 1}), job);
        const Values x = {0.5, -1, 2, 0.3, -0.7, 0.1};
        const auto forward = map->forward(x);
        for (std::size_t k = 0; k < x.size(); k += 2) {
          double y[2] = {x[k], x[k + 1]};
          if (start == MapStart::gaussian)
            testing::map_of(population.contexts.values[static_cast<std::size_t>(problem)],
                            x.data() + k, y);
          for (int i = 0; i < 2; ++i)
            EXPECT_NEAR(forward.image[k + i], y[i], 0.25) << architecture << " " << word_of(start);
          EXPECT_LT(forward.round_trip[k / 2], 0.05);
          EXPECT_EQ(forward.status[k / 2], 0);
        }
      }
    }
}

/// What is turned before, and what is turned after: the same.
TEST(TurnTest, StartsAndMomentsTurnWithTheMeasures) {
  const auto population = shifted_gaussians({0.2, 0.8}, 40, 1);
  const kernels::CounterRandom random(3, 4);
  const Turn turn(2, random, 17);
  const auto unit = turn.matrix(Values{1, 0, 0, 1});
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(unit[i], i % 3 == 0 ? 1 : 0, 1e-14);
  auto turned = population;
  for (CloudTable* table : {&turned.sources, &turned.targets})
    for (std::size_t i = 0; i < table->points.size(); i += 2) {
      const auto y = turn.vector(std::span(table->points).subspan(i, 2));
      std::copy(y.begin(), y.end(), table->points.begin() + static_cast<std::ptrdiff_t>(i));
    }
  const std::int32_t problems[] = {0, 1};
  const Turn turns[] = {turn, turn};
  for (const auto context : {ContextKind::moments, ContextKind::samples, ContextKind::coupled}) {
    Job job = small_job();
    job.model.context = context;
    job.model.start = MapStart::gaussian;
    job.samples.standardize = false;
    const auto description = describe_conditional(job, population);
    const auto before = ProblemContexts(population, description).of(problems, turns, 5);
    const auto after = ProblemContexts(turned, description).of(problems, {}, 5);
    for (const auto& [one, other] :
         {std::pair{before.contexts, after.contexts}, std::pair{before.starts, after.starts}}) {
      const auto a = one.download(), b = other.download();
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-5);
    }
  }
}

/// The rows of a coupled context say what the true map does, beside the start.
TEST(ProblemContextsTest, CoupledSamplesKnowTheirImages) {
  const auto population = shifted_gaussians({0.2, 0.8}, 2000, 1);
  Job job = small_job();
  job.samples.standardize = false;
  job.model.context = ContextKind::coupled;
  job.model.context_points = 400;
  for (const auto start : {MapStart::identity, MapStart::gaussian}) {
    job.model.start = start;
    const auto description = describe_conditional(job, population);
    ProblemContexts contexts(population, description);
    const std::int32_t both[] = {0, 1}, second[] = {1};
    const auto seen = contexts.of(both).contexts.download();
    const auto alone = contexts.of(second).contexts.download();
    ASSERT_EQ(seen.size(), 2u * 2 * 400 * 4);
    double error = 0;
    for (std::size_t row = 0; row < 400; ++row) {
      const float* const own = seen.data() + 2 * 400 * 4 + row * 4;  // problem 1, source side
      const double x[] = {own[0], own[1]};
      double y[2];
      testing::map_of(0.8, x, y);
      for (int i = 0; i < 2; ++i)
        error += std::abs(own[2 + i] - (start == MapStart::identity ? y[i] - x[i] : 0)) / 800;
    }
    EXPECT_LT(error, 0.2) << word_of(start);
    for (std::size_t at = 0; at < alone.size(); ++at)
      ASSERT_NEAR(alone[at], seen[2 * 400 * 4 + at], 1e-5);  // whatever it is solved beside
  }
}

TEST(GaussianStartTest, FlatCloudsHaveOne) {
  const CloudMoments flat{{1, 2}, {0, 0, 0, 4}}, round{{0, 0}, {1, 0, 0, 1}};
  const auto map = gaussian_map(flat, round);
  const Values slope = {0, 0, 0, 0.5}, offset = {0, -1};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(map.slope[i], slope[i], 1e-12);
  for (int i = 0; i < 2; ++i) EXPECT_NEAR(map.offset[i], offset[i], 1e-12);
  // A start is curved everywhere: A + 1/100.
  const auto start = gaussian_start(flat, round);
  const Values expected = {0.1, 0, 0, std::sqrt(0.51), -0.01, -1.02, 100, 0, 0, 1 / 0.51, 1, 2};
  ASSERT_EQ(start.size(), expected.size());
  for (std::size_t k = 0; k < start.size(); ++k) EXPECT_NEAR(start[k], expected[k], 1e-5) << k;
}

TEST(ConditionalModelTest, CheckpointsKeepWhatItIs) {
  const testing::TemporaryFolder folder;
  const auto population = shifted_gaussians({0.2, 0.8}, 50, 1);
  const Values x = {0.5, -1, 2, 0.3};
  const std::int32_t problem = 1;
  for (const char* architecture : {"mlp", "velocity"}) {
    Job job = small_job();
    job.model.architecture = architecture;
    const auto description = describe_conditional(job, population);
    const auto written = make_conditional_model(description, 3);
    disturb(*written, 4);
    const auto file = folder / (std::string(architecture) + ".h5");
    write_checkpoint(file, *written);
    const auto read = read_conditional(file, job, population, "test.h5");
    const auto image = [&](ConditionalModel& model) {
      ProblemContexts contexts(population, model.description());
      return model.map_of(contexts.of({&problem, 1}), job)->forward(x, false).image;
    };
    EXPECT_EQ(image(*read), image(*written));

    auto other = population;
    other.contexts = {};
    expect_error([&] { read_conditional(file, job, other, "test.h5"); }, "test.h5",
                 "no /problems/context", "model.conditioning = 'none'");
    other.contexts = {2, {1, 2, 3, 4}};
    expect_error([&] { read_conditional(file, job, other, "test.h5"); },
                 "contexts of 2 numbers, the model is for 1");
    other = population;
    other.ground_cost = kernels::EuclideanCost{};
    expect_error([&] { read_conditional(file, job, other, "test.h5"); }, "has cost 'euclidean'");
    other = population;
    other.dimension = 1;
    expect_error([&] { read_conditional(file, job, other, "test.h5"); },
                 "points of 1 coordinates, the model is for 2");
    Job asked = job;
    asked.model.context_hidden = {7};
    expect_error([&] { read_conditional(file, asked, population, "test.h5"); },
                 "context_hidden = [6, 5]", "context_hidden = [7]");
  }
}

}  // namespace
}  // namespace otfleet
