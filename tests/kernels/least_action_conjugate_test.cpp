#include "kernels/paths/least_action_conjugate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/kernels/paths_testing.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// f(x) = ½ |x|² + h(x), h(x) = Σ (x_i − 0.3)⁴/4 + sin(x_i).
class Wavy final : public PotentialOracle<Space, double> {
 public:
  int dimension() const override { return 2; }
  void evaluate(const Space& space, const Matrix<const double, Space>& points,
                const Vector<double, Space>& value,
                const Matrix<double, Space>& gradient) override {
    Kokkos::parallel_for(
        "otfleet::test::wavy",
        Kokkos::RangePolicy<Space>(space, 0, static_cast<int>(points.extent(0))),
        KOKKOS_LAMBDA(int k) {
          value(k) = 0;
          for (int i = 0; i < 2; ++i) {
            const double x = points(k, i), off = x - 0.3;
            value(k) += x * x / 2 + off * off * off * off / 4 + ::sin(x);
            gradient(k, i) = x + off * off * off + ::cos(x);
          }
        });
  }
  static double above_half_square(const double* x) {
    double sum = 0;
    for (int i = 0; i < 2; ++i) sum += std::pow(x[i] - 0.3, 4) / 4 + std::sin(x[i]);
    return sum;
  }
};

struct Transformed {
  Row x, value;
  std::vector<int> status;
};

Transformed c_transform(const Lagrangian& lagrangian, const Row& y) {
  const int count = static_cast<int>(y.size() / 2);
  LbfgsSettings settings;
  settings.gradient_tolerance = 1e-8;
  LeastActionConjugates<Space, double> conjugates(lagrangian, {}, settings, count, 2);
  Wavy potential;
  const auto x = matrix_of(y, 2);
  const Conjugates<Space, double> found(static_cast<std::size_t>(count));
  conjugates.minimize(Space(), potential, matrix_of(y, 2), x, found);
  return {to_host(x), to_host(found.value), to_host(found.status)};
}

TEST(LeastActionConjugates, OfTheSquaredDistanceAreThoseOfLbfgs) {
  const Row y = points_of(SquaredEuclideanLagrangian(), 50, 2, 4, 2);
  const Transformed found = c_transform(SquaredEuclideanLagrangian(), y);
  LbfgsSettings settings;
  settings.gradient_tolerance = 1e-8;
  Lbfgs<Space, double> lbfgs(settings, 50, 2);
  Wavy potential;
  const auto x = matrix_of(y, 2);
  const Conjugates<Space, double> result(50);
  lbfgs.minimize(Space(), potential, matrix_of(y, 2), x, result);
  const Row expected = to_host(x), value = to_host(result.value);
  for (std::size_t k = 0; k < 50; ++k) {
    EXPECT_EQ(found.status[k], 0);
    EXPECT_NEAR(found.value[k], value[k], 1e-9);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(found.x[2 * k + i], expected[2 * k + i], 1e-6);
  }
}

/// g^c(y) <= c(y, x) − g(x) for all x: of a well always, past a hill but for ends that only a path
/// on the other side of it leads to.
TEST(LeastActionConjugates, NoOtherEndIsBetter) {
  for (const auto& [lagrangian, least_share] :
       {std::pair{Lagrangian(WellLagrangian()), 1.0}, {Lagrangian(HillLagrangian()), 0.97}}) {
    constexpr std::size_t count = 40, shifts = 10;
    const Row y = points_of(lagrangian, count, 2, 6), other = points_of(lagrangian, count, 2, 7);
    const Transformed found = c_transform(lagrangian, y);
    int holds = 0;
    for (std::size_t shift = 0; shift < shifts; ++shift) {
      Row x;
      for (std::size_t k = 0; k < count; ++k)
        for (std::size_t i = 0; i < 2; ++i) x.push_back(other[2 * ((k + shift) % count) + i]);
      const Row action = solve(lagrangian, 2, y, x).action;
      for (std::size_t k = 0; k < count; ++k) {
        const double half_square = (y[2 * k] * y[2 * k] + y[2 * k + 1] * y[2 * k + 1]) / 2;
        holds +=
            found.value[k] + half_square <= action[k] + Wavy::above_half_square(&x[2 * k]) + 1e-7
                ? 1
                : 0;
      }
    }
    EXPECT_EQ(std::count(found.status.begin(), found.status.end(), 0),
              static_cast<std::ptrdiff_t>(count));
    EXPECT_GE(holds, least_share * count * shifts) << name_of(lagrangian);
  }
}

/// Minimizers of a hill's c-transforms, and their paths.
class PredictedPaths : public testing::Test {
 protected:
  static constexpr int count = 30;

  PredictedPaths() {
    settings_.gradient_tolerance = 1e-8;
    path_.starts = 3;
  }

  Lagrangian hill_ = HillLagrangian();
  LbfgsSettings settings_;
  PathSettings path_;
  Row y_ = points_of(hill_, count, 2, 6);
  Wavy potential_;
};

