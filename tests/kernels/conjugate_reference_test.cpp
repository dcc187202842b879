#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/networks/potential_network.hpp"
#include "tests/kernels/conjugate_reference.hpp"
#include "tests/kernels/conjugate_testing.hpp"
#include "tests/kernels/counted_new.hpp"

// Conjugates against minimizers by SciPy, their inequalities and derivatives for a convex network,
// and that solving allocates nothing.

namespace otfleet::kernels {
namespace {

using test::CountedNew;

constexpr int d = 3;

/// sin(phase + 1.3 k), k counts row by row; as in conjugate_reference.py.
Values wave(double phase, std::size_t count) {
  Values values(count);
  for (std::size_t k = 0; k < count; ++k)
    values[k] = std::sin(phase + 1.3 * static_cast<double>(k));
  return values;
}

/// The network of conjugate_reference.py.
template <class Scalar>
NetworkOracle<Space, Scalar> reference_network(int points) {
  const auto matrix = [](Values values, std::size_t rows, auto change) {
    for (double& value : values) value = change(value);
    return Matrix<const Scalar, Space>(upload<Scalar>(values, rows));
  };
  const auto vector = [](const Values& values) {
    const Vector<Scalar, Space> vector("otfleet::test::bias", values.size());
    const auto host = Kokkos::create_mirror_view(vector);
    for (std::size_t k = 0; k < values.size(); ++k) host(k) = static_cast<Scalar>(values[k]);
    Kokkos::deep_copy(vector, host);
    return vector;
  };
  const auto itself = [](double value) { return value; };
  PotentialLayer<Space, Scalar> first, second, last;
  first.input = matrix(wave(0.1, 24), 8, itself);
  first.bias = vector(wave(0.3, 8));
  second.input = matrix(wave(0.2, 15), 5, itself);
  second.bias = vector(wave(0.4, 5));
  second.hidden = matrix(wave(0.5, 40), 5, [](double value) { return value * value / 4; });
  second.quadratic = matrix(wave(0.7, 15), 5, [](double value) { return value / 2; });
  last.hidden = matrix(wave(0.6, 5), 1, [](double value) { return value * value; });
  PotentialNetwork<Space, Scalar> network;
  network.layers = {first, second, last};
  network.half_square = 0.5;
  return {network, points};
}

double log_sum_exp(const Values& x, Values& gradient) {
  double sum = 0, square = 0;
  for (const double value : x) sum += std::exp(value), square += value * value;
  for (std::size_t i = 0; i < x.size(); ++i) gradient[i] = std::exp(x[i]) / sum + x[i] / 2;
  return std::log(sum) + square / 4;
}

double quartic(const Values& x, Values& gradient) {
  double sum = 0, value = 0;
  for (const double part : x) sum += part, value += part * part * part * part / 4;
  for (std::size_t i = 0; i < x.size(); ++i) gradient[i] = x[i] * x[i] * x[i] + sum;
  return value + sum * sum / 2;
}

LbfgsSettings settings(double tolerance, LineSearch line_search) {
  LbfgsSettings settings;
  settings.gradient_tolerance = tolerance;
  settings.line_search = line_search;
  settings.max_steps = 500;
  return settings;
}

template <class Scalar, class Solver, std::size_t rows>
void expect_minimizers(Solver&& solver, PotentialOracle<Space, Scalar>& oracle,
                       const reference::Minimizer (&table)[rows], double tolerance) {
  Values y;
  for (const auto& row : table) y.insert(y.end(), row.y, row.y + d);
  const auto found = minimize<Scalar>(solver, oracle, y, y, rows);
  for (std::size_t k = 0; k < rows; ++k) {
    EXPECT_EQ(found.status[k], converged) << k;
    EXPECT_NEAR(found.value[k], table[k].value, tolerance * (1 + std::abs(table[k].value)));
    for (std::size_t i = 0; i < d; ++i)
      EXPECT_NEAR(found.x[k * d + i], table[k].x[i], tolerance) << k;
  }
}

template <class Scalar, std::size_t rows>
void expect_all_solvers(PotentialOracle<Space, Scalar>& oracle,
                        const reference::Minimizer (&table)[rows], double residual,
                        double tolerance) {
  for (const auto line_search : {LineSearch::armijo, LineSearch::wolfe})
    expect_minimizers<Scalar>(Lbfgs<Space, Scalar>(settings(residual, line_search), rows, d),
                              oracle, table, tolerance);
  AdamDescentSettings adam;
  adam.max_steps = 20000;
  adam.gradient_tolerance = residual;
  expect_minimizers<Scalar>(AdamDescent<Space, Scalar>(adam, rows, d), oracle, table, tolerance);
}

TEST(ConjugateReferenceTest, NetworkInDouble) {
  auto oracle = reference_network<double>(std::size(reference::network));
  expect_all_solvers<double>(oracle, reference::network, 1e-9, 1e-8);
}

TEST(ConjugateReferenceTest, NetworkInFloat) {
  auto oracle = reference_network<float>(std::size(reference::network));
  expect_all_solvers<float>(oracle, reference::network, 1e-5, 1e-4);
}

struct FloatFirst {
  MixedLbfgs<Space> solver;
  PotentialOracle<Space, float>& rough;
  void minimize(const Space& space, PotentialOracle<Space, double>& oracle,
                const Matrix<const double, Space>& y, const Matrix<double, Space>& x,
                const Conjugates<Space, double>& result) {
    solver.minimize(space, rough, oracle, y, x, result);
  }
};

/// The same minimizers, few evaluations of which are in double.
TEST(ConjugateReferenceTest, FloatFirst) {
  constexpr std::size_t rows = std::size(reference::network);
  auto oracle = reference_network<double>(rows);
  auto rough = reference_network<float>(rows);
  for (const double residual : {1e-9, 1e-3}) {
    const auto limits = settings(residual, LineSearch::armijo);
    expect_minimizers<double>(FloatFirst{{limits, rows, d}, rough}, oracle, reference::network,
                              10 * residual);
  }
  // A function that float knows nothing of.
  HostOracle<float> nothing(d, [](const Values&, Values& gradient) {
    gradient.assign(d, 0);
    return std::numeric_limits<double>::infinity();
  });
  expect_minimizers<double>(FloatFirst{{settings(1e-9, LineSearch::armijo), rows, d}, nothing},
                            oracle, reference::network, 1e-8);
}

TEST(ConjugateReferenceTest, StepsInFloatCountForTheLimit) {
  constexpr std::size_t rows = 300;
  auto oracle = reference_network<double>(rows);
  auto rough = reference_network<float>(rows);
  const Values y = random_values(rows * d, 7, 2);
  for (const int most : {0, 1, 3}) {
    auto limits = settings(1e-9, LineSearch::armijo);
    limits.max_steps = most;
    FloatFirst solver{{limits, rows, d}, rough};
    const auto found = minimize<double>(solver, oracle, y, y, rows);
    for (std::size_t k = 0; k < rows; ++k) {
      EXPECT_EQ(found.steps[k], most) << k;
      EXPECT_EQ(found.status[k], static_cast<int>(ConjugateStatus::step_limit)) << k;
    }
  }
}

TEST(ConjugateReferenceTest, Formulas) {
  HostOracle<double> smooth(d, log_sum_exp), steep(d, quartic);
  expect_all_solvers<double>(smooth, reference::log_sum_exp, 1e-9, 1e-8);
  expect_all_solvers<double>(steep, reference::quartic, 1e-9, 1e-8);
}

/// f(x) + f*(y) >= <x, y>, and equality where x = ∇f*(y).
TEST(ConjugateReferenceTest, FenchelAndYoung) {
  constexpr std::size_t rows = 400;
  auto oracle = reference_network<double>(rows);
  Lbfgs<Space, double> solver(settings(1e-9, LineSearch::armijo), rows, d);
  const Values y = random_values(rows * d, 3, 2), x = random_values(rows * d, 4, 2);
  const auto found = minimize<double>(solver, oracle, y, y, rows);
  const auto values_at = [&](const Values& points) {
    const Vector<double, Space> value("otfleet::test::value", rows);
    const Matrix<double, Space> gradient("otfleet::test::gradient", rows, d);
    oracle.evaluate(Space(), upload<double>(points, rows), value, gradient);
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), value);
  };
  const auto at_random = values_at(x), at_minimizers = values_at(found.x);
  for (std::size_t k = 0; k < rows; ++k) {
    ASSERT_EQ(found.status[k], converged);
    double random_product = 0, product = 0;
    for (std::size_t i = 0; i < d; ++i) {
      random_product += x[k * d + i] * y[k * d + i];
      product += found.x[k * d + i] * y[k * d + i];
    }
    const double conjugate = -found.value[k];
    EXPECT_GE(at_random(k) + conjugate, random_product - 1e-12);
    EXPECT_NEAR(at_minimizers(k) + conjugate, product, 1e-12 * (1 + std::abs(product)));
  }
}

