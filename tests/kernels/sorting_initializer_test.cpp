#include "kernels/initializers/sorting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "kernels/initializers/log_weights.hpp"
#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// Problems on the line with the cost |x − y|^power.
struct LineBatch {
  Row x, y;
  double power;
  HostBatch batch;

  LineBatch(Row from, Row to, double exponent)
      : x(std::move(from)), y(std::move(to)), power(exponent), batch{cost()} {}

  SeparableCost cost() const {
    Row values;
    for (double from : x)
      for (double to : y) values.push_back(std::pow(std::abs(from - to), power));
    return SeparableCost::dense(static_cast<int>(x.size()), static_cast<int>(y.size()), values);
  }
};

Vector<const double, Space> on_device(const Row& values) {
  const Vector<double, Space> device("otfleet::test::coordinates", values.size());
  const auto host = Kokkos::create_mirror_view(device);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(device, host);
  return device;
}

Rows sorted_start(const LineBatch& line) {
  const Matrix<double, Space> f("otfleet::test::f", line.batch.size(), line.batch.cost.n());
  sorting_initializer<Space>(Space(), on_device(line.x), on_device(line.y), line.power,
                             test::on_device(line.batch), f);
  return on_host(f);
}

/// The cost of the quantile coupling, by merging the two cumulative distributions.
double quantile_cost(const LineBatch& line, int k) {
  const DenseProblem problem = dense_problem(line.batch, k, 1);
  std::vector<int> from(problem.n), to(problem.m);
  std::iota(from.begin(), from.end(), 0);
  std::iota(to.begin(), to.end(), 0);
  std::sort(from.begin(), from.end(), [&](int i, int j) { return line.x[i] < line.x[j]; });
  std::sort(to.begin(), to.end(), [&](int i, int j) { return line.y[i] < line.y[j]; });
  double cost = 0, left = problem.a[from[0]], right = problem.b[to[0]];
  for (std::size_t i = 0, j = 0;;) {
    const double moved = std::min(left, right);
    cost += moved * problem.c(from[i], to[j]);
    left -= moved;
    right -= moved;
    if (left <= right) {
      if (++i == from.size()) return cost;
      left = problem.a[from[i]];
    } else {
      if (++j == to.size()) return cost;
      right = problem.b[to[j]];
    }
  }
}

TEST(SortingInitializer, dual_value_is_the_cost_of_the_quantile_coupling) {
  Random random(71);
  for (double power : {1.0, 1.3, 2.0, 4.0})
    for (double zeros : {0.0, 0.5}) {
      LineBatch line(random.uniform_row(40, -1, 1), random.uniform_row(27, -0.5, 2), power);
      for (int k = 0; k < 20; ++k)
        line.batch.add(random.weights(40, zeros), random.weights(27, zeros));
      const Rows f = sorted_start(line);
      const Judgment judgment = judge(line.batch, 1e-2, f);
      for (int k = 0; k < 20; ++k) {
        const double exact = quantile_cost(line, k);
        EXPECT_NEAR(exact, exact_cost(dense_problem(line.batch, k, 1)), 1e-9);
        // The dual value of f's c-transforms: f is optimal, not only feasible.
        EXPECT_NEAR(judgment.lower_bound[k], exact, 1e-11);
        for (int i = 0; i < 40; ++i)
          EXPECT_EQ(f[k][i] == -infinity, line.batch.sources[k][i] == 0) << "point " << i;
      }
    }
}

TEST(SortingInitializer, takes_the_mean_where_the_potential_is_open) {
  // 0 goes to 1 and 10 to 12: f_1 − f_0 may be anything between what each of the two allows.
  LineBatch line({0, 10}, {1, 12}, 2);
  line.batch.add({0.5, 0.5}, {0.5, 0.5});
  const Row f = sorted_start(line)[0];
  const double over_first_target = (81 - 1), over_second = (4 - 144);
  EXPECT_NEAR(f[1] - f[0], 0.5 * (over_first_target + over_second), 1e-12);
  // Equal measures with a symmetric cost: nothing moves, f is constant.
  LineBatch same({3, 1, 2, 1}, {3, 1, 2, 1}, 1);
  same.batch.add({0.1, 0.2, 0.3, 0.4}, {0.1, 0.2, 0.3, 0.4});
  EXPECT_LT(distance_up_to_constant(sorted_start(same)[0], Row(4, 0.0)), 1e-12);
}

