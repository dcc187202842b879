#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/training/adam.hpp"
#include "kernels/training/dual_loss.hpp"
#include "kernels/training/expectile.hpp"
#include "kernels/training/loss.hpp"
#include "tests/kernels/device_values.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

Vector<float, Space> floats(const Row& values) {
  return to_device(std::vector<float>(values.begin(), values.end()));
}

Row floats_on_host(const Vector<float, Space>& values) {
  const auto host = to_host(values);
  return Row(host.begin(), host.end());
}

/// Numbers that kernels write.
Vector<double, Space> numbers(int count) {
  return Vector<double, Space>("otfleet::test::numbers", count);
}
double number(const Vector<double, Space>& values, std::size_t index) {
  return to_host(values)[index];
}

/// The same elements; `rows` keeps them.
template <class T>
Vector<T, Space> flat(const Matrix<T, Space>& rows) {
  return Vector<T, Space>(rows.data(), rows.size());
}
/// Where `rows` rows of n numbers begin, and the last ends.
Vector<const std::int64_t, Space> begins(int rows, int n) {
  std::vector<std::int64_t> list;
  for (int k = 0; k <= rows; ++k) list.push_back(static_cast<std::int64_t>(k) * n);
  return to_device(list);
}

double squared_norm_of(const Row& values) {
  const auto sum = numbers(1);
  squared_norm<Space>(Space(), floats(values), sum);
  return number(sum, 0);
}

/// Gradients longer than the clip are cut down to it, others not.
TEST(Adam, follows_the_textbook) {
  Random random(61);
  for (int size : {0, 1, 7, 8, 100}) {
    AdamSettings settings;
    settings.learning_rate = 0.01;
    Row p = random.uniform_row(size, -1, 1), m(size, 0.0), v(size, 0.0);
    const auto parameters = floats(p), first = floats(m), second = floats(v);
    const double clip = 4;
    for (int step = 1; step <= 50; ++step) {
      const Row gradient = random.uniform_row(size, -2, 2);
      const double square = squared_norm_of(gradient);
      const double scale = square > clip * clip ? clip / std::sqrt(square) : 1;
      adam_step<Space>(Space(), settings, step, clip, to_device(Row{square}), floats(gradient),
                       parameters, first, second);
      for (int i = 0; i < size; ++i) {
        const double slope = scale * gradient[i];
        m[i] = settings.beta1 * m[i] + (1 - settings.beta1) * slope;
        v[i] = settings.beta2 * v[i] + (1 - settings.beta2) * slope * slope;
        const double mean = m[i] / (1 - std::pow(settings.beta1, step));
        const double variance = v[i] / (1 - std::pow(settings.beta2, step));
        p[i] -= settings.learning_rate * mean / (std::sqrt(variance) + settings.epsilon);
      }
    }
    const Row found = floats_on_host(parameters);
    // 50 steps of at most 0.01, each rounded in float.
    for (int i = 0; i < size; ++i) EXPECT_NEAR(found[i], p[i], 1e-5);
  }
}

TEST(Adam, no_gradient_moves_nothing) {
  const auto parameters = floats({1, -2}), first = floats({0, 0}), second = floats({0, 0});
  adam_step<Space>(Space(), AdamSettings(), 1, 1, to_device(Row{0}), floats({0, 0}), parameters,
                   first, second);
  EXPECT_EQ(floats_on_host(parameters), Row({1, -2}));
}

TEST(SquaredNorm, sums_in_double) {
  for (int size : {0, 1, 15, 16, 17, 4095, 4096, 4097, 10000}) {
    Row values(size);
    double expected = 0;
    for (int i = 0; i < size; ++i) {
      values[i] = static_cast<float>(i % 2 == 0 ? 1e4 : 1e-3 * i);
      expected += values[i] * values[i];
    }
    EXPECT_NEAR(squared_norm_of(values), expected, 1e-13 * expected) << size;
  }
}

