#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "tests/kernels/conjugate_testing.hpp"

// Conjugates whose minimizers are known in closed form.

namespace otfleet::kernels {
namespace {

/// ½ x·Ax with A symmetric, positive definite, of condition number about `condition`.
struct Quadratic {
  int d;
  Values a;

  Quadratic(int dimension, double condition, unsigned seed) : d(dimension) {
    const auto n = static_cast<std::size_t>(d);
    Values q = random_values(n * n, seed);
    for (std::size_t i = 0; i < n; ++i) {  // Gram-Schmidt on rows
      for (std::size_t k = 0; k < i; ++k) {
        double dot = 0;
        for (std::size_t j = 0; j < n; ++j) dot += q[i * n + j] * q[k * n + j];
        for (std::size_t j = 0; j < n; ++j) q[i * n + j] -= dot * q[k * n + j];
      }
      double norm = 0;
      for (std::size_t j = 0; j < n; ++j) norm += q[i * n + j] * q[i * n + j];
      for (std::size_t j = 0; j < n; ++j) q[i * n + j] /= std::sqrt(norm);
    }
    a.assign(n * n, 0);
    for (std::size_t k = 0; k < n; ++k) {
      const double share = n > 1 ? static_cast<double>(k) / static_cast<double>(n - 1) : 0;
      const double eigenvalue = std::pow(condition, share - 0.5);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          a[i * n + j] += eigenvalue * q[k * n + i] * q[k * n + j];
    }
  }

  double operator()(const Values& x, Values& gradient) const {
    const auto n = static_cast<std::size_t>(d);
    double value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      gradient[i] = 0;
      for (std::size_t j = 0; j < n; ++j) gradient[i] += a[i * n + j] * x[j];
      value += 0.5 * x[i] * gradient[i];
    }
    return value;
  }
};

class ConjugateTest : public ::testing::TestWithParam<LineSearch> {
 protected:
  LbfgsSettings settings(double tolerance) const {
    LbfgsSettings settings;
    settings.gradient_tolerance = tolerance;
    settings.line_search = GetParam();
    settings.max_steps = 500;
    return settings;
  }
};

TEST_P(ConjugateTest, Quadratics) {
  for (const int d : {1, 2, 7, 33}) {
    constexpr std::size_t rows = 40;
    const Quadratic quadratic(d, 100, static_cast<unsigned>(d));
    const auto n = static_cast<std::size_t>(d);
    // y = A x* for x* that are known.
    const Values known = random_values(rows * n, 5);
    Values y(rows * n);
    for (std::size_t k = 0; k < rows; ++k) {
      Values slope(n);
      quadratic(Values(known.begin() + static_cast<long>(k * n),
                       known.begin() + static_cast<long>((k + 1) * n)),
                slope);
      std::copy(slope.begin(), slope.end(), y.begin() + static_cast<long>(k * n));
    }
    HostOracle<double> oracle(d, quadratic);
    Lbfgs<Space, double> solver(settings(1e-10), rows, d);
    const auto found = minimize<double>(solver, oracle, y, random_values(rows * n, 6), rows);
    for (std::size_t k = 0; k < rows; ++k) {
      EXPECT_EQ(found.status[k], converged);
      EXPECT_LE(found.residual[k], 1e-10);
      double value = 0;
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_NEAR(found.x[k * n + i], known[k * n + i], 1e-8);
        value -= 0.5 * known[k * n + i] * y[k * n + i];
      }
      EXPECT_NEAR(found.value[k], value, 1e-8);
      EXPECT_GT(found.evaluations[k], found.steps[k]);
    }
  }
}

/// f = log sum exp: f* = sum y log y on the simplex, minimizers log y + constant.
TEST_P(ConjugateTest, LogSumExp) {
  constexpr int d = 6;
  constexpr std::size_t rows = 25;
  const auto function = [](const Values& x, Values& gradient) {
    const double top = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (const double value : x) sum += std::exp(value - top);
    for (std::size_t i = 0; i < x.size(); ++i) gradient[i] = std::exp(x[i] - top) / sum;
    return top + std::log(sum);
  };
  Values y = random_values(rows * d, 3);
  for (std::size_t k = 0; k < rows; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < d; ++i) sum += y[k * d + i] = std::exp(y[k * d + i]);
    for (std::size_t i = 0; i < d; ++i) y[k * d + i] /= sum;
  }
  HostOracle<double> oracle(d, function);
  Lbfgs<Space, double> solver(settings(1e-10), rows, d);
  const auto found = minimize<double>(solver, oracle, y, Values(rows * d), rows);
  for (std::size_t k = 0; k < rows; ++k) {
    EXPECT_EQ(found.status[k], converged);
    double entropy = 0;
    for (std::size_t i = 0; i < d; ++i) entropy += y[k * d + i] * std::log(y[k * d + i]);
    EXPECT_NEAR(found.value[k], -entropy, 1e-8);
    for (std::size_t i = 1; i < d; ++i)
      EXPECT_NEAR(found.x[k * d + i] - found.x[k * d], std::log(y[k * d + i] / y[k * d]), 1e-7);
  }
}