TEST(SortingInitializer, degenerate_measures) {
  Random random(72);
  // One point on a side, all points the same, weights from 1e-300 to 1.
  LineBatch one({0.3}, {0.1, 0.9, 0.4}, 2);
  one.batch.add({2.0}, random.weights(3));
  EXPECT_TRUE(std::isfinite(sorted_start(one)[0][0]));

  LineBatch lump(Row(6, 0.5), Row(4, 0.5), 2);
  lump.batch.add(random.weights(6), random.weights(4));
  EXPECT_LT(distance_up_to_constant(sorted_start(lump)[0], Row(6, 0.0)), 1e-12);

  LineBatch wide(random.uniform_row(30, 0, 1), random.uniform_row(30, 0, 1), 2);
  Row tiny(30), heavy(30);
  for (int i = 0; i < 30; ++i) {
    tiny[i] = std::pow(10.0, -10.0 * i);
    heavy[i] = 1e3 * (i % 3 == 0);
  }
  wide.batch.add(tiny, random.weights(30));
  wide.batch.add(random.weights(30), tiny);
  wide.batch.add(heavy, heavy);
  const Rows f = sorted_start(wide);
  const Judgment judgment = judge(wide.batch, 1e-2, f);
  for (int k = 0; k < 3; ++k) {
    double mass = 0;
    for (double w : wide.batch.sources[k]) mass += w;
    EXPECT_NEAR(judgment.lower_bound[k], quantile_cost(wide, k), 1e-11 * mass);
    for (int i = 0; i < 30; ++i) EXPECT_EQ(std::isfinite(f[k][i]), wide.batch.sources[k][i] > 0);
  }
}

TEST(SortingInitializer, is_better_than_zeros) {
  Random random(73);
  Row x = random.uniform_row(60, 0, 1);
  LineBatch line(x, x, 2);
  for (int k = 0; k < 10; ++k) line.batch.add(random.weights(60), random.weights(60));
  const Rows f = sorted_start(line);
  for (double epsilon : {1e-3, 1e-4}) {
    const auto start = test::on_device(f, 60);
    add_log_weights<Space>(Space(), test::on_device(line.batch), epsilon, start);
    const Judgment sorted = judge(line.batch, epsilon, on_host(start));
    const Judgment zeros = judge(line.batch, epsilon, Rows(10, Row(60, 0.0)));
    for (int k = 0; k < 10; ++k) EXPECT_LT(sorted.marginal_error[k], zeros.marginal_error[k] / 1.5);
  }
}

TEST(SortingInitializer, rows_do_not_depend_on_the_batch) {
  Random random(74);
  LineBatch line(random.uniform_row(17, 0, 1), random.uniform_row(23, 0, 1), 1.5);
  for (int k = 0; k < 12; ++k) line.batch.add(random.weights(17, 0.3), random.weights(23, 0.3));
  const Rows together = sorted_start(line);
  for (int k = 0; k < 12; ++k) {
    LineBatch alone = line;
    alone.batch = line.batch.subset({k});
    EXPECT_EQ(together[k], sorted_start(alone)[0]);
  }
}

TEST(SortingInitializer, sizes_and_arguments) {
  LineBatch line({0, 1, 2}, {0, 1}, 2);
  const auto call = [&](int n, int m, double power, int rows, int columns) {
    sorting_initializer<Space>(Space(), on_device(Row(n, 0.5)), on_device(Row(m, 0.5)), power,
                               test::on_device(line.batch),
                               Matrix<double, Space>("otfleet::test::f", rows, columns));
  };
  EXPECT_NO_THROW(call(3, 2, 2, 0, 3));
  line.batch.add({0.2, 0.3, 0.5}, {0.4, 0.6});
  EXPECT_NO_THROW(call(3, 2, 1, 1, 3));
  EXPECT_THROW(call(3, 2, 0.9, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 2, NAN, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(2, 2, 2, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 3, 2, 1, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 2, 2, 2, 3), std::invalid_argument);
  EXPECT_THROW(call(3, 2, 2, 1, 2), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