TEST(Loss, is_minus_the_mean_dual_value_with_its_slope) {
  Random random(62);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 6, 0.3);
  const Rows f(6, Row(batch.cost.n(), 0.0));
  const auto expected = evaluate_semi_dual(batch, 0.1, f);
  const double whole_batch = 10;  // other ranks hold four more
  const Vector<double, Space> value("otfleet::test::value", 6);
  const auto host = Kokkos::create_mirror_view(value);
  std::copy(expected.value.begin(), expected.value.end(), host.data());
  Kokkos::deep_copy(value, host);
  const auto slope = on_device(expected.gradient, batch.cost.n());
  const auto loss = numbers(2);
  negative_mean_dual<Space>(Space(), value, flat(slope), whole_batch, loss);
  double sum = 0, error = 0;
  const Rows found = on_host(Matrix<const double, Space>(slope));
  for (int k = 0; k < 6; ++k) {
    sum -= expected.value[k] / whole_batch;
    error += marginal_error(dense_problem(batch, k, 0.1), f[k]) / whole_batch;
    for (int i = 0; i < batch.cost.n(); ++i)
      EXPECT_NEAR(found[k][i], -expected.gradient[k][i] / whole_batch, 1e-16);
  }
  EXPECT_NEAR(number(loss, 0), sum, 1e-14);
  EXPECT_NEAR(number(loss, 1), error, 1e-12);
}

/// Potentials f = θ |x|² / 2 on R², whose conjugates are |y|² / (2 θ): the weights' sum of
/// derivatives by θ is that of the loss.
TEST(Expectile, weights_are_the_slope_of_the_loss) {
  Random random(63);
  const int count = 40, lost = 7;
  const double theta = 1.3;
  ExpectileSettings settings;
  settings.level = 0.8;
  settings.weight = 0.4;
  Row x = random.uniform_row(2 * count, -2, 2);
  const Row y = random.uniform_row(2 * count, -2, 2);
  const auto square = [](const Row& points, int k) {
    return points[2 * k] * points[2 * k] + points[2 * k + 1] * points[2 * k + 1];
  };
  const auto excess = [&](double t, int k) {
    return x[2 * k] * y[2 * k] + x[2 * k + 1] * y[2 * k + 1] - t * square(x, k) / 2 -
           square(y, k) / (2 * t);
  };
  for (int k = 0; k < count / 4; ++k)  // near each other's minimizers
    for (int i = 0; i < 2; ++i) x[2 * k + i] = 0.9 * y[2 * k + i] / theta;
  // The conjugates as a solver would overestimate them: some pairs are below.
  const double slack = 0.5;
  const auto loss = [&](double t) {
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      if (k == lost) {
        sum += t * square(x, k) / 2;
        continue;
      }
      const double d = excess(t, k) + slack;
      sum += t * square(x, k) / 2 + square(y, k) / (2 * t) - slack +
             settings.weight * (d < 0 ? 1 - settings.level : settings.level) * d * d;
    }
    return sum / count;
  };
  Conjugates<Space, float> conjugates(count);
  Row value, f_x, minimizers;
  for (int k = 0; k < count; ++k) {
    value.push_back(-square(y, k) / (2 * theta) + slack);
    f_x.push_back(theta * square(x, k) / 2);
    minimizers.push_back(y[2 * k] / theta);
    minimizers.push_back(y[2 * k + 1] / theta);
  }
  conjugates.value = floats(value);
  std::vector<int> status(count, static_cast<int>(ConjugateStatus::converged));
  status[lost] = static_cast<int>(ConjugateStatus::unbounded);
  conjugates.status = to_device(status);
  const auto points = [](const Vector<float, Space>& flat) {
    return Matrix<float, Space>(flat.data(), flat.size() / 2, 2);
  };
  const auto xs = floats(x), ys = floats(y), found = floats(minimizers), values = floats(f_x);
  const auto weights = floats(Row(2 * count, 0.0));
  dual_loss<Space>(Space(), values, conjugates, count, points(found), weights);
  expectile_weights<Space>(Space(), settings, points(xs), points(ys), values, conjugates, weights);
  const Row factors = floats_on_host(weights);
  double slope = 0;
  for (int k = 0; k < count; ++k) {
    slope += factors[k] * square(x, k) / 2;
    if (k != lost) slope += factors[count + k] * square(minimizers, k) / 2;
  }
  EXPECT_EQ(factors[count + lost], 0);
  const double step = 1e-5;
  EXPECT_NEAR(slope, (loss(theta + step) - loss(theta - step)) / (2 * step), 1e-5);
}

