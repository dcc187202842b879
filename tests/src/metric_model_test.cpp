// The metric of metric_learning: what it gives the kernels, and its derivatives by the weights.
#include "src/families/metric_learning/metric_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

MetricDescription description() {
  MetricDescription description;
  description.hidden = {8};
  description.box = {-1, 2, -3, 1};
  description.cells = 6;
  description.along = 0.3;
  return description;
}

/// A model whose vectors are not next to nothing, as fresh ones are.
MetricModel model_with_vectors() {
  MetricModel model(description(), 4);
  auto weights = model.parameters().download();
  for (std::size_t k = 0; k < weights.size(); ++k)
    weights[k] += 0.3F * std::sin(static_cast<float>(7 * k + 1));
  model.parameters().upload(std::span<const float>(weights));
  return model;
}

/// Compares gradients() with differences of `value`.
void expect_gradient(MetricModel& model, const std::function<double()>& value) {
  const auto gradient = model.gradients().download();
  const auto weights = model.parameters().download();
  double largest = 0;
  for (const float one : gradient) largest = std::max(largest, std::abs(static_cast<double>(one)));
  ASSERT_GT(largest, 0);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const float step = 2e-3F;
    double difference = 0;
    for (const float signed_step : {step, -step}) {
      auto changed = weights;
      changed[k] += signed_step;
      model.parameters().upload(std::span<const float>(changed));
      difference += value() / (2 * static_cast<double>(signed_step));
    }
    EXPECT_NEAR(gradient[k], difference, 5e-3 * largest) << k;
  }
  model.parameters().upload(std::span<const float>(weights));
}

TEST(MetricModel, NumbersAreDirectionsOverTheBox) {
  MetricModel model = model_with_vectors();
  const auto lagrangian = model.lagrangian();
  EXPECT_EQ(lagrangian.along, 0.3);
  EXPECT_EQ(lagrangian.field.rows, 7);
  EXPECT_EQ(lagrangian.field.columns, 7);
  EXPECT_EQ(lagrangian.field.low[0], -1);
  EXPECT_DOUBLE_EQ(lagrangian.field.step[1], 4.0 / 6);
  ASSERT_EQ(lagrangian.values->size(), 2u * 49);
  for (std::size_t k = 0; k < 49; ++k)
    EXPECT_LE(std::hypot((*lagrangian.values)[k], (*lagrangian.values)[49 + k]), 1 + 1e-12);
}

TEST(MetricModel, HasTheDerivativeOfItsNumbers) {
  MetricModel model = model_with_vectors();
  std::vector<double> slope(2 * 49);
  for (std::size_t k = 0; k < slope.size(); ++k) slope[k] = std::cos(static_cast<double>(3 * k));
  model.lagrangian(true);
  model.backward(slope);
  expect_gradient(model, [&] {
    const auto values = *model.lagrangian().values;
    double sum = 0;
    for (std::size_t k = 0; k < values.size(); ++k) sum += slope[k] * values[k];
    return sum;
  });
  model.lagrangian(true);
  model.backward({});
  for (const float one : model.gradients().download()) EXPECT_EQ(one, 0);
}

TEST(MetricModel, FilesHaveTheMetricItself) {
  MetricModel model = model_with_vectors();
  const testing::TemporaryFolder folder;
  auto file = distributed::Hdf5File::create(folder / "model.h5");
  file.create_group("/model");
  model.write_description(file);
  file.close();
  kernels::MetricLagrangian metric;
  const auto directions = model.lagrangian();
  metric.field = directions.field;
  metric.take(distributed::Hdf5File::open(folder / "model.h5").read<double>("/model/metric"));
  EXPECT_GE(metric.least, 0.3 - 1e-9);
  for (const double x : {-0.9, 0.1, 1.7})
    for (const double y : {-2.8, -1.1, 0.9}) {
      const double place[2] = {x, y}, v[2] = {0.3, -0.8};
      double slope_x[2], slope_v[2];
      EXPECT_NEAR(metric.value(place, v, 2, slope_x, slope_v),
                  directions.value(place, v, 2, slope_x, slope_v), 1e-12);
    }
}

TEST(MetricModel, TurnsTowardsDirections) {
  MetricModel model = model_with_vectors();
  const std::vector<double> places = {0, 0, 1.5, -2, -0.7, 0.4};
  // Steps down the slope lead to the directions, whatever they are.
  const std::vector<double> directions = {1, 0, 0.6, 0.8, 0, -1};
  for (int step = 0; step < 3000; ++step) {
    model.lagrangian(true);
    model.backward_to(places, directions, 1);
    auto weights = model.parameters().download();
    const auto gradient = model.gradients().download();
    for (std::size_t k = 0; k < weights.size(); ++k) weights[k] -= 0.02F * gradient[k];
    model.parameters().upload(std::span<const float>(weights));
  }
  const auto lagrangian = model.lagrangian();
  for (std::size_t k = 0; k < 6; k += 2) {
    double across[2] = {-directions[k + 1], directions[k]}, slope_x[2], slope_v[2];
    const double cheap = lagrangian.value(&places[k], &directions[k], 2, slope_x, slope_v),
                 dear = lagrangian.value(&places[k], across, 2, slope_x, slope_v);
    EXPECT_LT(cheap, 0.25) << k;  // 0.325 in all directions without a metric
    EXPECT_GT(dear, 0.4) << k;
  }
}

}  // namespace
}  // namespace otfleet
