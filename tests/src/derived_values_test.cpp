#include "src/families/linear/derived_values.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "src/families/linear/population_solver.hpp"
#include "src/populations/ground_cost.hpp"
#include "tests/kernels/reference.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using kernels::test::DenseProblem;
using Values = std::vector<double>;

constexpr double epsilon = 0.05;

SolverOptions tight_settings() {
  SolverOptions settings;
  settings.threshold = 1e-9;
  settings.max_iterations = 100000;
  return settings;
}

SolutionOptions everything() {
  SolutionOptions wanted;
  wanted.potentials = false;
  wanted.divergence = true;
  wanted.regularized = {ValueConvention::ott, ValueConvention::geomloss};
  return wanted;
}

/// <C, P> + epsilon KL(P | a b') of the optimal plan, entry by entry.
double kl_value(const Values& a, const Values& b, const Values& cost) {
  DenseProblem problem;
  problem.n = static_cast<int>(a.size());
  problem.m = static_cast<int>(b.size());
  problem.a = a;
  problem.b = b;
  problem.cost = cost;
  problem.epsilon = epsilon;
  const auto f = kernels::test::solve_reference(problem, Values(a.size(), 0.0), 1e-12, 1, 100000).f;
  const auto g = kernels::test::half_step(problem, f);
  double value = 0;
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j) {
      const double p = std::exp((f[i] + g[j] - problem.c(i, j)) / epsilon), prior = a[i] * b[j];
      value += p * problem.c(i, j) + epsilon * ((p > 0 ? p * std::log(p / prior) : 0) - p + prior);
    }
  return value;
}

/// One measure: weights, and points of `d` coordinates.
struct Cloud {
  Values weights, points;
  std::int64_t d;
};

Values costs(const Cloud& from, const Cloud& to, const std::string& name) {
  Values result;
  const auto cost = parse_ground_cost("cost", name, {{"power", 1.5}});
  for (std::size_t i = 0; i < from.weights.size(); ++i)
    for (std::size_t j = 0; j < to.weights.size(); ++j)
      result.push_back(ground_cost(cost, &from.points[i * from.d], &to.points[j * to.d], from.d));
  return result;
}

double kl_value(const Cloud& from, const Cloud& to, const std::string& cost) {
  return kl_value(from.weights, to.weights, costs(from, to, cost));
}

void expect_values(const Solutions& found, std::size_t k, const Cloud& from, const Cloud& to,
                   const std::string& cost) {
  const double between = kl_value(from, to, cost);
  EXPECT_NEAR(found.regularized_ott[k], between, 1e-7);
  EXPECT_NEAR(found.regularized_geomloss[k], cost == "squared_euclidean" ? between / 2 : between,
              1e-7);
  const double divergence = between - kl_value(from, from, cost) / 2 - kl_value(to, to, cost) / 2;
  EXPECT_NEAR(found.divergence[k], divergence, 1e-7);
  EXPECT_GE(found.divergence[k], 0);
}

Cloud cloud_of(const Population& population, bool source, std::int64_t k) {
  const auto& geometry = population.geometry;
  return {testing::weights_of(population, source, k), geometry.points(source),
          geometry.coordinates()};
}

TEST(DerivedValues, AreThoseOfTheDefinitionInEveryGeometry) {
  auto points = testing::dense_population(9, 6, 3, 5);
  points.geometry.kind = Geometry::Kind::points;
  points.geometry.cost.clear();
  auto dense = testing::dense_population(9, 6, 3, 5);
  dense.geometry.ground_cost = kernels::SquaredEuclideanCost();
  for (const auto& [name, population] :
       {std::pair{"grid", testing::blob_population(5, 4, 5)},
        {"points", points},
        {"dense", dense},
        {"line", testing::line_population(12, 4, 5, "euclidean")}}) {
    SCOPED_TRACE(name);
    SolveSeconds seconds;
    const PopulationSolver solver(population, epsilon);
    const auto found = solver.solve({0, 5}, tight_settings(), nullptr, everything(), seconds);
    for (std::int64_t k = 0; k < 5; ++k)
      expect_values(found, static_cast<std::size_t>(k), cloud_of(population, true, k),
                    cloud_of(population, false, k), population.geometry.cost_name());
    // Part of them, asked for anew, bit for bit.
    const PopulationSolver other(population, epsilon);
    const auto part = other.solve({2, 4}, tight_settings(), nullptr, everything(), seconds);
    EXPECT_EQ(part.divergence, Values(found.divergence.begin() + 2, found.divergence.begin() + 4));
  }
}

