#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/training/adam.hpp"
#include "kernels/training/orthonormal_rows.hpp"
#include "kernels/training/soap.hpp"
#include "tests/kernels/device_values.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

Vector<float, Space> floats(const Row& values) {
  return to_device(std::vector<float>(values.begin(), values.end()));
}

Matrix<float, Space> square(const Vector<float, Space>& values, std::size_t rows) {
  return Matrix<float, Space>(values.data(), rows, values.size() / rows);
}

/// A row-major matrix of doubles.
struct Dense {
  int rows, columns;
  Row values;

  Dense(int m, int n) : rows(m), columns(n), values(static_cast<std::size_t>(m) * n, 0.0) {}
  double& operator()(int i, int j) { return values[static_cast<std::size_t>(i) * columns + j]; }
  double operator()(int i, int j) const {
    return values[static_cast<std::size_t>(i) * columns + j];
  }
};

Dense product(const Dense& a, const Dense& b) {
  Dense c(a.rows, b.columns);
  for (int i = 0; i < a.rows; ++i)
    for (int k = 0; k < a.columns; ++k)
      for (int j = 0; j < b.columns; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}

Dense turned(const Dense& a) {
  Dense t(a.columns, a.rows);
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.columns; ++j) t(j, i) = a(i, j);
  return t;
}

/// The eigenvectors of one side, as rows.
struct Side {
  Dense factor, basis;

  explicit Side(int size) : factor(size, size), basis(size, size) {
    for (int i = 0; i < size; ++i) basis(i, i) = 1;
  }

  void add(double decay, const Dense& square) {
    for (std::size_t i = 0; i < square.values.size(); ++i)
      factor.values[i] = decay * factor.values[i] + (1 - decay) * square.values[i];
  }

  /// One orthogonal iteration; returns what turns the old basis into the new one, and where its
  /// rows stood before.
  std::pair<Dense, std::vector<int>> refresh() {
    const int size = basis.rows;
    const Dense moved = product(basis, factor);
    Row estimate(size, 0.0);
    for (int i = 0; i < size; ++i)
      for (int j = 0; j < size; ++j) estimate[i] += moved(i, j) * basis(i, j);
    std::vector<int> order(size);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) { return estimate[a] > estimate[b]; });
    const double shift = 1e-6 * std::accumulate(estimate.begin(), estimate.end(), 0.0) / size;
    Dense next(size, size);
    for (int i = 0; i < size; ++i) {
      for (int j = 0; j < size; ++j) next(i, j) = moved(order[i], j) + shift * basis(order[i], j);
      for (int k = 0; k < i; ++k) {
        double share = 0;
        for (int j = 0; j < size; ++j) share += next(i, j) * next(k, j);
        for (int j = 0; j < size; ++j) next(i, j) -= share * next(k, j);
      }
      double norm = 0;
      for (int j = 0; j < size; ++j) norm += next(i, j) * next(i, j);
      for (int j = 0; j < size; ++j) next(i, j) /= std::sqrt(norm);
    }
    const Dense turn = product(next, turned(basis));
    basis = next;
    return {turn, order};
  }
};

Dense rotated(const Side& left, const Dense& matrix, const Side& right) {
  return product(product(left.basis, matrix), turned(right.basis));
}
Dense rotated_back(const Side& left, const Dense& matrix, const Side& right) {
  return product(product(turned(left.basis), matrix), right.basis);
}

