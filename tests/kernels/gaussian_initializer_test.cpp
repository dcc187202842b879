#include "kernels/initializers/gaussian.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

using Matrix3 = std::array<std::array<double, 3>, 3>;

struct Moments {
  Row mean;
  Matrix3 covariance = {};
};

Moments moments(const Rows& points, const Row& weights) {
  const int d = static_cast<int>(points[0].size());
  Moments result{Row(d, 0.0)};
  double mass = 0;
  for (double w : weights) mass += w;
  for (std::size_t i = 0; i < points.size(); ++i)
    for (int p = 0; p < d; ++p) result.mean[p] += weights[i] / mass * points[i][p];
  for (std::size_t i = 0; i < points.size(); ++i)
    for (int p = 0; p < d; ++p)
      for (int q = 0; q < d; ++q)
        result.covariance[p][q] +=
            weights[i] / mass * (points[i][p] - result.mean[p]) * (points[i][q] - result.mean[q]);
  return result;
}

Row line(int points) {
  Row x;
  for (int i = 0; i < points; ++i) x.push_back(i / (points - 1.0));
  return x;
}

Rows as_points(const Row& x) {
  Rows points;
  for (double value : x) points.push_back({value});
  return points;
}

Row gaussian_weights(const Row& x, double mean, double deviation) {
  Row weights;
  double mass = 0;
  for (double value : x) {
    weights.push_back(std::exp(-0.5 * std::pow((value - mean) / deviation, 2)));
    mass += weights.back();
  }
  for (double& w : weights) w /= mass;
  return weights;
}

/// Problems on a grid of the unit interval.
HostBatch on_line(const Row& x) {
  return {SeparableCost::squared_euclidean_grid({x})};
}

Rows random_points(Random& random, int count, int dimension) {
  Rows points;
  for (int i = 0; i < count; ++i) points.push_back(random.uniform_row(dimension, -1, 2));
  return points;
}

/// The initializer looks at sizes only, not at the cost.
SeparableCost no_cost(const Rows& source_points, const Rows& target_points) {
  const int n = static_cast<int>(source_points.size()), m = static_cast<int>(target_points.size());
  return SeparableCost::dense(n, m, Row(n * m, 0.0));
}

TEST(GaussianInitializer, gives_the_affine_map_in_one_dimension) {
  const Row x = line(101);
  auto batch = on_line(x);
  batch.add(gaussian_weights(x, 0.35, 0.06), gaussian_weights(x, 0.6, 0.1));
  const Row f = gaussian_start(batch, as_points(x), as_points(x))[0];
  const Moments a = moments(as_points(x), batch.sources[0]),
                b = moments(as_points(x), batch.targets[0]);
  const double slope = std::sqrt(b.covariance[0][0] / a.covariance[0][0]);
  for (int i = 1; i < 100; ++i) {
    // T(x) = x − f'(x)/2; the central difference of a quadratic is exact.
    const double map = x[i] - 0.5 * (f[i + 1] - f[i - 1]) / (x[i + 1] - x[i - 1]);
    EXPECT_NEAR(map, b.mean[0] + slope * (x[i] - a.mean[0]), 1e-11);
  }
}

TEST(GaussianInitializer, is_nearly_a_fixed_point_for_gaussians) {
  const Row x = line(201);
  auto batch = on_line(x);
  batch.add(gaussian_weights(x, 0.35, 0.08), gaussian_weights(x, 0.6, 0.1));
  batch.add(gaussian_weights(x, 0.6, 0.1), gaussian_weights(x, 0.4, 0.1));
  const Rows start = gaussian_start(batch, as_points(x), as_points(x));
  SinkhornSettings settings;
  settings.max_iterations = 0;
  double last = 1;
  for (double epsilon : {4e-3, 1e-3, 2.5e-4}) {
    settings.epsilon = epsilon;
    const auto from_start = solve<double>(batch, settings, &start, 1);
    const auto from_zeros = solve<double>(batch, settings, nullptr, 1);
    for (int k = 0; k < 2; ++k) EXPECT_LT(from_start.errors[k][0], from_zeros.errors[k][0] / 10);
    // The potential is exact without entropy: its error vanishes with epsilon.
    EXPECT_LT(from_start.errors[0][0], last / 2);
    last = from_start.errors[0][0];
  }
  EXPECT_LT(last, 0.02);
}

