#include "src/models/potential_model.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <thread>

#include "kernels/api/losses.hpp"
#include "kernels/api/outputs.hpp"
#include "kernels/runtime.hpp"
#include "src/populations/device_problems.hpp"
#include "tests/src/device_arrays.hpp"
#include "tests/src/predicted_potentials.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::blob_population;
using testing::cost_matrix;
using testing::dense_population;
using testing::predicted_potentials;
using testing::set_parameter;
using testing::upload;
using testing::weights_of;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double epsilon = 0.3;
constexpr std::size_t batch = 5;

struct Case {
  const char* architecture;
  bool shared;
  std::int64_t pooling = 1, output_pooling = 1;
};

void PrintTo(const Case& c, std::ostream* stream) {
  *stream << c.architecture << (c.shared ? ", one set of measures" : ", two sets") << ", pooling "
          << c.pooling << ", of the output " << c.output_pooling;
}

/// A small model of each kind and `batch` problems; n ≠ m where the sides have measures of their
/// own.
class PotentialModelTest : public ::testing::TestWithParam<Case> {
 protected:
  PotentialModelTest()
      : population_(GetParam().shared ? blob_population(4, 4, batch)
                                      : dense_population(9, 13, 4, batch)) {
    description_.architecture.architecture = GetParam().architecture;
    description_.architecture.hidden = {11, 8};
    description_.architecture.embedding = 6;
    description_.architecture.head = {11};
    description_.architecture.output_rank = 4;
    description_.architecture.pooling = GetParam().pooling;
    description_.architecture.output_pooling = GetParam().output_pooling;
    for (const auto& axis : population_.geometry.axes)
      description_.grid.push_back(static_cast<std::int64_t>(axis.size()));
    description_.n = population_.geometry.n;
    description_.m = population_.geometry.m;
    description_.shared_measures = GetParam().shared;
    description_.epsilon = epsilon;
    for (std::size_t k = 0; k < batch; ++k)
      for (const bool source : {true, false}) {
        const auto weights = weights_of(population_, source, static_cast<std::int64_t>(k));
        auto& side = source ? a_values_ : b_values_;
        side.insert(side.end(), weights.begin(), weights.end());
      }
    a_ = upload(a_values_, batch);
    b_ = upload(b_values_, batch);
    f_ = DeviceArray<double, 2>("otfleet::test::f", batch, n());
    slope_ = DeviceArray<double, 2>("otfleet::test::slope", batch, n());
  }

  std::size_t n() const { return static_cast<std::size_t>(description_.n); }

  PotentialModel make(std::int64_t seed = 3) const {
    PotentialModel model(description_, seed);
    if (description_.architecture.architecture != "pair_product") return model;
    // Products of fresh codes are so small that differences of losses tell nothing.
    auto parameters = model.parameters().download();
    for (float& parameter : parameters) parameter *= 2;
    model.parameters().upload(parameters);
    return model;
  }

  std::vector<double> forward(PotentialModel& model) const {
    model.forward(a_, b_, f_, epsilon);
    return f_.download();
  }

  /// The loss at the model's weights; leaves its slope in slope_.
  double loss(PotentialModel& model) const {
    model.forward(a_, b_, f_, epsilon);
    const DeviceArray<double> value("otfleet::test::value", batch);
    std::vector<std::int32_t> rows(batch);
    std::iota(rows.begin(), rows.end(), 0);
    kernels::semi_dual(
        device_problems(population_.geometry, epsilon, a_values_, b_values_).between(rows, rows),
        epsilon, f_.flat(), value, slope_.flat());
    const DeviceArray<double> loss("otfleet::test::loss", 2);
    kernels::negative_mean_dual(value, slope_.flat(), batch, loss);
    return loss.download()[0];
  }

  std::vector<float> gradients(PotentialModel& model) const {
    loss(model);
    model.backward(slope_);
    return model.gradients().download();
  }

  Population population_;
  ModelDescription description_;
  std::vector<double> a_values_, b_values_;
  DeviceArray<double, 2> a_, b_, f_, slope_;
};

INSTANTIATE_TEST_SUITE_P(Models, PotentialModelTest,
                         ::testing::Values(Case{"mlp", true}, Case{"mlp", false},
                                           Case{"pair_encoder", true}, Case{"pair_encoder", false},
                                           Case{"pair_encoder", true, 2},
                                           Case{"pair_encoder", true, 3},
                                           Case{"pair_product", true}, Case{"pair_product", false},
                                           Case{"pair_product", true, 2, 2},
                                           Case{"pair_product", true, 1, 3}));

