#include "src/families/neural_dual/samplers/sobol.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "src/families/neural_dual/samplers/inverse_normal.hpp"

namespace otfleet {
namespace {

TEST(Sobol, EveryCoordinateHasOnePointInEveryPiece) {
  const Sobol sobol(40, 3, 5);
  ASSERT_EQ(sobol.dimensions(), 40);
  for (const std::int64_t begin : {std::int64_t{0}, std::int64_t{1024 * 77}})
    for (std::int64_t dimension = 0; dimension < 40; ++dimension) {
      std::set<int> pieces;
      for (std::int64_t sample = begin; sample < begin + 1024; ++sample) {
        const double value = sobol.coordinate(sample, dimension);
        ASSERT_GT(value, 0);
        ASSERT_LT(value, 1);
        pieces.insert(static_cast<int>(1024 * value));
      }
      EXPECT_EQ(pieces.size(), 1024u) << dimension;
    }
}

/// The first two coordinates are a net of quality 0: every box of volume 1/N has one of N points.
TEST(Sobol, TwoCoordinatesAreANet) {
  const Sobol sobol(2, 11, 0);
  for (int rows = 0; rows <= 10; ++rows) {
    std::set<std::pair<int, int>> boxes;
    for (std::int64_t sample = 0; sample < 1024; ++sample)
      boxes.emplace(static_cast<int>(std::ldexp(sobol.coordinate(sample, 0), rows)),
                    static_cast<int>(std::ldexp(sobol.coordinate(sample, 1), 10 - rows)));
    EXPECT_EQ(boxes.size(), 1024u) << rows;
  }
}

/// Means over random scramblings, against those of independent points: variance of a product.
TEST(Sobol, MeansHaveSmallErrors) {
  constexpr int scramblings = 200, points = 1024, dimensions = 6;
  double mean_square = 0, mean = 0;
  for (int k = 0; k < scramblings; ++k) {
    const Sobol sobol(dimensions, 1, static_cast<std::uint64_t>(k));
    double sum = 0;
    for (int sample = 0; sample < points; ++sample) {
      double product = 1;
      for (int i = 0; i < dimensions; ++i) product *= 0.5 + sobol.coordinate(sample, i);
      sum += product;
    }
    mean += (sum / points - 1) / scramblings;
    mean_square += std::pow(sum / points - 1, 2) / scramblings;
  }
  const double independent = (std::pow(1 + 1.0 / 12, dimensions) - 1) / points;
  EXPECT_LT(mean_square, 0.01 * independent);
  EXPECT_LT(std::abs(mean), 4 * std::sqrt(mean_square / scramblings));  // no bias
}

TEST(Sobol, StreamsDiffer) {
  const Sobol one(3, 1, 0), other(3, 1, 1), seed(3, 2, 0);
  int same = 0;
  for (int sample = 0; sample < 100; ++sample)
    for (int i = 0; i < 3; ++i)
      same += (one.coordinate(sample, i) == other.coordinate(sample, i)) +
              (one.coordinate(sample, i) == seed.coordinate(sample, i));
  EXPECT_EQ(same, 0);
}

TEST(Sobol, HasNoMoreThanItsMostDimensions) {
  EXPECT_EQ(Sobol(100000, 0, 0).dimensions(), Sobol::most_dimensions);
  EXPECT_EQ(Sobol(0, 0, 0).dimensions(), 0);
}

TEST(InverseNormal, InvertsTheDistribution) {
  for (double z = -6; z <= 4; z += 0.01)
    EXPECT_NEAR(inverse_normal(0.5 * std::erfc(-z / std::sqrt(2.0))), z, 1e-7) << z;
  EXPECT_EQ(inverse_normal(0.5), 0);
}

}  // namespace
}  // namespace otfleet
