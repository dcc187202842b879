#include "src/families/linear/population_solver.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "kernels/geometry/ground_cost.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/models/cloud_model.hpp"
#include "src/populations/ground_cost.hpp"
#include "tests/kernels/reference.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::test::DenseProblem;
using testing::cloud_population;
using Values = std::vector<double>;

constexpr double epsilon = 0.05;

Values part(const Values& values, std::int64_t begin, std::int64_t end) {
  return {values.begin() + begin, values.begin() + end};
}

/// Problem `k` with its costs as a matrix.
DenseProblem dense_problem(const CloudPopulation& population, std::int64_t k) {
  const auto &sources = population.sources, &targets = population.target_table();
  const auto s = population.source[k], t = population.target[k];
  DenseProblem problem;
  problem.epsilon = epsilon;
  problem.a = part(sources.weights, sources.offsets[s], sources.offsets[s + 1]);
  problem.b = part(targets.weights, targets.offsets[t], targets.offsets[t + 1]);
  problem.n = static_cast<int>(problem.a.size());
  problem.m = static_cast<int>(problem.b.size());
  const auto d = population.dimension;
  for (auto i = sources.offsets[s]; i < sources.offsets[s + 1]; ++i)
    for (auto j = targets.offsets[t]; j < targets.offsets[t + 1]; ++j)
      problem.cost.push_back(
          ground_cost(population.ground_cost, &sources.points[i * d], &targets.points[j * d], d));
  return problem;
}

SolverOptions settings_for(const std::string& precision, double threshold) {
  SolverOptions settings;
  settings.precision = *value_of<Precision>(precision);
  settings.threshold = threshold;
  settings.max_iterations = 5000;
  return settings;
}

Solutions solve(const CloudPopulation& population, Shard rows, const SolverOptions& settings,
                bool potentials = true, bool projection = false) {
  SolutionOptions wanted;
  wanted.potentials = potentials;
  wanted.projection = projection;
  SolveSeconds seconds;
  const PopulationSolver solver(population, epsilon);
  if (settings.initializer != "model")
    return solver.solve(rows, settings, nullptr, wanted, seconds);
  Job job;
  job.problem.epsilon = epsilon;
  const CloudModel model(describe_cloud_model(job, population), 1);
  return solver.solve(rows, settings, solver.make_predictor(model).get(), wanted, seconds);
}

TEST(CloudPopulationSolver, FiguresAreThoseOfTheReference) {
  for (const char* cost : {"squared_euclidean", "euclidean", "power", "cosine"})
    for (const bool shared : {true, false})
      for (const char* precision : {"double", "float"}) {
        SCOPED_TRACE(cost);
        const auto population = cloud_population(6, 12, 8, shared, cost);
        const double threshold = precision[0] == 'd' ? 1e-8 : 1e-3;
        const auto found =
            solve(population, {0, 8}, settings_for(precision, threshold), true, true);
        std::int64_t f_at = 0, g_at = 0;
        for (std::int64_t k = 0; k < 8; ++k) {
          const auto at = static_cast<std::size_t>(k);
          const auto problem = dense_problem(population, k);
          const auto f = part(found.f, f_at, f_at + problem.n);
          const auto g = part(found.g, g_at, g_at + problem.m);
          EXPECT_EQ(found.status[at], 0);
          EXPECT_LT(found.marginal_error[at], threshold * (1 + 1e-6));
          EXPECT_NEAR(found.marginal_error[at], kernels::test::marginal_error(problem, f), 1e-11);
          EXPECT_NEAR(found.dual_value[at], kernels::test::dual_value(problem, f), 1e-11);
          EXPECT_NEAR(found.transport_cost[at], kernels::test::transport_cost(problem, f), 1e-11);
          EXPECT_NEAR(found.upper_bound[at], kernels::test::upper_bound(problem, f),
                      1e-9);  // room for rounding
          EXPECT_NEAR(found.lower_bound[at], std::max(0.0, kernels::test::dual_bound(problem, f)),
                      1e-11);
          const auto expected_g = kernels::test::half_step(problem, f);
          for (std::size_t j = 0; j < g.size(); ++j)
            EXPECT_TRUE(g[j] == expected_g[j] || std::abs(g[j] - expected_g[j]) < 1e-10);
          const auto& targets = population.target_table();
          const auto t = population.target[at];
          const auto moved = kernels::test::barycentric_projection(
              problem, g, part(targets.points, 2 * targets.offsets[t], 2 * targets.offsets[t + 1]));
          for (std::size_t i = 0; i < moved.size(); ++i) {
            const double x = found.plan.projection[static_cast<std::size_t>(2 * f_at) + i];
            EXPECT_TRUE(std::isnan(moved[i]) ? std::isnan(x) : std::abs(x - moved[i]) < 1e-10);
          }
          f_at += problem.n;
          g_at += problem.m;
        }
        EXPECT_EQ(static_cast<std::int64_t>(found.f.size()), f_at);
        EXPECT_EQ(static_cast<std::int64_t>(found.g.size()), g_at);
        EXPECT_EQ(static_cast<std::int64_t>(found.plan.projection.size()), 2 * f_at);
      }
}

