#include "src/families/neural_dual/neural_dual.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "src/families/neural_dual/neural_dual_checkpoint.hpp"
#include "tests/src/device_arrays.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

template <class Scalar>
using Points = DeviceArray<Scalar, 2>;

template <class Scalar>
Points<Scalar> upload(const std::vector<double>& values, std::size_t rows) {
  const Points<Scalar> device("otfleet::test::points", rows, values.size() / rows);
  const auto host = device.mirror();
  std::transform(values.begin(), values.end(), host.begin(),
                 [](double value) { return static_cast<Scalar>(value); });
  device.upload(host);
  return device;
}

std::vector<double> normals(std::size_t count, unsigned seed, double scale = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(count);
  for (double& value : values) value = scale * normal(engine);
  return values;
}

DualDescription describe(const std::string& architecture, const std::string& predictor,
                         const std::string& activation, std::int64_t dimension,
                         std::vector<std::int64_t> hidden = {24, 17, 9}) {
  DualDescription description;
  description.architecture.architecture = architecture;
  description.architecture.predictor = predictor;
  description.architecture.activation = *value_of<kernels::Activation>(activation);
  description.architecture.hidden = std::move(hidden);
  description.architecture.predictor_hidden = {16, 12};
  description.architecture.quadratic_rank = 2;
  description.dimension = dimension;
  description.samples = "test";
  return description;
}

/// Weights that are not nearly the identity map any more.
void shake(NeuralDual& model, unsigned seed, float scale) {
  const auto parameters = model.parameters();
  auto host = parameters.download();
  const auto noise = normals(host.size(), seed, scale);
  for (std::size_t k = 0; k < noise.size(); ++k) host[k] += static_cast<float>(noise[k]);
  parameters.upload(host);
  model.make_convex();
}

struct Evaluated {
  std::vector<double> value, gradient;
};

template <class Scalar>
Evaluated evaluate(kernels::Oracle<Scalar>& oracle, const std::vector<double>& points,
                   std::size_t rows) {
  const DeviceArray<Scalar> value("otfleet::test::value", rows);
  const Points<Scalar> gradient("otfleet::test::gradient", rows, points.size() / rows);
  oracle.evaluate(upload<Scalar>(points, rows), value, gradient);
  const auto v = value.download();
  const auto g = gradient.download();
  return {{v.begin(), v.end()}, {g.begin(), g.end()}};
}

template <class Scalar>
Evaluated fused(const NeuralDual& model, const std::vector<double>& points, std::size_t rows) {
  kernels::Network<Scalar> oracle(model.potential<Scalar>(), static_cast<int>(rows));
  return evaluate(oracle, points, rows);
}

const char* const architectures[] = {"mlp", "icnn"};
const char* const activations[] = {"relu", "leaky_relu", "elu", "softplus"};

TEST(NeuralDualTest, FusedOraclesAreTheDifferentiatedOnes) {
  constexpr std::size_t rows = 11;
  unsigned seed = 0;
  for (const char* architecture : architectures)
    for (const char* activation : activations)
      for (const std::int64_t dimension : {1, 2, 7}) {
        SCOPED_TRACE(std::string(architecture) + " " + activation);
        const std::vector<std::vector<std::int64_t>> shapes = {{5}, {24, 17, 9}, {8, 8, 8, 8}};
        ++seed;
        NeuralDual model(describe(architecture, "none", activation, dimension, shapes[seed % 3]),
                         seed);
        shake(model, seed, 0.2f);
        const auto points = normals(rows * static_cast<std::size_t>(dimension), seed);
        const auto compare = [&](const Evaluated& one, const Evaluated& other, double tolerance) {
          for (std::size_t k = 0; k < one.value.size(); ++k)
            EXPECT_NEAR(one.value[k], other.value[k], tolerance * (1 + std::abs(other.value[k])));
          for (std::size_t k = 0; k < one.gradient.size(); ++k)
            EXPECT_NEAR(one.gradient[k], other.gradient[k],
                        tolerance * (1 + std::abs(other.gradient[k])));
        };
        const auto exact = model.differentiated_potential<double>();
        const auto in_float = model.differentiated_potential<float>();
        const Evaluated reference = evaluate(*exact, points, rows);
        compare(fused<double>(model, points, rows), reference, 1e-10);
        compare(fused<float>(model, points, rows), evaluate(*in_float, points, rows), 2e-4);
      }
}