// The whole loss in plain LibTorch and double, differentiated through the soft c-transform as well:
// nothing here knows of the envelope theorem.

using Weights = std::map<std::string, torch::Tensor>;

torch::Tensor layers(const Weights& weights, const std::string& part, torch::Tensor x, bool gelu) {
  for (int k = 0;; k += 2) {
    const auto name = [&](int layer) { return part + "." + std::to_string(layer); };
    x = torch::linear(x, weights.at(name(k) + ".weight"), weights.at(name(k) + ".bias"));
    if (!weights.contains(name(k + 2) + ".weight")) return x;
    x = gelu ? torch::gelu(x) : torch::relu(x);
  }
}

/// [pixels, blocks], the last axis fastest on both sides: 1 where a pixel is in a block.
torch::Tensor block_matrix(const std::vector<std::int64_t>& grid, std::int64_t pooling) {
  const std::int64_t rows = grid[0], columns = grid[1], across = (columns - 1) / pooling + 1;
  torch::Tensor result =
      torch::zeros({rows * columns, ((rows - 1) / pooling + 1) * across}, torch::kFloat64);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      result[i * columns + j][(i / pooling) * across + j / pooling] = 1;
  return result;
}

/// [pixels, blocks]: what the output for each block adds at each pixel, linear between the blocks'
/// centers along one axis after the other.
torch::Tensor interpolation_matrix(const std::vector<std::int64_t>& grid, std::int64_t pooling) {
  const auto axis_matrix = [&](std::int64_t length) {
    const std::int64_t blocks = (length - 1) / pooling + 1;
    std::vector<double> centers;
    for (std::int64_t c = 0; c < blocks; ++c)
      centers.push_back((c * pooling + std::min(length, (c + 1) * pooling) - 1) / 2.0);
    torch::Tensor result = torch::zeros({length, blocks}, torch::kFloat64);
    for (std::int64_t i = 0; i < length; ++i) {
      std::int64_t c = 0;
      while (c + 2 < blocks && static_cast<double>(i) >= centers[static_cast<std::size_t>(c) + 1])
        ++c;
      const double from = centers[static_cast<std::size_t>(c)],
                   to = centers[static_cast<std::size_t>(c) + 1];
      const double share = (static_cast<double>(i) - from) / (to - from);
      result[i][c] = 1 - share;
      result[i][c + 1] = share;
    }
    return result;
  };
  return torch::kron(axis_matrix(grid[0]), axis_matrix(grid[1]));
}

torch::Tensor plain_phi(const ModelDescription& description, const Weights& weights,
                        const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor x = a * description.n / 4.0, y = b * description.m / 4.0;  // masses are 1
  if (description.architecture.architecture == "mlp")
    return layers(weights, "body", torch::cat({x, y}, 1), false);
  const auto size = description.architecture.embedding;
  const std::string target = description.shared_measures ? "source_encoder" : "target_encoder";
  const auto scaled = [&](const torch::Tensor& w, const torch::Tensor& unpooled) {
    if (description.architecture.pooling == 1) return unpooled;
    const torch::Tensor sums =
        torch::mm(w, block_matrix(description.grid, description.architecture.pooling));
    return sums * sums.size(1) / 4.0;
  };
  const torch::Tensor source_code =
      layers(weights, "source_encoder", scaled(a, x), true).narrow(1, 0, size);
  const torch::Tensor target_code =
      layers(weights, target, scaled(b, y), true).narrow(1, size, size);
  if (description.architecture.architecture == "pair_product") {
    const torch::Tensor output =
        epsilon * layers(weights, "output", source_code * target_code, true);
    const std::int64_t blocks = description.architecture.output_pooling;
    return blocks == 1 ? output : output.matmul(interpolation_matrix(description.grid, blocks).t());
  }
  const torch::Tensor code = source_code + target_code;
  const torch::Tensor basis = layers(weights, "head", torch::gelu(code), true);
  return torch::linear(basis, weights.at("head.3.weight"), weights.at("head.3.bias"));
}

/// <w, potential> per row; a potential of −inf where the weight is zero counts for nothing.
torch::Tensor inner_product(const torch::Tensor& weights, const torch::Tensor& potential) {
  return (weights * potential.masked_fill(weights == 0, 0.0)).sum(1);
}