TEST(OrthonormalRows, keeps_the_spans_of_the_first_rows) {
  Random random(71);
  for (const int size : {1, 2, 31, 32, 33, 100}) {
    const Row values = random.uniform_row(size * size, -1, 1);
    const auto rows = floats(values), work = floats(values);
    orthonormalize_rows<Space>(Space(), square(rows, size), square(work, size));
    const auto found = to_host(rows);
    for (int i = 0; i < size; ++i)
      for (int k = 0; k <= i; ++k) {
        double dot = 0, with_former = 0;
        for (int j = 0; j < size; ++j) {
          dot += static_cast<double>(found[i * size + j]) * found[k * size + j];
          with_former += static_cast<double>(found[i * size + j]) * values[k * size + j];
        }
        EXPECT_NEAR(dot, i == k ? 1 : 0, 2e-6) << size;
        // A row is orthogonal to every earlier row as it was.
        if (k < i) {
          EXPECT_NEAR(with_former, 0, 1e-4) << size;
        }
      }
  }
}

TEST(Soap, is_adam_where_there_is_no_matrix) {
  Random random(72);
  AdamSettings adam;
  adam.weight_decay = 0.1;
  SoapSettings settings;
  settings.warm_up = 1;
  const int size = 37;
  Soap<Space> soap(settings, {}, size);
  const Row begin = random.uniform_row(size, -1, 1), none(size, 0.0);
  const auto expected = floats(begin), found = floats(begin);
  const auto first = floats(none), second = floats(none);
  const Soap<Space>::State state{floats(none), floats(none), {}, {}};
  for (int step = 1; step <= 20; ++step) {
    const Row gradient = random.uniform_row(size, -2, 2);
    const auto square_norm =
        to_device(Row{std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0)});
    adam_step<Space>(Space(), adam, step, 3, square_norm, floats(gradient), expected, first,
                     second);
    soap.step(Space(), adam, step, 3, square_norm, floats(gradient), found, state);
  }
  const auto a = to_host(expected), b = to_host(found);
  for (int i = 0; i < size; ++i) EXPECT_NEAR(a[i], b[i], 1e-6);
}

TEST(Soap, follows_the_paper) {
  Random random(73);
  for (const auto& [m, n] : {std::pair(5, 9), std::pair(40, 33), std::pair(12, 2)}) {
    AdamSettings adam;
    adam.learning_rate = 0.01;
    SoapSettings settings;
    settings.basis_every = 4;
    settings.warm_up = 7;
    const int size = m * n, offset = 3, all = size + offset;
    Soap<Space> soap(settings, {{offset, m, n}}, all);
    const Row begin = random.uniform_row(all, -1, 1), none(all, 0.0);
    const Row sides(soap.factor_size(), 0.0);
    const auto parameters = floats(begin);
    const Soap<Space>::State state{floats(none), floats(none), floats(sides), floats(sides)};

    Side left(m), right(n);
    Dense mean(m, n), square(m, n), expected(m, n);
    std::copy(begin.begin() + offset, begin.end(), expected.values.begin());
    // Gradients whose rows and columns differ in scale, so that no two eigenvalues are near.
    const auto scale = [](int i) { return std::pow(0.93, i); };
    for (int step = 1; step <= 30; ++step) {
      Row gradient = random.uniform_row(all, -1, 1);
      Dense g(m, n);
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j)
          g(i, j) = gradient[offset + i * n + j] *= scale(i) * scale(2 * j);
      if (step > 1 && (step - 1) % settings.basis_every == 0) {
        const auto [rows, row_order] = left.refresh();
        const auto [columns, column_order] = right.refresh();
        mean = product(product(rows, mean), turned(columns));
        const Dense before = square;
        for (int i = 0; i < m; ++i)
          for (int j = 0; j < n; ++j) square(i, j) = before(row_order[i], column_order[j]);
      }
      left.add(settings.factor_decay, product(g, turned(g)));
      right.add(settings.factor_decay, product(turned(g), g));
      const Dense slope = rotated(left, g, right);
      Dense direction(m, n);
      for (std::size_t i = 0; i < slope.values.size(); ++i) {
        const double s = slope.values[i];
        mean.values[i] = adam.beta1 * mean.values[i] + (1 - adam.beta1) * s;
        square.values[i] = adam.beta2 * square.values[i] + (1 - adam.beta2) * s * s;
        direction.values[i] =
            mean.values[i] / (1 - std::pow(adam.beta1, step)) /
            (std::sqrt(square.values[i] / (1 - std::pow(adam.beta2, step))) + adam.epsilon);
      }
      const Dense moved = rotated_back(left, direction, right);
      const double rate = adam.learning_rate * std::min(1.0, step / 7.0);
      for (std::size_t i = 0; i < moved.values.size(); ++i)
        expected.values[i] -= rate * moved.values[i];
      soap.step(Space(), adam, step, 0, to_device(Row{1}), floats(gradient), parameters, state);
    }
    const auto found = to_host(parameters);
    double moved = 0, off = 0;
    for (int i = 0; i < size; ++i) {
      moved += std::pow(expected.values[i] - begin[offset + i], 2);
      off += std::pow(expected.values[i] - found[offset + i], 2);
    }
    EXPECT_LT(std::sqrt(off / moved), 1e-2) << m << " x " << n;
    EXPECT_GT(std::sqrt(moved / size), 0.01);
  }
}

