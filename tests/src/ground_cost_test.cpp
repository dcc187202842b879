#include "src/populations/ground_cost.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "distributed/error.hpp"
#include "src/families/linear/population_solver.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using kernels::CosineCost;
using kernels::GreatCircleCost;
using kernels::GroundCost;
using Values = std::vector<double>;

/// Every ground cost against a few lines of its own.
TEST(GroundCosts, ByHand) {
  const double x[] = {0.6, 0.8}, y[] = {1.0, 0.0};
  const std::map<std::string, double> expected = {{"squared_euclidean", 0.8},
                                                  {"euclidean", std::sqrt(0.8)},
                                                  {"power", std::pow(0.8, 1.5)},
                                                  {"cosine", 0.4},
                                                  {"great_circle", std::acos(0.6)},
                                                  {"manhattan", 1.2},
                                                  {"chebyshev", 0.8},
                                                  {"elastic", 0.4},
                                                  {"k_overlap", 0.8}};
  for (const auto& name : ground_cost_names())
    EXPECT_NEAR(ground_cost(parse_ground_cost("key", name, {{"power", 3}}), x, y, 2),
                expected.at(name), 1e-15)
        << name;
  EXPECT_NEAR(ground_cost(GreatCircleCost(1.0001), x, y, 2), std::acos(0.6 / 1.0001), 1e-15);
  testing::expect_error([] { parse_ground_cost("key", "euclidian"); }, "key must be one of",
                        "not 'euclidian'; did you mean 'euclidean'?");
}

TEST(GroundCosts, OfEqualPointsAreZero) {
  for (int k = 0; k < 1000; ++k) {
    const double turn = 0.0063 * k, height = 0.9 * std::sin(7.0 * k);
    const double radius = std::sqrt(1 - height * height);
    const double x[] = {radius * std::cos(turn), radius * std::sin(turn), height};
    for (const auto& cost : kernels::all_ground_costs())
      ASSERT_EQ(ground_cost(cost, x, x, 3), 0) << name_of(cost);
  }
}

TEST(GroundCosts, AreAccurateForSmallAndForFlatAngles) {
  for (const double angle : {1e-300, 1e-20, 1e-9, 1e-4}) {
    const double x[] = {1, 0}, y[] = {std::cos(angle), std::sin(angle)};
    const double back[] = {-std::cos(angle), std::sin(angle)};
    if (angle > 1e-150) {
      EXPECT_NEAR(ground_cost(GreatCircleCost(), x, y, 2) / angle, 1, 1e-15);
      EXPECT_NEAR(ground_cost(CosineCost(), x, y, 2) / (angle * angle / 2), 1, 1e-8);
    }
    EXPECT_DOUBLE_EQ(ground_cost(GreatCircleCost(), x, back, 2), M_PI - angle);
  }
  const double north[] = {0, 0, 1}, south[] = {0, 0, -1}, large[] = {0, 0, 1e200};
  EXPECT_EQ(ground_cost(GreatCircleCost(), north, south, 3), M_PI);
  EXPECT_EQ(ground_cost(CosineCost(), north, large, 3), 0);
}

/// A place for every measure, each transported to itself and to the next one.
template <class Pair>
void pair_places(int places, const Pair& pair) {
  for (int k = 0; k < places; ++k) {
    pair(k, k);
    pair(k, (k + 1) % places);
  }
}

/// Places a few meters to thousands of kilometers apart.
Values places_on_the_globe() {
  Values points;
  for (const double longitude : {0.1, 0.1 + 1e-6, 0.1 + 1e-3, 1.0, 3.0}) {
    points.push_back(std::cos(0.7) * std::cos(longitude));
    points.push_back(std::cos(0.7) * std::sin(longitude));
    points.push_back(std::sin(0.7));
  }
  return points;
}

void expect_distances(const Values& found, const Values& points, const GroundCost& cost) {
  std::size_t at = 0;
  pair_places(5, [&](int from, int to) {
    const double expected = ground_cost(cost, &points[3 * from], &points[3 * to], 3);
    EXPECT_NEAR(found[at], expected, 1e-12) << from << " to " << to;
    if (from == to && expected == 0) {
      EXPECT_EQ(found[at], 0);
    }
    ++at;
  });
}

/// The costs of the list, and some with other parameters than the usual ones.
std::vector<GroundCost> some_of_every_cost() {
  auto costs = kernels::all_ground_costs();
  costs.push_back(GreatCircleCost(1.0001));
  costs.push_back(kernels::PowerCost(1.5));
  costs.push_back(kernels::ElasticCost(0.5, 0.3));
  return costs;
}

/// A place for every measure.
Population places(const GroundCost& cost, Geometry::Kind kind, const Values& points) {
  Population population;
  auto& geometry = population.geometry;
  geometry.kind = kind;
  geometry.ground_cost = cost;
  geometry.n = geometry.m = 5;
  geometry.dimension = 3;
  geometry.source_points = geometry.target_points = points;
  if (kind == Geometry::Kind::dense)
    for (int i = 0; i < 5; ++i)
      for (int j = 0; j < 5; ++j)
        geometry.cost.push_back(ground_cost(cost, &points[3 * i], &points[3 * j], 3));
  population.source_measures = 5;
  population.source_weights.assign(25, 0);
  for (int k = 0; k < 5; ++k) population.source_weights[6 * k] = 1;
  pair_places(5, [&](int from, int to) {
    population.source.push_back(from);
    population.target.push_back(to);
  });
  return population;
}

/// From its file, too.
TEST(GroundCosts, APlaceIsWhereItIsInEveryGeometry) {
  const testing::TemporaryFolder folder;
  const auto points = places_on_the_globe();
  for (const auto& cost : some_of_every_cost())
    for (const char* precision : {"double", "float"}) {
      SCOPED_TRACE(std::string(name_of(cost)) + " " + precision);
      SolverOptions settings;
      settings.precision = *value_of<Precision>(precision);
      SolveSeconds seconds;
      for (const auto kind : {Geometry::Kind::points, Geometry::Kind::dense}) {
        SCOPED_TRACE(kind == Geometry::Kind::points ? "points" : "dense");
        write_population(folder / "globe.h5", places(cost, kind, points));
        const auto population = read_population(folder / "globe.h5");
        EXPECT_EQ(population.geometry.ground_cost, cost);
        const auto found =
            PopulationSolver(population, 1e-3).solve({0, 10}, settings, nullptr, {}, seconds);
        expect_distances(found.transport_cost, points, cost);
      }
      SCOPED_TRACE("clouds");
      CloudPopulation clouds;
      clouds.ground_cost = cost;
      clouds.dimension = 3;
      clouds.sources = {Values(5, 1.0), points, {0, 1, 2, 3, 4, 5}};
      pair_places(5, [&](int from, int to) {
        clouds.source.push_back(from);
        clouds.target.push_back(to);
      });
      clouds.validate("globe");
      const auto found =
          PopulationSolver(clouds, 1e-3).solve({0, 10}, settings, nullptr, {}, seconds);
      expect_distances(found.transport_cost, points, cost);
    }
}

TEST(GreatCircle, ADivisorBelowOneIsRefused) {
  for (const double divisor : {0.5, 0.0, std::nan("")})
    testing::expect_error([&] { check_ground_cost("pop.h5", GreatCircleCost(divisor)); },
                          "great_circle_divisor must be >= 1");
}

}  // namespace
}  // namespace otfleet