/// f = |x|_p^p / p: f* = |y|_q^q / q, 1/p + 1/q = 1.
TEST_P(ConjugateTest, PowersOfNorms) {
  constexpr int d = 5;
  constexpr std::size_t rows = 20;
  for (const double p : {1.5, 3.0, 4.0}) {
    const auto function = [p](const Values& x, Values& gradient) {
      double value = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        value += std::pow(std::abs(x[i]), p) / p;
        gradient[i] = std::copysign(std::pow(std::abs(x[i]), p - 1), x[i]);
      }
      return value;
    };
    const double q = p / (p - 1);
    const Values y = random_values(rows * d, 8, 2);
    HostOracle<double> oracle(d, function);
    Lbfgs<Space, double> solver(settings(1e-9), rows, d);
    const auto found = minimize<double>(solver, oracle, y, y, rows);
    for (std::size_t k = 0; k < rows; ++k) {
      EXPECT_EQ(found.status[k], converged) << p;
      double conjugate = 0;
      for (std::size_t i = 0; i < d; ++i) conjugate += std::pow(std::abs(y[k * d + i]), q) / q;
      EXPECT_NEAR(-found.value[k], conjugate, 1e-8) << p;
    }
  }
}

TEST_P(ConjugateTest, PointsDoNotDependOnEachOther) {
  constexpr int d = 4;
  constexpr std::size_t rows = 30;
  const Quadratic quadratic(d, 50, 1);
  HostOracle<double> oracle(d, quadratic);
  Lbfgs<Space, double> solver(settings(1e-7), rows, d);
  Values start = random_values(rows * d, 2);
  const Values y = random_values(rows * d, 4);
  for (std::size_t k = 0; k < rows; k += 3)  // some are nearly done, some far
    for (std::size_t i = 0; i < d; ++i) start[k * d + i] *= 1000;
  const auto together = minimize<double>(solver, oracle, y, start, rows);
  const int calls = oracle.calls();
  EXPECT_EQ(calls, *std::max_element(together.evaluations.begin(), together.evaluations.end()));
  for (std::size_t k = 0; k < rows; ++k) {
    const auto row = [&](const Values& all) {
      return Values(all.begin() + static_cast<long>(k * d),
                    all.begin() + static_cast<long>((k + 1) * d));
    };
    const auto alone = minimize<double>(solver, oracle, row(y), row(start), 1);
    EXPECT_EQ(alone.x, row(together.x));
    EXPECT_EQ(alone.steps[0], together.steps[k]);
    EXPECT_EQ(alone.evaluations[0], together.evaluations[k]);
  }
  // From a minimizer there is nothing to do.
  const auto again = minimize<double>(solver, oracle, y, together.x, rows);
  for (std::size_t k = 0; k < rows; ++k) {
    EXPECT_EQ(again.steps[k], 0);
    EXPECT_EQ(again.evaluations[k], 1);
  }
}

/// The rounding of J in float is far above what the last steps make it fall.
TEST_P(ConjugateTest, FloatsDoNotStall) {
  constexpr int d = 16;
  constexpr std::size_t rows = 200;
  const auto function = [](const Values& x, Values& gradient) {
    double value = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      value += 0.5 * x[i] * x[i] + std::log1p(std::exp(3 * x[i])) + 1000;
      gradient[i] = x[i] + 3 / (1 + std::exp(-3 * x[i]));
    }
    return value;
  };
  HostOracle<float> oracle(d, function);
  Lbfgs<Space, float> solver(settings(1e-4), rows, d);
  const Values y = random_values(rows * d, 7, 3);
  const auto found = minimize<float>(solver, oracle, y, y, rows);
  for (std::size_t k = 0; k < rows; ++k) {
    EXPECT_EQ(found.status[k], converged);
    EXPECT_LT(found.evaluations[k], 60);
  }
}

TEST_P(ConjugateTest, TroubleIsTheStatusOfAPoint) {
  // Linear in the first coordinate where that is positive; no number beyond −5.
  const auto function = [](const Values& x, Values& gradient) {
    gradient[1] = x[1];
    gradient[0] = x[0] > 0 ? std::tanh(x[0]) : x[0];
    if (x[0] < -5) gradient[0] = std::numeric_limits<double>::quiet_NaN();
    const double part =
        x[0] > 0 ? std::log(std::cosh(std::min(x[0], 300.0))) + std::max(x[0] - 300.0, 0.0)
                 : 0.5 * x[0] * x[0];
    return x[0] < -5 ? std::numeric_limits<double>::quiet_NaN() : part + 0.5 * x[1] * x[1];
  };
  HostOracle<double> oracle(2, function);
  Lbfgs<Space, double> solver(settings(1e-8), 4, 2);
  // Solvable; steeper than f ever gets; a start without a value; a minimizer at the edge of values.
  const Values y = {0.5, 1, 2, 0, 0.5, 1, -4.5, 0.5}, start = {0, 0, 0, 0, -6, 0, 3, 0};
  const auto found = minimize<double>(solver, oracle, y, start, 4);
  EXPECT_EQ(found.status[0], converged);
  EXPECT_EQ(found.status[1], static_cast<int>(ConjugateStatus::unbounded));
  EXPECT_EQ(found.status[2], static_cast<int>(ConjugateStatus::not_finite));
  EXPECT_EQ(found.x[4], -6);
  EXPECT_EQ(found.status[3], converged);
  EXPECT_NEAR(found.x[6], -4.5, 1e-7);
  auto few = settings(1e-12);
  few.max_steps = 1;
  Lbfgs<Space, double> hasty(few, 4, 2);
  EXPECT_EQ(minimize<double>(hasty, oracle, y, start, 4).status[3],
            static_cast<int>(ConjugateStatus::step_limit));
}

