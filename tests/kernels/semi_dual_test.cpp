#include "kernels/outputs/semi_dual.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// 1e-3 needs the logarithmic path, the others stay on the scaling path.
constexpr double epsilons[] = {1e-3, 0.05, 0.5};

Rows random_potentials(Random& random, const HostBatch& batch, double size) {
  Rows f;
  for (int k = 0; k < batch.size(); ++k) {
    f.push_back(random.uniform_row(batch.cost.n(), -size, size));
    for (int i = 0; i < batch.cost.n(); ++i)
      if (batch.sources[batch.source_index[k]][i] == 0) f[k][i] = -infinity;
  }
  return f;
}

TEST(SemiDual, matches_the_reference_and_the_certificate) {
  Random random(41);
  for (Geometry geometry : all_geometries)
    for (double epsilon : epsilons)
      for (double size : {0.0, 0.3}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 9, 0.3);
        const auto f = random_potentials(random, batch, size);
        const auto found = evaluate_semi_dual(batch, epsilon, f);
        const auto judgment = judge(batch, epsilon, f);
        for (int k = 0; k < batch.size(); ++k) {
          const auto problem = dense_problem(batch, k, epsilon);
          EXPECT_NEAR(found.value[k], dual_value(problem, f[k]), 1e-10);
          EXPECT_NEAR(found.value[k], judgment.dual_value[k], 1e-13);
          const Row expected = gradient(problem, f[k]);
          for (int i = 0; i < problem.n; ++i) {
            EXPECT_NEAR(found.gradient[k][i], expected[i], 1e-10);
            EXPECT_TRUE(problem.a[i] > 0 || found.gradient[k][i] == 0) << i;
          }
        }
      }
}

TEST(SemiDual, gradient_is_the_derivative_of_the_value) {
  Random random(42);
  for (Geometry geometry : all_geometries)
    for (double epsilon : epsilons) {
      SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
      const auto batch = random_batch(random, random_cost(random, geometry), 1, 0.2);
      const auto f = random_potentials(random, batch, 2 * epsilon);
      const auto found = evaluate_semi_dual(batch, epsilon, f);
      // The truncation error is (step/epsilon)² ~ 1e-8 times a number below 1/6, rounding 1e-16
      // over the step.
      const double step = 1e-4 * epsilon;
      for (int i = 0; i < batch.cost.n(); ++i) {
        if (batch.sources[0][i] == 0) continue;
        Rows more = f, less = f;
        more[0][i] += step;
        less[0][i] -= step;
        const double slope = (evaluate_semi_dual(batch, epsilon, more).value[0] -
                              evaluate_semi_dual(batch, epsilon, less).value[0]) /
                             (2 * step);
        EXPECT_NEAR(found.gradient[0][i], slope, 1e-8) << i;
      }
    }
}

TEST(SemiDual, is_concave_and_largest_at_the_solution) {
  Random random(43);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 1);
  SinkhornSettings settings;
  settings.epsilon = 0.05;
  settings.threshold = 1e-12;
  settings.max_iterations = 20000;
  const auto optimum = solve<double>(batch, settings).f;
  const auto at_optimum = evaluate_semi_dual(batch, 0.05, optimum);
  for (double slope : at_optimum.gradient[0]) EXPECT_NEAR(slope, 0, 1e-12);
  for (int repetition = 0; repetition < 20; ++repetition) {
    const auto f = random_potentials(random, batch, 0.5);
    Rows middle = f;
    for (int i = 0; i < batch.cost.n(); ++i) middle[0][i] = 0.5 * (f[0][i] + optimum[0][i]);
    const double value = evaluate_semi_dual(batch, 0.05, f).value[0];
    EXPECT_LT(value, at_optimum.value[0]);
    EXPECT_GT(evaluate_semi_dual(batch, 0.05, middle).value[0],
              0.5 * (value + at_optimum.value[0]));
  }
}

TEST(SemiDual, constants_and_offsets) {
  Random random(44);
  const auto batch = random_batch(random, random_cost(random, Geometry::dense), 2, 0.2);
  auto f = random_potentials(random, batch, 0.2);
  const auto base = evaluate_semi_dual(batch, 0.1, f);
  for (Row& row : f)
    for (double& x : row) x += 3;
  std::vector<AxisCost> axes = batch.cost.axes();
  for (double& c : axes[0].values) c += 1000;
  HostBatch shifted = batch;
  shifted.cost = SeparableCost(axes);
  const auto other = evaluate_semi_dual(shifted, 0.1, f);
  for (int k = 0; k < 2; ++k) {
    // A constant in f moves g the other way; one in the cost adds itself to every plan.
    EXPECT_NEAR(other.value[k], base.value[k] + 1000, 1e-10);
    for (int i = 0; i < batch.cost.n(); ++i)
      EXPECT_NEAR(other.gradient[k][i], base.gradient[k][i], 1e-10);
  }
}

TEST(SemiDual, does_not_depend_on_neighbors) {
  Random random(45);
  for (double epsilon : epsilons)
    for (int size : {1, 7, 8, 9, 40}) {
      const auto batch = random_batch(random, random_cost(random, Geometry::space), size, 0.3);
      const auto f = random_potentials(random, batch, 0.3);
      const auto together = evaluate_semi_dual(batch, epsilon, f);
      for (int k = 0; k < size; ++k) {
        const auto alone = evaluate_semi_dual(batch.subset({k}), epsilon, {f[k]});
        EXPECT_EQ(together.value[k], alone.value[0]);
        EXPECT_EQ(together.gradient[k], alone.gradient[0]);
      }
    }
}

TEST(SemiDual, sizes_and_arguments) {
  HostBatch batch{SeparableCost::dense(2, 3, {1, 2, 3, 4, 5, 6})};
  const Matrix<double, Space> empty, f("otfleet::test::f", 1, 2), g("otfleet::test::g", 1, 3);
  const auto call = [&](double epsilon, const Matrix<const double, Space>& potentials, int values,
                        const Matrix<double, Space>& slope) {
    semi_dual<Space>(Space(), batch.cost, on_device(batch), epsilon, potentials,
                     Vector<double, Space>("otfleet::test::value", values), slope);
  };
  EXPECT_NO_THROW(call(1, empty, 0, empty));
  batch.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  EXPECT_NO_THROW(call(1, f, 1, f));
  EXPECT_THROW(call(-1, f, 1, f), std::invalid_argument);
  EXPECT_THROW(call(1, g, 1, f), std::invalid_argument);
  EXPECT_THROW(call(1, f, 2, f), std::invalid_argument);
  EXPECT_THROW(call(1, f, 1, g), std::invalid_argument);
  batch.target_index[0] = -1;
  EXPECT_THROW(call(1, f, 1, f), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
