#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/api/initializers.hpp"
#include "kernels/api/outputs.hpp"
#include "tests/kernels/three_geometries.hpp"

// What a start from earlier problems is made of: half-steps to the source, and extrapolation.

namespace otfleet::kernels::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

DeviceArray<double> array_of(const Row& values) {
  const DeviceArray<double> array("otfleet::test::array", values.size());
  array.upload(values);
  return array;
}

Row transformed(const Problems& problems, double epsilon, const Row& from, Side to) {
  const auto offsets = to == Side::target ? problems.target_offsets() : problems.source_offsets();
  const DeviceArray<double> result("otfleet::test::result", entries(offsets));
  soft_c_transform(problems, epsilon, array_of(from), result, to);
  return result.download();
}

const std::vector<std::int32_t> sources = {0, 3, 2, 5}, targets = {1, 0, 2, 4};

TEST(HalfStep, ToTheSourceIsThatOfTheProblemTheOtherWay) {
  Random random(3);
  constexpr double epsilon = 0.03;
  for (const int most : {12, 200}) {  // in lanes, in passes
    const ThreeGeometries measures(random, 6, most / 2, most, 2);
    for (const Problems& all : {measures.clouds(), measures.shared(), measures.table()}) {
      const auto there = all.between(sources, targets), back = all.between(targets, sources);
      Row g;
      for (std::size_t j = 0; j < entries(there.target_offsets()); ++j)
        g.push_back(random.uniform());
      const Row f = transformed(there, epsilon, g, Side::source);
      const Row expected = transformed(back, epsilon, g, Side::target);
      ASSERT_EQ(f.size(), expected.size());
      for (std::size_t i = 0; i < f.size(); ++i)
        EXPECT_TRUE(f[i] == expected[i] || std::abs(f[i] - expected[i]) < 1e-10) << i;
    }
  }
}

TEST(HalfStep, OfStartsIsThatOfSolutionsUpToAConstant) {
  Random random(4);
  constexpr double epsilon = 0.03;
  for (const int most : {12, 200}) {
    const ThreeGeometries measures(random, 6, most / 2, most, 3);
    for (const Problems& all : {measures.clouds(), measures.shared(), measures.table()})
      for (const double tolerance : {1e-3, 1e-12})  // floats, doubles
        for (const Side to : {Side::source, Side::target}) {
          const auto problems = all.between(sources, targets);
          const bool to_target = to == Side::target;
          const auto given = to_target ? problems.source_offsets() : problems.target_offsets();
          const auto offsets = to_target ? problems.target_offsets() : problems.source_offsets();
          Row from;
          for (std::size_t j = 0; j < entries(given); ++j) from.push_back(7 + random.uniform());
          const DeviceArray<double> result("otfleet::test::result", entries(offsets));
          half_step(problems, epsilon, tolerance, array_of(from), result, to);
          const Row found = result.download(), expected = transformed(problems, epsilon, from, to);
          for (std::size_t k = 0; k < sources.size(); ++k) {
            double constant = infinity;
            for (auto i = static_cast<std::size_t>(offsets[k]);
                 i < static_cast<std::size_t>(offsets[k + 1]); ++i) {
              if (std::isinf(expected[i])) {
                EXPECT_EQ(found[i], expected[i]);
                continue;
              }
              if (std::isinf(constant)) constant = found[i] - expected[i];
              // An error of a marginal is one of the exponents: potentials over epsilon.
              EXPECT_NEAR(found[i] - expected[i], constant, epsilon * std::max(tolerance, 1e-9));
            }
          }
        }
  }
}

/// One measure of four points, the third without weight, and another.
Problems two_problems(bool clouds) {
  static const Row weights = {0.1, 0.4, 0, 0.5}, points = {0, 1, 2, 3};
  static const std::vector<std::int64_t> offsets = {0, 4};
  const std::vector<std::int32_t> twice = {0, 0};
  const auto measures =
      clouds ? Problems::between_clouds(SquaredEuclideanCost(), 1, {weights, points, offsets}, {})
             : Problems::between_points(SquaredEuclideanCost(), 1, {weights, points}, {{}, points});
  return measures.between(twice, twice);
}