TEST(CloudPopulationSolver, RowsDoNotDependOnTheShard) {
  const auto population = cloud_population(8, 30, 12, false);
  const auto settings = settings_for("double", 1e-6);
  const auto whole = solve(population, {0, 12}, settings);
  Solutions pieces;
  for (const Shard& rows : {Shard{0, 5}, Shard{5, 5}, Shard{5, 12}}) {
    const auto piece = solve(population, rows, settings);
    pieces.f.insert(pieces.f.end(), piece.f.begin(), piece.f.end());
    pieces.g.insert(pieces.g.end(), piece.g.begin(), piece.g.end());
    pieces.upper_bound.insert(pieces.upper_bound.end(), piece.upper_bound.begin(),
                              piece.upper_bound.end());
  }
  EXPECT_EQ(pieces.f, whole.f);
  EXPECT_EQ(pieces.g, whole.g);
  EXPECT_EQ(pieces.upper_bound, whole.upper_bound);
  EXPECT_TRUE(solve(population, {0, 12}, settings, false).f.empty());
}

TEST(CloudPopulationSolver, EveryStartLeadsToTheSameSolution) {
  for (const char* cost : {"squared_euclidean", "euclidean"}) {
    const auto population = cloud_population(8, 40, 12, false, cost, 1);
    const PopulationSolver solver(population, epsilon);
    const auto settings = settings_for("double", 1e-9);
    const auto expected = solve(population, {0, 12}, settings);
    int fit = 0;
    for (const auto& name : initializer_names()) {
      if (!solver.complaint(name).empty()) continue;
      ++fit;
      for (const char* precision : {"double", "float"}) {
        SCOPED_TRACE(name);
        const bool in_double = precision[0] == 'd';
        auto from_start = settings_for(precision, in_double ? 1e-9 : 1e-3);
        from_start.initializer = name;
        const auto found = solve(population, {0, 12}, from_start);
        for (std::size_t k = 0; k < 12; ++k) {
          EXPECT_EQ(found.status[k], 0);
          EXPECT_NEAR(found.dual_value[k], expected.dual_value[k], in_double ? 1e-9 : 1e-3);
        }
        // The same whoever shares the batch; a network's products of another size may add in
        // another order.
        if (initializer_named(name).needs_model()) continue;
        const auto piece = solve(population, {3, 7}, from_start);
        const auto before = [&](std::int64_t k) {
          std::int64_t points = 0;
          for (std::int64_t one = 0; one < k; ++one) points += population.source_points(one);
          return points;
        };
        EXPECT_EQ(piece.f, part(found.f, before(3), before(7)));
      }
    }
    EXPECT_EQ(fit, cost[0] == 's' ? 6 : 4);  // zeros, annealing, a subsample and a model fit all
  }
}

TEST(CloudPopulationSolver, EntriesOfPlansAreThoseOfTheirPotentials) {
  const auto population = cloud_population(6, 12, 8, false);
  const PopulationSolver solver(population, epsilon);
  SolutionOptions wanted;
  wanted.plan = PlanRule::top_k;
  wanted.top_k = 3;
  SolveSeconds seconds;
  const auto found = solver.solve({0, 8}, settings_for("double", 1e-6), nullptr, wanted, seconds);
  const auto& entries = found.plan.entries;
  std::int64_t f_at = 0, g_at = 0, row_at = 0;
  for (std::int64_t k = 0; k < 8; ++k) {
    const auto problem = dense_problem(population, k);
    double kept = 0, mass = 0;
    for (int i = 0; i < problem.n; ++i) {
      const auto begin = entries.offsets[static_cast<std::size_t>(row_at + i)];
      const auto end = entries.offsets[static_cast<std::size_t>(row_at + i + 1)];
      const auto plan = [&](int j) {
        const auto at = static_cast<std::size_t>(i) * static_cast<std::size_t>(problem.m) +
                        static_cast<std::size_t>(j);
        return std::exp((found.f[static_cast<std::size_t>(f_at + i)] +
                         found.g[static_cast<std::size_t>(g_at + j)] - problem.cost[at]) /
                        epsilon);
      };
      for (int j = 0; j < problem.m; ++j) mass += plan(j);
      EXPECT_LE(end - begin, 3);
      EXPECT_EQ(end == begin, problem.a[static_cast<std::size_t>(i)] == 0);
      for (auto e = begin; e < end; ++e) {
        const auto entry = static_cast<std::size_t>(e);
        ASSERT_LT(entries.columns[entry], problem.m);
        if (e > begin) {
          EXPECT_LT(entries.columns[entry - 1], entries.columns[entry]);
        }
        EXPECT_NEAR(entries.values[entry], plan(entries.columns[entry]), 1e-10);
        kept += entries.values[entry];
      }
    }
    EXPECT_NEAR(entries.kept_mass[static_cast<std::size_t>(k)], kept / mass, 1e-10);
    f_at += problem.n;
    g_at += problem.m;
    row_at += problem.n + 1;
  }
  EXPECT_EQ(static_cast<std::int64_t>(entries.offsets.size()), row_at);
  EXPECT_EQ(entries.offsets.back(), static_cast<std::int64_t>(entries.values.size()));
}