TEST(GaussianInitializer, identical_measures_give_the_identity) {
  Random random(51);
  for (int d = 1; d <= 3; ++d) {
    const Rows points = random_points(random, 30, d);
    HostBatch batch{no_cost(points, points)};
    const Row a = random.weights(30, 0.2);
    batch.add(a, a);
    // T(x) = x: f is constant.
    EXPECT_LT(distance_up_to_constant(gaussian_start(batch, points, points)[0], Row(30, 0.0)),
              1e-10);
  }
}

TEST(GaussianInitializer, agrees_with_another_formula_in_two_dimensions) {
  Random random(52);
  for (int repetition = 0; repetition < 20; ++repetition) {
    // Strongly anisotropic, in different directions.
    Rows x = random_points(random, 25, 2), y = random_points(random, 40, 2);
    for (Row& point : x) point[1] = 0.2 * point[1] + 0.7 * point[0];
    for (Row& point : y) point[0] = 0.1 * point[0] - 0.4 * point[1];
    HostBatch batch{no_cost(x, y)};
    batch.add(random.weights(25), random.weights(40));
    const Moments a = moments(x, batch.sources[0]), b = moments(y, batch.targets[0]);
    // A = S_a^-1 (S_a S_b)^(1/2), the root of a 2 × 2 matrix by Cayley and Hamilton:
    // M^(1/2) = (M + sqrt(det M) I) / sqrt(tr M + 2 sqrt(det M)).
    const Matrix3 &s = a.covariance, &t = b.covariance;
    double product[2][2];
    for (int p = 0; p < 2; ++p)
      for (int q = 0; q < 2; ++q) product[p][q] = s[p][0] * t[0][q] + s[p][1] * t[1][q];
    const double root_of_det =
        std::sqrt(product[0][0] * product[1][1] - product[0][1] * product[1][0]);
    const double scale = std::sqrt(product[0][0] + product[1][1] + 2 * root_of_det);
    for (int p = 0; p < 2; ++p) product[p][p] += root_of_det;
    const double det = s[0][0] * s[1][1] - s[0][1] * s[1][0];
    double map[2][2];
    for (int q = 0; q < 2; ++q) {
      map[0][q] = (s[1][1] * product[0][q] - s[0][1] * product[1][q]) / det / scale;
      map[1][q] = (s[0][0] * product[1][q] - s[1][0] * product[0][q]) / det / scale;
    }
    Row expected;
    for (const Row& point : x) {
      double value = 0;
      for (int p = 0; p < 2; ++p) {
        value += point[p] * point[p] - 2 * b.mean[p] * point[p];
        for (int q = 0; q < 2; ++q)
          value -= (point[p] - a.mean[p]) * map[p][q] * (point[q] - a.mean[q]);
      }
      expected.push_back(value);
    }
    EXPECT_LT(distance_up_to_constant(gaussian_start(batch, x, y)[0], expected), 1e-9);
  }
}

/// A, read off f at the points 0, e_p, e_p + e_q, which lie at 0…9 and carry no weight.
Matrix3 map_matrix(const Row& f) {
  Matrix3 map;
  const int sum[3][3] = {{4, 5, 6}, {5, 7, 8}, {6, 8, 9}};
  for (int p = 0; p < 3; ++p)
    for (int q = 0; q < 3; ++q)
      map[p][q] = (p == q) - 0.5 * (f[sum[p][q]] - f[1 + p] - f[1 + q] + f[0]);
  return map;
}

TEST(GaussianInitializer, maps_covariances_in_three_dimensions) {
  Random random(53);
  for (int repetition = 0; repetition < 20; ++repetition) {
    Rows x = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {2, 0, 0},
              {1, 1, 0}, {1, 0, 1}, {0, 2, 0}, {0, 1, 1}, {0, 0, 2}};
    const Rows more = random_points(random, 20, 3);
    x.insert(x.end(), more.begin(), more.end());
    const Rows y = random_points(random, 15, 3);
    HostBatch batch{no_cost(x, y)};
    Row a = random.weights(30);
    std::fill(a.begin(), a.begin() + 10, 0.0);
    batch.add(a, random.weights(15));
    const Matrix3 map = map_matrix(gaussian_start(batch, x, y)[0]);
    const Matrix3 s = moments(x, a).covariance, t = moments(y, batch.targets[0]).covariance;
    // A S_a A = S_b, and among such matrices the optimal one is symmetric and positive.
    for (int p = 0; p < 3; ++p)
      for (int q = 0; q < 3; ++q) {
        double image = 0;
        for (int k = 0; k < 3; ++k)
          for (int l = 0; l < 3; ++l) image += map[p][k] * s[k][l] * map[l][q];
        EXPECT_NEAR(image, t[p][q], 1e-9);
      }
    const double minor = map[0][0] * map[1][1] - map[0][1] * map[1][0];
    const double determinant = map[0][0] * (map[1][1] * map[2][2] - map[1][2] * map[2][1]) -
                               map[0][1] * (map[1][0] * map[2][2] - map[1][2] * map[2][0]) +
                               map[0][2] * (map[1][0] * map[2][1] - map[1][1] * map[2][0]);
    EXPECT_GT(map[0][0], 0);
    EXPECT_GT(minor, 0);
    EXPECT_GT(determinant, 0);
  }
}