TEST(NeuralDualTest, FreshMapsAreNearlyTheIdentity) {
  constexpr std::size_t rows = 50;
  for (const char* architecture : architectures)
    for (const char* predictor : {"mlp", "icnn", "none"}) {
      SCOPED_TRACE(std::string(architecture) + " " + predictor);
      NeuralDual model(describe(architecture, predictor, "elu", 3), 5);
      const auto points = normals(3 * rows, 1);
      const Evaluated mapped = fused<double>(model, points, rows);
      const Points<float> predicted("otfleet::test::predicted", rows, 3);
      model.predict(upload<float>(points, rows), predicted);
      const auto prediction = predicted.download();
      for (std::size_t k = 0; k < points.size(); ++k) {
        EXPECT_NEAR(mapped.gradient[k], points[k], 0.05);
        EXPECT_NEAR(prediction[k], points[k], 0.05);
      }
    }
}

/// A loss with the derivative that backward() is asked for.
double loss_of(NeuralDual& model, const std::vector<double>& x, const std::vector<double>& weight,
               const std::vector<double>& y, const std::vector<double>& slope,
               const std::vector<double>& path_slope) {
  const std::size_t points = weight.size(), rows = y.size() / 2;
  const Evaluated f = fused<double>(model, x, points);
  double loss = 0;
  for (std::size_t k = 0; k < points; ++k) loss += weight[k] * f.value[k];
  const Points<float> predicted("otfleet::test::predicted", rows, 2);
  const Points<float> paths("otfleet::test::paths", rows, path_slope.size() / rows);
  model.predict(upload<float>(y, rows), predicted, paths);
  const auto prediction = predicted.download(), path = paths.download();
  for (std::size_t k = 0; k < prediction.size(); ++k)
    loss += slope[k] * static_cast<double>(prediction[k]);
  for (std::size_t k = 0; k < path.size(); ++k)
    loss += path_slope[k] * static_cast<double>(path[k]);
  return loss;
}

TEST(NeuralDualTest, BackwardIsTheDerivative) {
  constexpr std::size_t points = 7, rows = 5;
  for (const char* architecture : architectures)
    for (const std::string predictor : {"mlp", "icnn", "mlp with paths"}) {
      SCOPED_TRACE(std::string(architecture) + " " + predictor);
      const bool paths = predictor == "mlp with paths";
      auto description = describe(architecture, paths ? "mlp" : predictor, "softplus", 2);
      if (paths) {
        description.path_nodes = 5;
        description.path_points = 9;
      }
      NeuralDual model(description, 3);
      ASSERT_EQ(model.path_numbers(), paths ? 6 : 0);
      const std::size_t numbers = rows * static_cast<std::size_t>(model.path_numbers());
      shake(model, 1, 0.1f);
      const auto x = normals(2 * points, 2), weight = normals(points, 3), y = normals(2 * rows, 4),
                 slope = normals(2 * rows, 5), path_slope = normals(numbers, 6);
      const auto weights = upload<float>(weight, points);
      const auto targets = upload<float>(y, rows);
      const Points<float> predicted("otfleet::test::predicted", rows, 2);
      std::int64_t heard = -1;
      model.predict(targets, predicted, {}, true);
      model.backward(upload<float>(x, points), DeviceArray<const float>(weights.data(), {points}),
                     upload<float>(slope, rows), upload<float>(path_slope, rows),
                     [&](std::int64_t from) { heard = from; });
      EXPECT_EQ(heard, 0);
      const auto gradient = model.gradients().download();
      const auto weights_now = model.parameters().download();
      for (std::size_t k = 0; k < gradient.size(); k += 13) {
        const float step = 1e-2f;
        const auto at = [&](float moved) {
          testing::set_parameter(model, static_cast<std::int64_t>(k), moved);
          return loss_of(model, x, weight, y, slope, path_slope);
        };
        const double expected =
            (at(weights_now[k] + step) - at(weights_now[k] - step)) / (2.0 * step);
        at(weights_now[k]);
        EXPECT_NEAR(gradient[k], expected, 2e-3 * (1 + std::abs(expected))) << k;
      }
      // Without points and slopes nothing is left of the last pass.
      model.backward({}, {}, {});
      for (const float one : model.gradients().download()) EXPECT_EQ(one, 0);
    }
}