TEST_F(PredictedPaths, LeadToThemselvesAtOnce) {
  LeastActionConjugates<Space, double> all(hill_, path_, settings_, count, 2);
  ASSERT_EQ(all.path_numbers(), path_.coefficients() * 2);
  const auto numbers = static_cast<std::size_t>(all.path_numbers());
  const auto x = matrix_of(y_, 2);
  // Any prediction will do, as one start among others.
  const Matrix<double, Space> paths("otfleet::test::paths", count, numbers);
  const Conjugates<Space, double> found(count);
  all.minimize(Space(), potential_, matrix_of(y_, 2), x, found, paths);
  path_.starts = 1;
  LeastActionConjugates<Space, double> one(hill_, path_, settings_, count, 2);
  const auto again = matrix_of(to_host(x), 2);
  const Conjugates<Space, double> confirmed(count);
  one.minimize(Space(), potential_, matrix_of(y_, 2), again, confirmed, paths);
  const Row value = to_host(found.value), same = to_host(confirmed.value);
  const auto steps = to_host(confirmed.steps), status = to_host(found.status);
  for (std::size_t k = 0; k < count; ++k) {
    if (status[k] != 0) continue;
    EXPECT_EQ(steps[k], 0) << k;
    EXPECT_NEAR(same[k], value[k], 1e-12) << k;
  }
  EXPECT_GE(std::count(status.begin(), status.end(), 0), count - 2);
  const Matrix<double, Space> narrow("otfleet::test::paths", count, numbers - 1);
  EXPECT_THROW(one.minimize(Space(), potential_, matrix_of(y_, 2), again, confirmed, narrow),
               std::invalid_argument);
}

TEST_F(PredictedPaths, AreNotOfEndsThatAreTried) {
  LeastActionConjugates<Space, double> conjugates(hill_, path_, settings_, count, 2);
  const auto numbers = static_cast<std::size_t>(conjugates.path_numbers());
  const auto x = matrix_of(y_, 2);
  Conjugates<Space, double> found(count);
  found.end = Vector<int, Space>("otfleet::test::end", count);
  found.bow = Vector<int, Space>("otfleet::test::bow", count);
  const Matrix<double, Space> paths("otfleet::test::paths", count, numbers);
  conjugates.minimize(Space(), potential_, matrix_of(y_, 2), x, found, paths);
  conjugates.try_ends(matrix_of(to_host(x), 2));
  const auto far = matrix_of(points_of(hill_, count, 2, 9, 3), 2);
  conjugates.minimize(Space(), potential_, matrix_of(y_, 2), far, found, paths);
  const auto end = to_host(found.end), bow = to_host(found.bow);
  int tried = 0;
  for (std::size_t k = 0; k < count; ++k) {
    tried += end[k] >= 0;
    if (end[k] >= 0) {
      EXPECT_GE(bow[k], 0) << k;
      EXPECT_LT(bow[k], path_.starts) << k;
    }
  }
  EXPECT_GT(tried, 0);
}

TEST_F(PredictedPaths, AreNeverWorseThanTheirOwnEndAndVaryBesideIt) {
  LeastActionConjugates<Space, double> conjugates(hill_, path_, settings_, count, 2);
  const auto numbers = static_cast<std::size_t>(conjugates.path_numbers());
  const auto x = matrix_of(y_, 2);
  const Matrix<double, Space> paths("otfleet::test::paths", count, numbers);
  const Conjugates<Space, double> found(count);
  Row before;
  bool better = false;
  for (int turn = 0; turn < 36; ++turn) {
    conjugates.vary_bows(turn, 0);
    conjugates.minimize(Space(), potential_, matrix_of(y_, 2), x, found, paths);
    const Row value = to_host(found.value);
    for (std::size_t k = 0; k < count && turn > 0; ++k) {
      EXPECT_LE(value[k], before[k] + 1e-9) << turn << " " << k;
      better = better || value[k] < before[k] - 1e-3;
    }
    before = value;
  }
  EXPECT_TRUE(better);  // a bow on the other side of the hill
  // A part of a batch has the bows of its place in it.
  conjugates.vary_bows(3, 0);
  const auto all = matrix_of(y_, 2);
  const Matrix<double, Space> straight("otfleet::test::paths", count, numbers);
  conjugates.minimize(Space(), potential_, matrix_of(y_, 2), all, found, straight);
  const Row expected = to_host(found.value);
  constexpr std::size_t first = 11;
  const Row part(y_.begin() + 2 * first, y_.end());
  const auto some = matrix_of(part, 2);
  const Matrix<double, Space> some_paths("otfleet::test::paths", count - first, numbers);
  const Conjugates<Space, double> of_part(count - first);
  conjugates.vary_bows(3, first);
  conjugates.minimize(Space(), potential_, matrix_of(part, 2), some, of_part, some_paths);
  const Row value = to_host(of_part.value);
  for (std::size_t k = 0; k < value.size(); ++k) EXPECT_EQ(value[k], expected[first + k]);
}

}  // namespace
}  // namespace otfleet::kernels
