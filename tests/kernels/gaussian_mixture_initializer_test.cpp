#include "kernels/initializers/gaussian_mixture.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "kernels/initializers/log_weights.hpp"
#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

struct Clouds {
  Rows x, y;
  HostBatch batch;
};

Rows random_points(Random& random, int count, int dimension) {
  Rows points;
  for (int i = 0; i < count; ++i) points.push_back(random.uniform_row(dimension, -1, 2));
  return points;
}

SeparableCost squared_distances(const Rows& x, const Rows& y) {
  Row values;
  for (const Row& from : x)
    for (const Row& to : y) {
      double sum = 0;
      for (std::size_t p = 0; p < from.size(); ++p) sum += std::pow(from[p] - to[p], 2);
      values.push_back(sum);
    }
  return SeparableCost::dense(static_cast<int>(x.size()), static_cast<int>(y.size()), values);
}

Clouds random_problems(Random& random, int n, int m, int dimension, int count, double zeros) {
  const Rows x = random_points(random, n, dimension), y = random_points(random, m, dimension);
  Clouds clouds{x, y, {squared_distances(x, y)}};
  for (int k = 0; k < count; ++k)
    clouds.batch.add(random.weights(n, zeros), random.weights(m, zeros));
  return clouds;
}

Rows mixture_start(const Clouds& clouds, double epsilon, int components, int iterations = 5) {
  const int d = static_cast<int>(clouds.x.front().size());
  const Matrix<double, Space> f("otfleet::test::f", clouds.batch.size(), clouds.batch.cost.n());
  gaussian_mixture_initializer<Space>(Space(), on_device(clouds.x, d), on_device(clouds.y, d),
                                      on_device(clouds.batch), {epsilon, components, iterations},
                                      f);
  return on_host(f);
}

Rows with_log_weights(const HostBatch& batch, double epsilon, const Rows& f) {
  const auto start = on_device(f, batch.cost.n());
  add_log_weights<Space>(Space(), on_device(batch), epsilon, start);
  return on_host(start);
}

TEST(GaussianMixtureInitializer, one_component_is_the_gaussian_start) {
  Random random(81);
  for (int d = 1; d <= 3; ++d) {
    const Clouds clouds = random_problems(random, 30, 40, d, 8, 0.2);
    const Rows gaussian = gaussian_start(clouds.batch, clouds.x, clouds.y);
    const Rows mixture = mixture_start(clouds, 1e-9, 1);
    for (int k = 0; k < 8; ++k)
      EXPECT_LT(distance_up_to_constant(mixture[k], gaussian[k]), 1e-7) << "dimension " << d;
  }
}

Row gaussian_weights(const Rows& points, double mean, double deviation) {
  Row weights;
  double mass = 0;
  for (const Row& point : points) {
    double sum = 0;
    for (double x : point) sum += std::pow((x - mean) / deviation, 2);
    weights.push_back(std::exp(-0.5 * sum));
    mass += weights.back();
  }
  for (double& w : weights) w /= mass;
  return weights;
}

/// The potential of the entropic problem itself, whatever epsilon is.
TEST(GaussianMixtureInitializer, one_component_solves_gaussians_with_entropy) {
  Rows x;
  Row axis;
  for (int i = 0; i < 25; ++i) axis.push_back(i / 24.0);
  for (double v : axis)
    for (double u : axis) x.push_back({v, u});
  Clouds clouds{x, x, {SeparableCost::squared_euclidean_grid({axis, axis})}};
  clouds.batch.add(gaussian_weights(x, 0.42, 0.08), gaussian_weights(x, 0.55, 0.1));
  for (double epsilon : {1e-2, 5e-2, 0.3}) {
    const Rows f = with_log_weights(clouds.batch, epsilon, mixture_start(clouds, epsilon, 1));
    EXPECT_LT(judge(clouds.batch, epsilon, f).marginal_error[0], 5e-3) << epsilon;
  }
}

TEST(GaussianMixtureInitializer, two_far_blobs_are_matched_one_by_one) {
  // Two lumps in each measure, with the same shares: two Gaussian problems side by side.
  Rows x;
  for (int i = 0; i < 81; ++i) x.push_back({i / 80.0});
  Clouds clouds{x, x, {squared_distances(x, x)}};
  const auto lumps = [&](double left, double right, double deviation) {
    Row sum(x.size());
    const Row l = gaussian_weights(x, left, deviation), r = gaussian_weights(x, right, deviation);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double weight = 0.3 * l[i] + 0.7 * r[i];
      sum[i] = weight > 1e-6 ? weight : 0;
    }
    return sum;
  };
  clouds.batch.add(lumps(0.15, 0.75, 0.03), lumps(0.25, 0.85, 0.04));
  const double epsilon = 2e-3;
  const auto error = [&](int components) {
    return judge(
               clouds.batch, epsilon,
               with_log_weights(clouds.batch, epsilon, mixture_start(clouds, epsilon, components)))
        .marginal_error[0];
  };
  EXPECT_LT(error(2), 0.02);
  EXPECT_LT(error(2), error(1) / 5);
}