TEST(NeuralDualTest, CycleSlopeIsTheDerivative) {
  constexpr std::size_t rows = 4;
  for (const char* architecture : architectures) {
    SCOPED_TRACE(architecture);
    NeuralDual model(describe(architecture, "none", "softplus", 3), 4);
    shake(model, 2, 0.1f);
    const auto x = normals(3 * rows, 6), y = normals(3 * rows, 7);
    const Points<float> slope("otfleet::test::slope", rows, 3);
    model.cycle_slope(upload<float>(x, rows), upload<float>(y, rows), 0.5, slope);
    const auto found = slope.download();
    const auto missed = [&](const std::vector<double>& at) {
      const Evaluated f = fused<double>(model, at, rows);
      double sum = 0;
      for (std::size_t k = 0; k < y.size(); ++k)
        sum += 0.5 * (f.gradient[k] - y[k]) * (f.gradient[k] - y[k]);
      return sum;
    };
    for (std::size_t k = 0; k < x.size(); ++k) {
      auto up = x, down = x;
      up[k] += 1e-4;
      down[k] -= 1e-4;
      const double expected = (missed(up) - missed(down)) / 2e-4;
      EXPECT_NEAR(found[k], expected, 1e-3 * (1 + std::abs(expected)));
    }
  }
}

TEST(NeuralDualTest, InputConvexNetworksAreConvex) {
  constexpr std::size_t pairs = 200;
  for (const char* activation : activations) {
    NeuralDual model(describe("icnn", "none", activation, 4), 6);
    shake(model, 3, 0.3f);
    const auto x = normals(4 * pairs, 8, 2), y = normals(4 * pairs, 9, 2);
    std::vector<double> middle(x.size());
    for (std::size_t k = 0; k < x.size(); ++k) middle[k] = (x[k] + y[k]) / 2;
    const auto fx = fused<double>(model, x, pairs).value, fy = fused<double>(model, y, pairs).value,
               fm = fused<double>(model, middle, pairs).value;
    for (std::size_t k = 0; k < pairs; ++k)
      EXPECT_LE(fm[k], (fx[k] + fy[k]) / 2 + 1e-12) << activation;
  }
}

class NeuralDualCheckpoint : public ::testing::Test {
 protected:
  static Job job_of(const DualDescription& description) {
    Job job = Job::defaults(ProblemKind::neural_dual);
    job.model = description.architecture;
    return job;
  }

  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "model.h5";
  const DualDescription description_ = describe("icnn", "mlp", "elu", 3);
};

TEST_F(NeuralDualCheckpoint, ComesBackBitByBit) {
  for (const char* architecture : architectures)
    for (const char* predictor : {"mlp", "icnn", "none"}) {
      const auto description = describe(architecture, predictor, "elu", 3);
      NeuralDual model(description, 8);
      shake(model, 4, 0.1f);
      write_checkpoint(file_, model);
      NeuralDual back = read_neural_dual(file_, job_of(description), 3);
      EXPECT_EQ(back.parameters().download(), model.parameters().download());
      EXPECT_EQ(back.description().samples, "test");
      EXPECT_EQ(back.description().dimension, 3);
    }
}

TEST_F(NeuralDualCheckpoint, RefusesWhatDoesNotFit) {
  NeuralDual model(description_, 8);
  write_checkpoint(file_, model);
  const auto refused = [&](const Job& job, std::int64_t dimension, const std::string& part) {
    expect_error([&] { read_neural_dual(file_, job, dimension); }, "model.h5", part);
  };
  const Job good = job_of(description_);
  refused(good, 4, "dimension 3, these have 4");
  Job job = good;
  job.model.architecture = "mlp";
  refused(job, 3, "holds icnn with hidden = [24, 17, 9]");
  job = good;
  job.model.predictor = "none";
  refused(job, 3, "predictor = mlp");
  job = good;
  job.model.hidden = {24, 17};
  refused(job, 3, "asks for icnn with hidden = [24, 17]");
  testing::set_parameter(model, 5, NAN);
  write_checkpoint(file_, model);
  refused(good, 3, "not finite");
}

}  // namespace
}  // namespace otfleet