TEST(WeighBows, multiplies_rows_that_a_bow_led_to) {
  const Matrix<float, Space> rows("otfleet::test::rows", 4, 2);
  Kokkos::deep_copy(rows, 3.0F);
  const Vector<int, Space> bow("otfleet::test::bow", 4);
  const auto host = Kokkos::create_mirror_view(bow);
  const int bows[] = {-1, 0, 2, -1};
  for (std::size_t k = 0; k < 4; ++k) host(k) = bows[k];
  Kokkos::deep_copy(bow, host);
  weigh_bows<Space>(Space(), bow, 16, rows);
  const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rows);
  for (std::size_t k = 0; k < 4; ++k)
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(found(k, i), bows[k] < 0 ? 3.0F : 48.0F) << k;
}

TEST(Loss, distance_to_solved_potentials_ignores_constants_and_empty_points) {
  const double inf = std::numeric_limits<double>::infinity(), epsilon = 0.25, batch = 4;
  const Rows a = {{0.5, 0, 0.25, 0.25}, {1, 1, 1, 1}, {0, 0, 1, 0}};
  const Rows f = {{1, -inf, 2, 3}, {1, 2, 3, 4}, {-inf, 0, 5, 0}};
  const Rows target = {{0, -inf, 2, 1}, {8, 9, 10, 11}, {-inf, -inf, 9, 0}};
  const auto gradient = on_device(Rows(3, Row(4, 7.0)), 4);
  const auto distance = numbers(1);
  potential_distance<Space>(Space(), begins(3, 4), flat(on_device(a, 4)), flat(on_device(f, 4)),
                            flat(on_device(target, 4)), epsilon, batch, flat(gradient), distance);
  // Row 0: differences 1, 0, 2 with mean 1, so 0, −1, 1; rows 1 and 2 differ by constants alone.
  EXPECT_NEAR(number(distance, 0), (0.25 + 0.25) / (2 * epsilon) / batch, 1e-15);
  const Rows found = on_host(Matrix<const double, Space>(gradient));
  const Rows expected = {{0, 0, -0.25, 0.25}, {0, 0, 0, 0}, {0, 0, 0, 0}};
  for (int k = 0; k < 3; ++k)
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(found[k][i], expected[k][i] / (epsilon * batch), 1e-15) << k << " " << i;
}

TEST(Loss, distance_has_the_gradient_of_finite_differences) {
  Random random(63);
  const int rows = 3, n = 9;
  Rows a(rows), f(rows), target(rows);
  for (int k = 0; k < rows; ++k) {
    a[k] = random.uniform_row(n, 0, 1);
    f[k] = random.uniform_row(n, -1, 1);
    target[k] = random.uniform_row(n, -1, 1);
  }
  const auto gradient = on_device(f, n), ignored = on_device(f, n);
  const auto value = [&](const Matrix<double, Space>& slope) {
    const auto distance = numbers(1);
    potential_distance<Space>(Space(), begins(rows, n), flat(on_device(a, n)),
                              flat(on_device(f, n)), flat(on_device(target, n)), 0.1, 5,
                              flat(slope), distance);
    return number(distance, 0);
  };
  value(gradient);
  const Rows found = on_host(Matrix<const double, Space>(gradient));
  const double step = 1e-5;
  for (int k = 0; k < rows; ++k)
    for (int i = 0; i < n; ++i) {
      const double at = f[k][i];
      f[k][i] = at + step;
      const double above = value(ignored);
      f[k][i] = at - step;
      const double below = value(ignored);
      f[k][i] = at;
      EXPECT_NEAR(found[k][i], (above - below) / (2 * step), 1e-8);
    }
}

}  // namespace
}  // namespace otfleet::kernels