TEST(Extrapolation, GoesOnByItsShare) {
  for (const bool clouds : {true, false}) {
    const auto problems = two_problems(clouds);
    const DeviceArray<double> f("otfleet::test::f", 8);
    extrapolate(problems, array_of({1, 2, -infinity, 4, 1, infinity, -infinity, 4}),
                array_of({0, 4, -infinity, 4, 5, 1, -infinity, infinity}), array_of({0.5, 1}), f);
    // Where nothing was reached: 0 instead of an earlier potential, and no change from there on.
    EXPECT_EQ(f.download(), (Row{1.5, 1, -infinity, 4, -3, 0, -infinity, 4}));
    extrapolate(problems, array_of({1, 2, -infinity, 4, 1, 2, -infinity, 4}),
                array_of(Row(8, std::numeric_limits<double>::quiet_NaN())), array_of({0, 0}), f);
    EXPECT_EQ(f.download(), (Row{1, 2, -infinity, 4, 1, 2, -infinity, 4}));
  }
}

TEST(Extrapolation, ShareIsTheBestInHindsight) {
  const Row near = {1, 2, -infinity, 4, 1, 2, -infinity, 4};
  const Row far = {0, 4, -infinity, 3, 0, 4, -infinity, 3};
  for (const bool clouds : {true, false}) {
    const auto problems = two_problems(clouds);
    const auto fitted = [&](const Row& solved) {
      const DeviceArray<double> share("otfleet::test::share", 2);
      fit_extrapolation(problems, array_of(near), array_of(far), array_of(solved), share);
      return share.download();
    };
    const auto going_on = [&](double first, double second) {
      Row solved;
      for (std::size_t i = 0; i < near.size(); ++i) {
        const double share = i < 4 ? first : second, constant = i < 4 ? 10 : -3;
        solved.push_back(i % 4 == 2 ? -infinity : near[i] + share * (near[i] - far[i]) + constant);
      }
      return solved;
    };
    const Row exact = fitted(going_on(0.6, 0.25));
    EXPECT_NEAR(exact[0], 0.6, 1e-12);
    EXPECT_NEAR(exact[1], 0.25, 1e-12);
    EXPECT_EQ(fitted(going_on(1.5, -0.5)), (Row{1, 0}));
    // By hand: near − far is 1, −2, 1 with weights 0.1, 0.4, 0.5 and mean −0.2; solved − near is 1,
    // 0, 0 with mean 0.1. Products 0.1·1.2·0.9 + 0.4·1.8·0.1 − 0.5·1.2·0.1 = 0.12, squares 2.16.
    Row solved = near;
    solved[0] = 2;
    const Row weighted = fitted(solved);
    EXPECT_NEAR(weighted[0], 0.12 / 2.16, 1e-12);
    EXPECT_EQ(weighted[1], 0);
  }
}

TEST(Extrapolation, RefusesWhatDoesNotFit) {
  const auto problems = two_problems(true);
  const auto eight = array_of(Row(8, 0.0)), seven = array_of(Row(7, 0.0));
  const auto two = array_of({0, 0}), three = array_of({0, 0, 0});
  EXPECT_THROW(extrapolate(problems, eight, seven, two, eight), std::invalid_argument);
  EXPECT_THROW(extrapolate(problems, eight, eight, three, eight), std::invalid_argument);
  EXPECT_THROW(fit_extrapolation(problems, seven, seven, seven, two), std::invalid_argument);
  EXPECT_THROW(half_step(problems, 0.1, 1e-3, seven, eight, Side::source), std::invalid_argument);
  EXPECT_THROW(half_step(two_problems(false), 0.1, 1e-3, eight, seven, Side::target),
               std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels::test