TEST(ConjugateReferenceTest, MinimizersAreTheGradientOfTheConjugate) {
  constexpr std::size_t rows = 20, moved_rows = rows * d * 2;
  constexpr double step = 1e-4;
  auto oracle = reference_network<double>(moved_rows);
  Lbfgs<Space, double> solver(settings(1e-10, LineSearch::armijo), moved_rows, d);
  const Values y = random_values(rows * d, 5, 2);
  Values moved;
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t i = 0; i < d; ++i)
      for (const double by : {step, -step})
        for (std::size_t j = 0; j < d; ++j) moved.push_back(y[k * d + j] + (i == j ? by : 0));
  const auto found = minimize<double>(solver, oracle, y, y, rows);
  const auto around = minimize<double>(solver, oracle, moved, moved, moved_rows);
  for (std::size_t at = 0; at < rows * d; ++at) {
    const double slope = (around.value[2 * at + 1] - around.value[2 * at]) / (2 * step);
    EXPECT_NEAR(found.x[at], slope, 1e-6);
  }
}

/// Views that Kokkos has made while allocations are counted.
int counted_views = 0;

template <class Scalar>
void expect_no_allocations() {
  constexpr std::size_t rows = 300;
  auto oracle = reference_network<Scalar>(rows);
  Lbfgs<Space, Scalar> solver(settings(1e-4, LineSearch::armijo), rows, d);
  AdamDescent<Space, Scalar> adam({}, rows, d);
  auto rough = reference_network<float>(rows);
  MixedLbfgs<Space> mixed(settings(1e-4, LineSearch::armijo), rows, d);
  const auto y = upload<Scalar>(random_values(rows * d, 6), rows);
  const Matrix<Scalar, Space> x("otfleet::test::x", rows, d), gradient("otfleet::test::g", rows, d);
  const Vector<Scalar, Space> value("otfleet::test::value", rows);
  const Conjugates<Space, Scalar> result(rows);
  const auto work = [&] {
    oracle.evaluate(Space(), y, value, gradient);
    Kokkos::deep_copy(x, y);
    solver.minimize(Space(), oracle, y, x, result);
    adam.minimize(Space(), oracle, y, x, result);
    if constexpr (std::is_same_v<Scalar, double>)
      mixed.minimize(Space(), rough, oracle, y, x, result);
  };
  work();  // Kokkos and BLAS make room for themselves once
  CountedNew::count = counted_views = 0;
  CountedNew::counting = true;
  work();
  CountedNew::counting = false;
  EXPECT_EQ(CountedNew::count, 0);
  EXPECT_EQ(counted_views, 0);
}

TEST(ConjugateReferenceTest, CallsAllocateNothing) {
  Kokkos::Tools::Experimental::set_allocate_data_callback(
      [](auto, const char*, const void*, std::uint64_t) {
        if (CountedNew::counting) ++counted_views;
      });
  expect_no_allocations<double>();
  expect_no_allocations<float>();
  CountedNew::counting = true;
  const Vector<double, Space> one("otfleet::test::one", 1000);
  CountedNew::counting = false;
  EXPECT_EQ(counted_views, 1);  // it does count
  Kokkos::Tools::Experimental::set_allocate_data_callback(nullptr);
}

}  // namespace
}  // namespace otfleet::kernels