/// With a component a point the mixture is the measure, and its potential the problem's.
TEST(GaussianMixtureInitializer, a_component_for_every_point_solves_the_problem) {
  Random random(82);
  Clouds clouds = random_problems(random, 16, 16, 2, 10, 0.8);
  const double epsilon = 1;
  const Rows f = with_log_weights(clouds.batch, epsilon, mixture_start(clouds, epsilon, 16, 40));
  int solved = 0;
  for (double error : judge(clouds.batch, epsilon, f).marginal_error) solved += error < 1e-2;
  EXPECT_GE(solved, 7);  // k-means may leave two points together
}

TEST(GaussianMixtureInitializer, is_finite_for_degenerate_measures) {
  Random random(83);
  for (int d = 1; d <= 3; ++d)
    for (int components : {1, 2, 4, 8, 16})
      for (double epsilon : {1e-6, 1e-2, 10.0}) {
        Rows x = random_points(random, 20, d);
        for (int i = 10; i < 20; ++i) x[i] = x[i - 10];  // duplicates
        Clouds clouds{x, x, {squared_distances(x, x)}};
        Row one(20, 0.0), tiny(20, 1e-300), same(20, 0.0), wide(20);
        one[3] = 5;
        tiny[0] = 1;
        same[4] = same[14] = 0.5;
        for (int i = 0; i < 20; ++i) wide[i] = std::pow(10.0, -15.0 * i);
        const Row all = random.weights(20);
        for (const Row& a : {one, tiny, same, wide, all})
          for (const Row& b : {one, tiny, same, wide, all}) clouds.batch.add(a, b);
        for (const Row& f : mixture_start(clouds, epsilon, components))
          for (double value : f) ASSERT_TRUE(std::isfinite(value));
      }
  Clouds single{{{0.5, 0.5}}, {{0.1, 0.2}}, {squared_distances({{0.5, 0.5}}, {{0.1, 0.2}})}};
  single.batch.add({1}, {1});
  EXPECT_TRUE(std::isfinite(mixture_start(single, 1e-2, 8)[0][0]));
}

TEST(GaussianMixtureInitializer, rows_do_not_depend_on_the_batch) {
  Random random(84);
  Clouds clouds = random_problems(random, 25, 31, 2, 14, 0.3);
  for (int k = 0; k < 14; ++k) clouds.batch.target_index[k] = 13 - k / 2;
  const Rows together = mixture_start(clouds, 1e-2, 8);
  for (int k = 0; k < 14; ++k) {
    const Clouds alone{clouds.x, clouds.y, clouds.batch.subset({k})};
    EXPECT_EQ(together[k], mixture_start(alone, 1e-2, 8)[0]);
  }
}

TEST(GaussianMixtureInitializer, sizes_and_arguments) {
  Clouds clouds{{}, {}, {SeparableCost::dense(3, 2, Row(6, 0.0))}};
  const auto call = [&](int n, int m, int source_d, int target_d, int rows,
                        GaussianMixtureSettings settings) {
    gaussian_mixture_initializer<Space>(
        Space(), Matrix<double, Space>("otfleet::test::x", n, source_d),
        Matrix<double, Space>("otfleet::test::y", m, target_d), on_device(clouds.batch), settings,
        Matrix<double, Space>("otfleet::test::f", rows, 3));
  };
  EXPECT_NO_THROW(call(3, 2, 2, 2, 0, {}));
  clouds.batch.add({0.2, 0.3, 0.5}, {0.4, 0.6});
  EXPECT_NO_THROW(call(3, 2, 2, 2, 1, {}));
  EXPECT_THROW(call(3, 2, 4, 4, 1, {}), std::invalid_argument);
  EXPECT_THROW(call(3, 2, 2, 1, 1, {}), std::invalid_argument);
  EXPECT_THROW(call(2, 2, 2, 2, 1, {}), std::invalid_argument);
  EXPECT_THROW(call(3, 3, 2, 2, 1, {}), std::invalid_argument);
  EXPECT_THROW(call(3, 2, 2, 2, 2, {}), std::invalid_argument);
  for (int components : {0, 3, 12, 32})
    EXPECT_THROW(call(3, 2, 2, 2, 1, {1e-2, components, 5}), std::invalid_argument);
  EXPECT_THROW(call(3, 2, 2, 2, 1, {0, 8, 5}), std::invalid_argument);
  EXPECT_THROW(call(3, 2, 2, 2, 1, {1e-2, 8, -1}), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