torch::Tensor plain_loss(const torch::Tensor& f, const torch::Tensor& a, const torch::Tensor& b,
                         const torch::Tensor& cost) {
  const torch::Tensor g =
      epsilon *
      (torch::log(b) - torch::logsumexp((f.unsqueeze(2) - cost.unsqueeze(0)) / epsilon, 1));
  const torch::Tensor plan =
      torch::exp((f.unsqueeze(2) + g.unsqueeze(1) - cost.unsqueeze(0)) / epsilon);
  return -(inner_product(a, f) + inner_product(b, g) + epsilon * (1 - plan.sum({1, 2}))).mean();
}

torch::Tensor double_tensor(const std::vector<double>& values,
                            const std::vector<std::int64_t>& shape) {
  return torch::tensor(values, torch::kFloat64).reshape(shape);
}

TEST_P(PotentialModelTest, GradientEqualsPlainAutograd) {
  PotentialModel model = make();
  Weights weights;
  const auto parameters = model.parameters().download();
  for (const auto& entry : model.entries()) {
    const auto begin = parameters.begin() + entry.offset;
    weights[entry.name] = double_tensor({begin, begin + entry.size}, entry.shape)
                              .detach()
                              .clone()
                              .set_requires_grad(true);
  }
  const auto rows = static_cast<std::int64_t>(batch);
  const torch::Tensor a = double_tensor(a_values_, {rows, description_.n});
  const torch::Tensor b = double_tensor(b_values_, {rows, description_.m});
  const torch::Tensor f =
      plain_phi(description_, weights, a, b) + epsilon * torch::log(a);  // −inf where a is 0
  const torch::Tensor expected_loss = plain_loss(
      f, a, b, double_tensor(cost_matrix(population_.geometry), {description_.n, description_.m}));
  expected_loss.backward();

  // Floats have 6e-8 of relative precision and a few dozen terms meet in a layer: φ is good to
  // about 1e-6, exp(φ/epsilon) to a few of them.
  const double value = loss(model);
  EXPECT_NEAR(value, expected_loss.item<double>(), 1e-6);
  const auto values = f_.download();
  const torch::Tensor flat = f.detach().reshape({-1});
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = flat[static_cast<std::int64_t>(i)].item<double>();
    if (std::isinf(expected))
      EXPECT_EQ(values[i], expected);
    else
      EXPECT_NEAR(values[i], expected, 2e-6);
  }

  model.backward(slope_);
  const auto gradient = model.gradients().download();
  const float largest =
      std::abs(*std::max_element(gradient.begin(), gradient.end(),
                                 [](float x, float y) { return std::abs(x) < std::abs(y); }));
  ASSERT_GT(largest, 1e-3f);
  for (const auto& entry : model.entries()) {
    const torch::Tensor expected = weights[entry.name].grad().reshape({-1});
    for (std::int64_t i = 0; i < entry.size; ++i)
      EXPECT_NEAR(gradient[static_cast<std::size_t>(entry.offset + i)], expected[i].item<double>(),
                  1e-5 * largest)
          << entry.name << " " << i;
  }
}

TEST_P(PotentialModelTest, GradientEqualsFiniteDifferences) {
  PotentialModel model = make();
  const auto gradient = gradients(model);
  const auto parameters = model.parameters().download();
  for (const auto& entry : model.entries()) {
    // The steepest parameter of every layer: the others say little in single precision.
    const auto begin = gradient.begin() + entry.offset;
    const auto at = std::max_element(begin, begin + entry.size,
                                     [](float x, float y) { return std::abs(x) < std::abs(y); }) -
                    gradient.begin();
    // Two central differences, the second to cancel the first's h² term. The loss carries φ's
    // rounding of about 1e-7, over h that is 3e-5; what is left of the h⁴ term is smaller. A larger
    // h meets kinks of ReLU.
    constexpr float h = 0.004f;
    const float center = parameters[static_cast<std::size_t>(at)];
    const auto difference = [&](float step) {
      set_parameter(model, at, center + step);
      const double up = loss(model);
      set_parameter(model, at, center - step);
      const double down = loss(model);
      set_parameter(model, at, center);
      return (up - down) / (static_cast<double>(center + step) - (center - step));
    };
    const double expected = (4 * difference(h) - difference(2 * h)) / 3;
    EXPECT_NEAR(gradient[static_cast<std::size_t>(at)], expected, 5e-5) << entry.name;
    EXPECT_GT(std::abs(expected), 5e-4) << entry.name << ": too flat to tell anything";
  }
}