/// A unit that dies has no gradient from then on, and its factors fall out of float's range.
TEST(Soap, survives_gradients_that_end) {
  Random random(75);
  const int m = 6, n = 9, size = m * n;
  Soap<Space> soap({}, {{0, m, n}}, size);
  const Row none(size, 0.0), sides(soap.factor_size(), 0.0);
  const auto parameters = floats(random.uniform_row(size, -1, 1));
  const Soap<Space>::State state{floats(none), floats(none), floats(sides), floats(sides)};
  for (int step = 1; step <= 3000; ++step) {
    const double reach = step <= 30 ? 1e-3 : 0;
    soap.step(Space(), AdamSettings(), step, 0, to_device(Row{1}),
              floats(random.uniform_row(size, -reach, reach)), parameters, state);
    if (step % 100 != 0) continue;
    for (const float value : to_host(parameters)) ASSERT_TRUE(std::isfinite(value)) << step;
  }
  for (const float value : to_host(state.bases)) ASSERT_TRUE(std::isfinite(value));
}

/// Gradients of low rank leave directions in which there never was one.
TEST(Soap, bases_stay_orthonormal) {
  Random random(74);
  for (const auto& [m, n] : {std::pair(3, 32), std::pair(64, 2), std::pair(50, 50)}) {
    const int size = m * n;
    Soap<Space> soap({}, {{0, m, n}}, size);
    const Row none(size, 0.0), sides(soap.factor_size(), 0.0);
    const auto parameters = floats(none);
    const Soap<Space>::State state{floats(none), floats(none), floats(sides), floats(sides)};
    const Row left = random.uniform_row(m, -1, 1), right = random.uniform_row(n, -1, 1);
    for (int step = 1; step <= 100; ++step) {
      Row gradient = random.uniform_row(size, -1e-4, 1e-4);
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < std::min(n, 10); ++j) gradient[i * n + j] += left[i] * right[j];
      if (step % 2 == 0)
        for (int i = 0; i < m; ++i)
          for (int j = 0; j < n; ++j) gradient[i * n + j] = left[i] * right[n - 1 - j];
      soap.step(Space(), AdamSettings(), step, 0, to_device(Row{1}), floats(gradient), parameters,
                state);
    }
    const auto bases = to_host(state.bases);
    const auto expect_orthonormal = [](const float* basis, int count) {
      for (int i = 0; i < count; ++i)
        for (int k = 0; k <= i; ++k) {
          double dot = 0;
          for (int j = 0; j < count; ++j)
            dot += static_cast<double>(basis[i * count + j]) * basis[k * count + j];
          ASSERT_NEAR(dot, i == k ? 1 : 0, 1e-5) << i << " " << k;
        }
    };
    expect_orthonormal(bases.data(), m);
    expect_orthonormal(bases.data() + m * m, n);
  }
}

}  // namespace
}  // namespace otfleet::kernels