TEST(GaussianInitializer, gives_the_affine_map_in_many_dimensions) {
  Random random(56);
  for (const int d : {4, 9, 64}) {
    const int n = 3 * d;
    const Rows x = random_points(random, n, d), factor = random_points(random, d, d);
    const Row shift = random.uniform_row(d, -1, 2);
    // y = M x + shift with a positive definite M: no other map moves the moments like this, so that
    // f(x) = |x|² − x' M x − 2 shift' x up to a constant, whatever the weights are.
    Rows map(d, Row(d, 0.0)), y(n, shift);
    for (int p = 0; p < d; ++p)
      for (int q = 0; q < d; ++q) {
        for (int r = 0; r < d; ++r) map[p][q] += factor[p][r] * factor[q][r] / d;
        if (p == q) map[p][q] += 0.1;
      }
    Row expected;
    for (int i = 0; i < n; ++i) {
      double value = 0;
      for (int p = 0; p < d; ++p) {
        for (int q = 0; q < d; ++q) y[i][p] += map[p][q] * x[i][q];
        value += x[i][p] * (x[i][p] - y[i][p] - shift[p]);
      }
      expected.push_back(value);
    }
    HostBatch batch{no_cost(x, y)};
    const Row a = random.weights(n, 0.2);
    batch.add(a, a);
    EXPECT_LT(distance_up_to_constant(gaussian_start(batch, x, y)[0], expected), 1e-7) << d;
  }
}

TEST(GaussianInitializer, flat_directions_change_nothing_in_many_dimensions) {
  Random random(57);
  const Rows x = random_points(random, 30, 3), y = random_points(random, 40, 3);
  Rows wide_x = x, wide_y = y;
  for (Row& point : wide_x) point.insert(point.begin() + 1, {0.25, 0.25});
  for (Row& point : wide_y) point.insert(point.begin() + 1, {0.25, 0.25});
  HostBatch batch{no_cost(x, y)};
  // Many problems, so that their maps are made in groups.
  for (int k = 0; k < 70; ++k) batch.add(random.weights(30, 0.2), random.weights(40, 0.2));
  const Rows expected = gaussian_start(batch, x, y), found = gaussian_start(batch, wide_x, wide_y);
  for (int k = 0; k < 70; ++k) EXPECT_LT(distance_up_to_constant(found[k], expected[k]), 1e-9) << k;
}

TEST(GaussianInitializer, degenerate_measures_stay_finite) {
  Random random(54);
  const Rows points = {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {1, 0}, {0, 2}};
  const Row one_point = {0, 0, 0, 0, 0, 1}, diagonal = {0.1, 0.2, 0.3, 0.4, 0, 0};
  const Row spread = random.weights(6);
  HostBatch batch{no_cost(points, points)};
  for (const Row& a : {one_point, diagonal, spread})
    for (const Row& b : {one_point, diagonal, spread}) batch.add(a, b);
  const Rows f = gaussian_start(batch, points, points);
  for (const Row& row : f)
    for (double x : row) EXPECT_TRUE(std::isfinite(x));

  // To one point: f = |x|² − 2 <m_b, x> + constant, whatever a is.
  Row expected;
  for (const Row& x : points) expected.push_back(x[0] * x[0] + x[1] * x[1] - 4 * x[1]);
  for (int k : {0, 3, 6}) EXPECT_LT(distance_up_to_constant(f[k], expected), 1e-9);

  // From the diagonal to itself the map is the identity along it.
  const Row on_diagonal(f[4].begin(), f[4].begin() + 4);
  EXPECT_LT(distance_up_to_constant(on_diagonal, Row(4, 0.0)), 1e-9);
}