TEST_P(PotentialModelTest, PotentialIsMinusInfinityExactlyWhereThereIsNoWeight) {
  PotentialModel model = make();
  const auto f = forward(model);
  std::size_t empty = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    empty += a_values_[i] == 0;
    if (a_values_[i] == 0)
      EXPECT_EQ(f[i], -infinity);
    else
      EXPECT_TRUE(std::isfinite(f[i]));
  }
  EXPECT_GT(empty, 0u);
}

TEST_P(PotentialModelTest, BackwardForgetsTheStepBefore) {
  PotentialModel model = make();
  const auto once = gradients(model);
  EXPECT_EQ(gradients(model), once);
  loss(model);
  // A slope where there is no weight must not count, whatever its value.
  auto slope = slope_.download();
  for (std::size_t i = 0; i < slope.size(); ++i)
    if (a_values_[i] == 0) slope[i] = infinity;
  model.backward(upload(slope, batch));
  EXPECT_EQ(model.gradients().download(), once);
}

/// What is told as complete stays as it is, and layers are told before the pass is over.
TEST_P(PotentialModelTest, BackwardTellsWhatIsComplete) {
  PotentialModel model = make();
  for (int pass = 0; pass < 2; ++pass) {
    loss(model);
    std::vector<std::int64_t> told;
    std::vector<std::vector<float>> tails;
    const auto caller = std::this_thread::get_id();
    model.backward(slope_, [&](std::int64_t complete_from) {
      EXPECT_TRUE(kernels::runs_on_gpu() || std::this_thread::get_id() == caller);
      told.push_back(complete_from);
      const auto now = model.gradients().download();
      tails.emplace_back(now.begin() + complete_from, now.end());
    });
    const auto gradient = model.gradients().download();
    EXPECT_TRUE(std::is_sorted(told.rbegin(), told.rend()));
    const auto entries = model.entries();
    ASSERT_EQ(told.size(), entries.size() + 1);
    EXPECT_EQ(told.back(), 0);
    for (std::size_t call = 0; call < told.size(); ++call)
      EXPECT_EQ(tails[call], std::vector<float>(gradient.begin() + told[call], gradient.end()));
    // The last layer is complete when it has its weights and its bias, and nothing else is needed.
    EXPECT_EQ(told[1], entries[entries.size() - 2].offset);
  }
  EXPECT_EQ(gradients(model), gradients(model));  // nobody listens
}

TEST_P(PotentialModelTest, BackwardWithoutProblems) {
  PotentialModel model = make();
  const auto parameters = gradients(model).size();
  std::vector<std::int64_t> told;
  model.backward(DeviceArray<double, 2>("otfleet::test::slope", 0, n()),
                 [&](std::int64_t complete_from) { told.push_back(complete_from); });
  EXPECT_EQ(told, std::vector<std::int64_t>{0});
  EXPECT_EQ(model.gradients().download(), std::vector<float>(parameters, 0.0f));
}

TEST_P(PotentialModelTest, PredictorEqualsForward) {
  PotentialModel model = make();
  const auto expected = forward(model);
  const auto source =
      upload(population_.source_weights, static_cast<std::size_t>(population_.source_measures));
  const auto target = population_.shared_measures
                          ? source
                          : upload(population_.target_weights,
                                   static_cast<std::size_t>(population_.target_measures));
  const PairPredictor predictor(model, source, target);
  // In another order and number than the batch, one problem twice.
  const std::vector<std::size_t> order = {4, 0, 2, 2};
  std::vector<std::int32_t> sources, targets;
  for (const std::size_t k : order) {
    sources.push_back(population_.source[k]);
    targets.push_back(population_.target[k]);
  }
  const auto f = predicted_potentials(predictor, source, sources, targets, epsilon);
  const auto values = f.download();
  for (std::size_t row = 0; row < order.size(); ++row) {
    const PairPredictor another(model, source, target);
    const auto alone = predicted_potentials(another, source, std::span(sources).subspan(row, 1),
                                            std::span(targets).subspan(row, 1), epsilon);
    const auto value_alone = alone.download();
    for (std::size_t i = 0; i < n(); ++i) {
      const double wanted = expected[order[row] * n() + i];
      // Products of another size may add in another order.
      for (const double value : {values[row * n() + i], value_alone[i]}) {
        if (std::isinf(wanted))
          EXPECT_EQ(value, wanted);
        else
          EXPECT_NEAR(value, wanted, 2e-6);
      }
    }
  }
  // Codes that are there already are used again.
  const auto again = predicted_potentials(predictor, source, sources, targets, epsilon);
  EXPECT_EQ(again.download(), values);
}