TEST_P(ConjugateTest, NoPointsAndWrongSizes) {
  const Quadratic quadratic(3, 2, 1);
  HostOracle<double> oracle(3, quadratic);
  Lbfgs<Space, double> solver(settings(1e-8), 2, 3);
  minimize<double>(solver, oracle, {}, {}, 0);
  EXPECT_EQ(oracle.calls(), 0);
  const Values nine(9);
  EXPECT_THROW(minimize<double>(solver, oracle, nine, nine, 3), std::invalid_argument);
  EXPECT_THROW(minimize<double>(solver, oracle, Values(2), Values(2), 1), std::invalid_argument);
  HostOracle<double> other(2, Quadratic(2, 2, 1));
  EXPECT_THROW(minimize<double>(solver, other, Values(3), Values(3), 1), std::invalid_argument);
  auto bad = settings(1e-8);
  bad.memory = 0;
  EXPECT_THROW((Lbfgs<Space, double>(bad, 1, 1)), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(LineSearches, ConjugateTest,
                         ::testing::Values(LineSearch::armijo, LineSearch::wolfe));

template <class Solver, class Settings>
void expect_start_residuals(Settings settings) {
  constexpr std::size_t rows = 5;
  HostOracle<double> oracle(2, [](const Values& x, Values& gradient) {
    gradient = {3 * x[0], 2 * x[1]};
    return 1.5 * x[0] * x[0] + x[1] * x[1];
  });
  const Values y = random_values(2 * rows, 1), start = random_values(2 * rows, 2);
  for (const int steps : {0, 50}) {
    settings.max_steps = steps;
    Solver solver(settings, rows, 2);
    const auto x = upload<double>(start, rows);
    const Conjugates<Space, double> result(rows);
    solver.minimize(Space(), oracle, upload<double>(y, rows), x, result);
    const auto found =
        Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), result.start_residual);
    for (std::size_t k = 0; k < rows; ++k)
      EXPECT_NEAR(found(k),
                  std::hypot(3 * start[2 * k] - y[2 * k], 2 * start[2 * k + 1] - y[2 * k + 1]),
                  1e-12);
  }
}

TEST(StartResidualTest, IsThatOfTheStart) {
  expect_start_residuals<Lbfgs<Space, double>>(LbfgsSettings());
  expect_start_residuals<AdamDescent<Space, double>>(AdamDescentSettings());
}

TEST(AdamDescentTest, QuadraticsAndTrouble) {
  constexpr int d = 3;
  constexpr std::size_t rows = 20;
  const Quadratic quadratic(d, 4, 1);
  HostOracle<double> oracle(d, quadratic);
  AdamDescentSettings settings;
  settings.max_steps = 2000;
  settings.gradient_tolerance = 1e-6;
  AdamDescent<Space, double> solver(settings, rows, d);
  const Values y = random_values(rows * d, 4);
  const auto found = minimize<double>(solver, oracle, y, y, rows);
  for (std::size_t k = 0; k < rows; ++k) {
    EXPECT_EQ(found.status[k], converged);
    EXPECT_EQ(found.evaluations[k], found.steps[k] + 1);
    Values slope(d);
    quadratic(Values(found.x.begin() + static_cast<long>(k * d),
                     found.x.begin() + static_cast<long>((k + 1) * d)),
              slope);
    for (std::size_t i = 0; i < d; ++i) EXPECT_NEAR(slope[i], y[k * d + i], 1e-6);
  }
  settings.max_steps = 3;
  AdamDescent<Space, double> hasty(settings, rows, d);
  const auto cut = minimize<double>(hasty, oracle, y, Values(rows * d, 5.0), rows);
  EXPECT_EQ(cut.status[0], static_cast<int>(ConjugateStatus::step_limit));
  EXPECT_EQ(cut.steps[0], 3);
  HostOracle<double> nothing(1, [](const Values&, Values& gradient) {
    gradient[0] = 0;
    return std::numeric_limits<double>::quiet_NaN();
  });
  AdamDescent<Space, double> one(settings, 1, 1);
  const auto lost = minimize<double>(one, nothing, {1}, {7}, 1);
  EXPECT_EQ(lost.status[0], static_cast<int>(ConjugateStatus::not_finite));
  EXPECT_EQ(lost.x[0], 7);
}

}  // namespace
}  // namespace otfleet::kernels