TEST(CloudPopulationSolver, SaysWhyAnInitializerDoesNotFit) {
  const auto complaint = [](const char* cost, const char* initializer) {
    const auto population = cloud_population(4, 6, 2, true, cost);
    return PopulationSolver(population, epsilon).complaint(initializer);
  };
  EXPECT_EQ(complaint("squared_euclidean", "gaussian"), "");
  EXPECT_EQ(complaint("squared_euclidean", "sorting"),
            "needs one dimension; this population has 2");
  EXPECT_EQ(complaint("cosine", "gaussian_mixture"),
            "needs squared Euclidean costs; this population has 'cosine'");
  for (const char* any : {"zeros", "previous_epsilon", "subsample", "model"})
    EXPECT_EQ(complaint("cosine", any), "");
}

TEST(CloudPopulationSolver, StartsAreComparedByTheirIterationsAndErrors) {
  const auto population = cloud_population(8, 120, 10, false, "squared_euclidean", 60);
  constexpr double small = 2e-3;
  const PopulationSolver solver(population, small);
  auto settings = settings_for("double", 1e-3);
  settings.acceleration = Acceleration::none;
  std::map<std::string, double> first_errors;
  for (const char* name : {"zeros", "gaussian", "previous_epsilon"}) {
    settings.initializer = name;
    SolveSeconds seconds;
    StatusCounts statuses;
    SolveCounts counts;
    const auto made =
        solver.count_iterations({0, 10}, settings, nullptr, seconds, statuses, counts);
    EXPECT_EQ(statuses.converged(), 10);
    EXPECT_GT(std::accumulate(made.begin(), made.end(), 0), 10);
    const auto errors = solver.error_sums({0, 10}, settings, nullptr, 30);
    ASSERT_EQ(errors.size(), 30u);
    EXPECT_LT(errors.back(), errors.front());
    EXPECT_GT(errors.back(), 0);
    first_errors[name] = errors.front();
  }
  EXPECT_LT(first_errors["gaussian"], first_errors["zeros"]);
  EXPECT_LT(2 * first_errors["previous_epsilon"], first_errors["zeros"]);
}

TEST(CloudPopulationSolver, WorkAndBytesFollowTheSizes) {
  const auto population = cloud_population(20, 60, 100, true);
  const PopulationSolver solver(population, epsilon);
  double sum = 0;
  for (std::int64_t k = 0; k < 100; ++k) {
    const double work = solver.work({k, k + 1}, {}, nullptr);
    EXPECT_GT(work, 0);
    sum += work;
  }
  EXPECT_NEAR(solver.work({0, 100}, {}, nullptr), sum, 1e-9 * sum);
  EXPECT_EQ(solver.work({40, 40}, {}, nullptr), 0);
  for (const bool projection : {false, true}) {
    SolutionOptions wanted;
    wanted.projection = projection;
    std::int64_t most = 0;
    for (std::int64_t k = 0; k < 100; ++k)
      most = std::max(most, 8 * (population.source_points(k) * (projection ? 3 : 1) +
                                 population.target_points(k)));
    EXPECT_EQ(solver.most_bytes(wanted), most);
  }
}

TEST(CloudPopulationSolver, PointsThatTheCostCannotTake) {
  auto population = cloud_population(3, 5, 2, true, "great_circle");
  testing::expect_error([&] { PopulationSolver(population, epsilon); },
                        "/measures: measure 0: point 0 is not a finite unit vector");
  population.ground_cost = kernels::EuclideanCost();
  population.sources.points.back() = 1e200;
  testing::expect_error([&] { PopulationSolver(population, epsilon); },
                        "/measures: measure 2: point");
}

}  // namespace
}  // namespace otfleet