TEST(GaussianInitializer, scales_with_stored_mass_only) {
  const Row x = line(40);
  auto batch = on_line(x);
  batch.add(gaussian_weights(x, 0.3, 0.1), gaussian_weights(x, 0.5, 0.2));
  auto heavy = batch;
  for (double& w : heavy.sources[0]) w *= 1000;
  const Rows one = gaussian_start(batch, as_points(x), as_points(x));
  const Rows other = gaussian_start(heavy, as_points(x), as_points(x));
  for (int i = 0; i < 40; ++i) EXPECT_NEAR(one[0][i], other[0][i], 1e-12);
}

TEST(GaussianInitializer, many_instances_with_shared_measures) {
  Random random(55);
  const Row x = line(12);
  auto batch = random_batch(random, SeparableCost::squared_euclidean_grid({x}), 20, 0.2);
  for (int k = 0; k < 20; ++k) batch.target_index[k] = 19 - k / 2;
  const Rows together = gaussian_start(batch, as_points(x), as_points(x));
  for (int k = 0; k < 20; ++k)
    EXPECT_EQ(together[k], gaussian_start(batch.subset({k}), as_points(x), as_points(x))[0]);
}

TEST(GaussianInitializer, sizes_and_arguments) {
  const Row x = line(3);
  auto batch = on_line(x);
  const auto call = [&](int n, int m, int source_d, int target_d, int rows, int columns) {
    gaussian_initializer<Space>(Space(), Matrix<double, Space>("otfleet::test::x", n, source_d),
                                Matrix<double, Space>("otfleet::test::y", m, target_d),
                                on_device(batch),
                                Matrix<double, Space>("otfleet::test::f", rows, columns));
  };
  EXPECT_NO_THROW(call(3, 3, 1, 1, 0, 3));
  batch.add({0.2, 0.3, 0.5}, {0.2, 0.3, 0.5});
  EXPECT_NO_THROW(call(3, 3, 3, 3, 1, 3));
  EXPECT_THROW(call(3, 3, 65, 65, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 3, 0, 0, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 3, 2, 1, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(2, 3, 1, 1, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 4, 1, 1, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 3, 1, 1, 2, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 3, 1, 1, 1, 4), std::invalid_argument);
}

/// Entropic OT between Gaussians has a closed form (Janati, Muzellec, Peyré & Cuturi 2020). With
/// the penalty epsilon KL(P | a b) and s = epsilon/2, in one dimension:
///   D = sqrt(4 A B + s²), covariance of the plan (D − s)/2,
///   value (m_a − m_b)² + A + B − D + s (1 − log(2 s)) + s log(D + s).
TEST(EntropicGaussians, solver_meets_the_closed_form) {
  const Row x = line(161);
  auto batch = on_line(x);
  const double mean_a = 0.42, mean_b = 0.58, deviation_a = 0.06, deviation_b = 0.09;
  batch.add(gaussian_weights(x, mean_a, deviation_a), gaussian_weights(x, mean_b, deviation_b));
  double entropies = 0;
  for (double w : batch.sources[0]) entropies -= w * log_or_nothing(w);
  for (double w : batch.targets[0]) entropies -= w * log_or_nothing(w);
  for (double epsilon : {3e-3, 1e-2, 5e-2}) {
    SinkhornSettings settings;
    settings.epsilon = epsilon;
    settings.threshold = 1e-8;
    settings.max_iterations = 20000;
    const auto solution = solve<double>(batch, settings);
    ASSERT_EQ(solution.status[0], Status::converged);
    const auto judgment = judge(batch, epsilon, solution.f);

    const double a = deviation_a * deviation_a, b = deviation_b * deviation_b, s = epsilon / 2;
    const double d = std::sqrt(4 * a * b + s * s), means = std::pow(mean_a - mean_b, 2);
    const double value = means + a + b - d + s * (1 - std::log(2 * s)) + s * std::log(d + s);
    // What the grid cuts off and does not resolve stays below a permille.
    EXPECT_NEAR(judgment.transport_cost[0], means + a + b - (d - s), 1e-3 * means);
    // The program's penalty is −epsilon H(P); KL(P | a b) = H(a) + H(b) − H(P).
    EXPECT_NEAR(judgment.dual_value[0] + epsilon * entropies, value, 1e-3 * value);
    // Means move by the shift and spreads by their difference in unregularized OT.
    const double exact = means + std::pow(deviation_a - deviation_b, 2);
    EXPECT_LT(judgment.lower_bound[0], exact * (1 + 1e-3));
    EXPECT_GT(judgment.upper_bound[0], exact * (1 - 1e-3));
  }
}

}  // namespace
}  // namespace otfleet::kernels