/// Three points and two on a line, solved by OTT-JAX 0.6.0 (reg_ot_cost, ent_reg_cost; threshold
/// 1e-14) and GeomLoss 0.3.1 (SamplesLoss with blur = √(ε/2) and ε, scaling 0.999).
TEST(DerivedValues, AreThoseOfOttAndGeomLoss) {
  struct Case {
    const char* cost;
    double ott, entropic, geomloss, divergence;
  };
  for (const auto& expected : {Case{"squared_euclidean", 0.24927940446668895, 0.07901293635930592,
                                    0.24927940446668895 / 2, 2 * 0.083216561708502},
                               Case{"euclidean", 0.4122409084420492, 0.24197444033466617,
                                    0.4122400826831488, 0.32722337344836927}}) {
    SCOPED_TRACE(expected.cost);
    Population population;
    auto& geometry = population.geometry;
    geometry.kind = Geometry::Kind::points;
    geometry.ground_cost = parse_ground_cost("cost", expected.cost);
    geometry.n = 3;
    geometry.m = 2;
    geometry.dimension = 1;
    geometry.source_points = {0, 0.5, 1.2};
    geometry.target_points = {0.1, 0.9};
    population.shared_measures = false;
    population.source_measures = population.target_measures = 1;
    population.source_weights = {0.2, 0.3, 0.5};
    population.target_weights = {0.6, 0.4};
    population.source = population.target = {0};
    auto settings = tight_settings();
    settings.threshold = 1e-12;
    SolveSeconds seconds;
    const auto found =
        PopulationSolver(population, 0.1).solve({0, 1}, settings, nullptr, everything(), seconds);
    EXPECT_NEAR(found.regularized_ott[0], expected.ott, 1e-12);
    EXPECT_NEAR(found.dual_value[0], expected.entropic, 1e-12);
    EXPECT_NEAR(found.regularized_geomloss[0], expected.geomloss, 1e-5);
    EXPECT_NEAR(found.divergence[0], expected.divergence, 2e-4);  // theirs is not converged
  }
}

TEST(DerivedValues, OfClouds) {
  for (const char* cost : {"squared_euclidean", "euclidean", "power"})
    for (const bool shared : {true, false}) {
      SCOPED_TRACE(cost);
      const auto population = testing::cloud_population(4, 9, 6, shared, cost);
      SolveSeconds seconds;
      const PopulationSolver solver(population, epsilon);
      const auto found = solver.solve({0, 6}, tight_settings(), nullptr, everything(), seconds);
      const auto cloud = [&](const CloudTable& table, std::int32_t s) {
        const auto begin = table.offsets[s], end = table.offsets[s + 1];
        return Cloud{{table.weights.begin() + begin, table.weights.begin() + end},
                     {table.points.begin() + 2 * begin, table.points.begin() + 2 * end},
                     2};
      };
      for (std::size_t k = 0; k < 6; ++k)
        expect_values(found, k, cloud(population.sources, population.source[k]),
                      cloud(population.target_table(), population.target[k]), cost);
    }
}

TEST(DerivedValues, EqualMeasuresAreAtDistanceZero) {
  auto population = testing::blob_population(6, 3, 0);
  population.source = {0, 1, 2, 0};
  population.target = {0, 1, 2, 1};
  Population sides = population;
  sides.shared_measures = false;
  sides.target_measures = sides.source_measures;
  sides.target_weights = sides.source_weights;
  auto clouds = testing::cloud_population(3, 9, 0, false);
  clouds.targets = clouds.sources;
  clouds.source = clouds.target = {0, 1, 2};
  SolveSeconds seconds;
  SolverOptions loose;
  for (const auto* some : {&population, &sides}) {
    const auto found =
        PopulationSolver(*some, 0.01).solve({0, 4}, loose, nullptr, everything(), seconds);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(found.divergence[k], 0);
    EXPECT_GT(found.divergence[3], 1e-3);
  }
  const auto found =
      PopulationSolver(clouds, 0.01).solve({0, 3}, loose, nullptr, everything(), seconds);
  EXPECT_EQ(found.divergence, Values(3, 0.0));
}