/// More measures than are encoded at once, asked for in any order.
TEST_P(PotentialModelTest, PredictorOfManyMeasures) {
  constexpr int measures = 5000;
  constexpr std::size_t pairs = measures;
  PotentialModel model = make();
  const auto a = testing::random_measures(measures, static_cast<int>(description_.n), 11);
  const auto b = testing::random_measures(measures, static_cast<int>(description_.m), 12);
  const auto source = upload(a, measures);
  const auto target = description_.shared_measures ? source : upload(b, measures);
  std::vector<std::int32_t> sources, targets;
  for (int k = 0; k < measures; ++k) {
    sources.push_back(measures - 1 - k);
    targets.push_back((7 * k + 3) % measures);
  }
  const PairPredictor predictor(model, source, target);
  const auto predicted = predicted_potentials(predictor, source, sources, targets, epsilon);

  const auto rows_of = [](const std::vector<double>& weights, std::int64_t points,
                          const std::vector<std::int32_t>& which) {
    std::vector<double> rows;
    for (const std::int32_t measure : which)
      rows.insert(rows.end(), weights.begin() + measure * points,
                  weights.begin() + (measure + 1) * points);
    return upload(rows, pairs);
  };
  const auto& target_values = description_.shared_measures ? a : b;
  const DeviceArray<double, 2> expected("otfleet::test::f", pairs, n());
  model.forward(rows_of(a, description_.n, sources),
                rows_of(target_values, description_.m, targets), expected, epsilon);
  const auto found = predicted.download(), wanted = expected.download();
  double worst = 0;
  std::size_t misplaced = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (std::isinf(wanted[i]) || std::isinf(found[i]))
      misplaced += found[i] != wanted[i];
    else
      worst = std::max(worst, std::abs(found[i] - wanted[i]));
  EXPECT_EQ(misplaced, 0u);
  EXPECT_LT(worst, 2e-6);
}

TEST_P(PotentialModelTest, PredictorOfNoProblems) {
  PotentialModel model = make();
  const auto source =
      upload(population_.source_weights, static_cast<std::size_t>(population_.source_measures));
  const auto target = population_.shared_measures
                          ? source
                          : upload(population_.target_weights,
                                   static_cast<std::size_t>(population_.target_measures));
  const PairPredictor predictor(model, source, target);
  EXPECT_FALSE(predictor.predict({}, {}).any());
}

TEST_P(PotentialModelTest, SeedsReproduce) {
  PotentialModel first = make(3), second = make(3), other = make(4);
  EXPECT_EQ(first.parameters().download(), second.parameters().download());
  EXPECT_NE(first.parameters().download(), other.parameters().download());
}

TEST_P(PotentialModelTest, CloneIsIndependent) {
  std::optional<PotentialModel> model(make());
  const auto weights = model->parameters().download();
  const auto f = forward(*model);
  gradients(*model);
  PotentialModel copy = model->clone();
  EXPECT_EQ(copy.parameters().download(), weights);
  EXPECT_EQ(copy.gradients().download(), std::vector<float>(weights.size(), 0.0f));
  EXPECT_EQ(forward(copy), f);

  for (std::size_t at = 0; at < weights.size(); ++at)
    set_parameter(copy, static_cast<std::int64_t>(at), weights[at] + 0.5f);
  EXPECT_EQ(model->parameters().download(), weights);
  EXPECT_EQ(forward(*model), f);
  const auto changed = forward(copy);
  EXPECT_NE(changed, f);
  model.reset();
  EXPECT_EQ(forward(copy), changed);
}

TEST_P(PotentialModelTest, EntriesCoverTheParameters) {
  PotentialModel model = make();
  std::int64_t offset = 0;
  for (const auto& entry : model.entries()) {
    EXPECT_EQ(entry.offset, offset);
    std::int64_t size = 1;
    for (const auto length : entry.shape) size *= length;
    EXPECT_EQ(entry.size, size);
    offset += entry.size;
  }
  EXPECT_EQ(offset, static_cast<std::int64_t>(model.parameters().extent(0)));
  EXPECT_EQ(model.gradients().extent(0), model.parameters().extent(0));
}

}  // namespace
}  // namespace otfleet