TEST(DerivedValues, ScaleWithTheMass) {
  auto one = testing::dense_population(9, 6, 3, 5);
  one.geometry.ground_cost = kernels::SquaredEuclideanCost();
  SolveSeconds seconds;
  auto settings = tight_settings();
  const auto light =
      PopulationSolver(one, epsilon).solve({0, 5}, settings, nullptr, everything(), seconds);
  for (const double mass : {1e-3, 3.0, 1e6}) {
    auto heavy = one;
    for (auto* weights : {&heavy.source_weights, &heavy.target_weights})
      for (double& w : *weights) w *= mass;
    settings.threshold = 1e-9 * mass;
    const auto found =
        PopulationSolver(heavy, epsilon).solve({0, 5}, settings, nullptr, everything(), seconds);
    for (std::size_t k = 0; k < 5; ++k)
      EXPECT_NEAR(found.divergence[k] / mass, light.divergence[k], 1e-7) << mass;
  }
}

TEST(DerivedValues, OfMarginalsThatNeedNotBeExact) {
  auto population = testing::dense_population(9, 6, 3, 5);
  population.geometry.ground_cost = kernels::SquaredEuclideanCost();
  for (double& w : population.target_weights) w *= 1.7;
  ProblemOptions problem;
  problem.tau_a = problem.tau_b = 0.8;
  auto wanted = everything();
  wanted.regularized.clear();
  SolveSeconds seconds;
  const auto found =
      PopulationSolver(population, epsilon)
          .solve_unbalanced({0, 5}, problem, tight_settings(), nullptr, wanted, seconds);
  const auto value = [&](const Cloud& from, const Cloud& to) {
    Population pair = population;
    auto& geometry = pair.geometry;
    geometry.kind = Geometry::Kind::points;
    geometry.cost.clear();
    geometry.source_points = from.points;
    geometry.target_points = to.points;
    geometry.n = static_cast<std::int64_t>(from.weights.size());
    geometry.m = static_cast<std::int64_t>(to.weights.size());
    pair.source_weights = from.weights;
    pair.target_weights = to.weights;
    pair.source_measures = pair.target_measures = 1;
    pair.source = pair.target = {0};
    return PopulationSolver(pair, epsilon)
        .solve_unbalanced({0, 1}, problem, tight_settings(), nullptr, {}, seconds)
        .dual_value[0];
  };
  for (std::int64_t k = 0; k < 5; ++k) {
    const auto from = cloud_of(population, true, k), to = cloud_of(population, false, k);
    // Séjourné et al. 2019: with epsilon/2 times the squared difference of the masses.
    const double expected =
        value(from, to) - value(from, from) / 2 - value(to, to) / 2 + epsilon / 2 * 0.7 * 0.7;
    EXPECT_NEAR(found.divergence[static_cast<std::size_t>(k)], expected, 1e-7);
  }
}

TEST(DerivedValues, ACostMatrixAloneIsRefusedUnlessMeasuresAreShared) {
  auto population = testing::dense_population(4, 4, 2, 2);
  EXPECT_EQ(DerivedValues::divergence_complaint(testing::blob_population(4, 2, 2)), "");
  population.geometry.ground_cost.reset();
  EXPECT_NE(
      DerivedValues::divergence_complaint(population).find("a cost matrix alone says nothing"),
      std::string::npos);
  population.shared_measures = true;
  population.target_weights.clear();
  EXPECT_NE(DerivedValues::divergence_complaint(population).find("symmetric"), std::string::npos);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) population.geometry.cost[4 * i + j] = std::abs(i - j);
  EXPECT_EQ(DerivedValues::divergence_complaint(population), "");
}

}  // namespace
}  // namespace otfleet
