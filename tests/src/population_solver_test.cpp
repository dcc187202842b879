#include "src/families/linear/population_solver.hpp"
#include "src/families/linear/initializers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/models/potential_checkpoint.hpp"
#include "src/populations/ground_cost.hpp"
#include "tests/kernels/reference.hpp"
#include "tests/src/predicted_potentials.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::Status;
using kernels::test::DenseProblem;
using testing::blob_population;
using testing::cost_matrix;
using testing::dense_population;
using testing::line_population;
using testing::weights_of;
using Values = std::vector<double>;

constexpr double epsilon = 0.02;
constexpr double infinity = std::numeric_limits<double>::infinity();

DenseProblem dense_problem(const Population& population, std::int64_t problem) {
  return {static_cast<int>(population.geometry.n), static_cast<int>(population.geometry.m),
          weights_of(population, true, problem),   weights_of(population, false, problem),
          cost_matrix(population.geometry),        epsilon};
}

Shard all_of(const Population& population) {
  return {0, population.problems()};
}

SolverOptions solver_settings(double threshold, const std::string& initializer = "zeros") {
  SolverOptions settings;  // as plain as the reference
  settings.method = "sinkhorn";
  settings.acceleration = Acceleration::none;
  settings.doubtful_error = std::numeric_limits<double>::infinity();
  settings.threshold = threshold;
  settings.initializer = initializer;
  return settings;
}

PotentialModel small_model(const Population& population) {
  Job job;
  job.problem.epsilon = epsilon;
  job.model.hidden = {16};
  return {describe_model(job, population), 1};
}

Solutions solve(const PopulationSolver& solver, Shard shard, const SolverOptions& settings,
                const StartPredictor* predictor = nullptr, bool potentials = true) {
  SolveSeconds seconds;
  SolutionOptions wanted;
  wanted.potentials = potentials;
  return solver.solve(shard, settings, predictor, wanted, seconds);
}

Values row(const Values& values, std::int64_t at, std::int64_t columns) {
  return {values.begin() + at * columns, values.begin() + (at + 1) * columns};
}

void expect_near(const Values& found, const Values& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (std::isinf(expected[i]))
      EXPECT_EQ(found[i], expected[i]) << "at " << i;
    else
      EXPECT_NEAR(found[i], expected[i], tolerance) << "at " << i;
}

/// Every figure of every solution is that of its own f, by the plain reference.
void expect_true_figures(const Population& population, const Solutions& solutions) {
  const auto n = population.geometry.n, m = population.geometry.m;
  for (std::int64_t k = 0; k < population.problems(); ++k) {
    const auto at = static_cast<std::size_t>(k);
    const DenseProblem problem = dense_problem(population, k);
    const Values f = row(solutions.f, k, n);
    for (std::size_t i = 0; i < f.size(); ++i) EXPECT_EQ(f[i] == -infinity, problem.a[i] == 0);
    expect_near(row(solutions.g, k, m), kernels::test::half_step(problem, f), 1e-10);
    EXPECT_NEAR(solutions.dual_value[at], kernels::test::dual_value(problem, f), 1e-11);
    EXPECT_NEAR(solutions.transport_cost[at], kernels::test::transport_cost(problem, f), 1e-11);
    EXPECT_NEAR(solutions.upper_bound[at], kernels::test::upper_bound(problem, f),
                1e-9);  // room for rounding
    EXPECT_NEAR(solutions.lower_bound[at], kernels::test::lower_bound(problem, f), 1e-11);
    EXPECT_NEAR(solutions.marginal_error[at], kernels::test::marginal_error(problem, f), 1e-11);
  }
}

/// Potentials are defined up to a constant: this one makes the first with weight zero.
Values anchored(Values f) {
  const auto first =
      std::find_if(f.begin(), f.end(), [](double value) { return std::isfinite(value); });
  if (first == f.end()) return f;
  const double shift = *first;
  for (double& value : f) value -= shift;
  return f;
}

/// The same iteration from the same start, by the plain reference. Potentials move by the rounding
/// of some dozens of logarithmic sums.
void expect_reference(const Population& population, const Solutions& solutions,
                      const SolverOptions& settings, const Values& starts) {
  const auto n = population.geometry.n;
  ASSERT_EQ(solutions.status.size(), static_cast<std::size_t>(population.problems()));
  for (std::int64_t k = 0; k < population.problems(); ++k) {
    const auto at = static_cast<std::size_t>(k);
    const auto reference = kernels::test::solve_reference(
        dense_problem(population, k), row(starts, k, n), settings.threshold,
        static_cast<int>(settings.inner_iterations), static_cast<int>(settings.max_iterations));
    EXPECT_EQ(solutions.iterations[at], reference.iterations);
    EXPECT_EQ(solutions.status[at], reference.converged ? 0 : 1);
    expect_near(anchored(row(solutions.f, k, n)), anchored(reference.f), 1e-9);
  }
}

TEST(PopulationSolver, EqualsTheReferenceFromZeros) {
  const Population grid = blob_population(6, 5, 9), dense = dense_population(11, 7, 4, 9);
  for (const Population* population : {&grid, &dense})
    for (const std::int64_t inner : {1, 7}) {
      const PopulationSolver solver(*population, epsilon);
      auto settings = solver_settings(1e-6);
      settings.inner_iterations = inner;
      const Solutions solutions = solve(solver, all_of(*population), settings);
      expect_reference(*population, solutions, settings,
                       Values(population->problems() * population->geometry.n, 0.0));
      expect_true_figures(*population, solutions);
      for (const double error : solutions.marginal_error) EXPECT_LT(error, 1e-6 * (1 + 1e-6));
    }
}

TEST(PopulationSolver, EqualsTheReferenceFromPredictions) {
  const Population grid = blob_population(6, 5, 9), dense = dense_population(11, 7, 4, 9);
  for (const Population* population : {&grid, &dense}) {
    const PopulationSolver solver(*population, epsilon);
    const PotentialModel model = small_model(*population);
    const auto predictor = solver.make_predictor(model);
    const kernels::Problems measures = PopulationView(*population).on_device(epsilon);
    const auto start = testing::predicted_potentials(
        PairPredictor(model, measures.source_weights(), measures.target_weights()),
        measures.source_weights(), population->source, population->target, epsilon);
    const auto settings = solver_settings(1e-4, "model");
    const Solutions solutions = solve(solver, all_of(*population), settings, predictor.get());
    expect_reference(*population, solutions, settings, start.download());
    expect_true_figures(*population, solutions);
  }
}

TEST(PopulationSolver, EveryStartLeadsToTheSameSolution) {
  const Population grid = blob_population(6, 5, 9), dense = dense_population(11, 7, 4, 9);
  const Population line = line_population(20, 5, 9, "squared_euclidean");
  for (const Population* population : {&grid, &dense, &line}) {
    const PopulationSolver solver(*population, epsilon);
    const PotentialModel model = small_model(*population);
    const auto predictor = solver.make_predictor(model);
    const Solutions zeros = solve(solver, all_of(*population), solver_settings(1e-9));
    int compared = 0;
    for (const auto& initializer : initializer_names()) {
      if (initializer == "zeros" || !solver.complaint(initializer).empty()) continue;
      const Solutions other =
          solve(solver, all_of(*population), solver_settings(1e-9, initializer), predictor.get());
      // The dual value is flat at its maximum, the cost is not.
      expect_near(other.dual_value, zeros.dual_value, 1e-10);
      expect_near(other.transport_cost, zeros.transport_cost, 1e-7);
      EXPECT_NE(other.iterations, zeros.iterations) << initializer;
      for (const auto status : other.status) EXPECT_EQ(status, 0) << initializer;
      ++compared;
    }
    EXPECT_EQ(compared, population == &grid ? 5 : population == &dense ? 4 : 6);
  }
}

/// Starts without a model are the same bit for bit, however the problems are dealt out.
TEST(PopulationSolver, StartsDoNotDependOnTheShard) {
  const Population grid = blob_population(6, 5, 9);
  const Population line = line_population(20, 5, 9, "euclidean");
  for (const Population* population : {&grid, &line}) {
    const PopulationSolver solver(*population, epsilon);
    for (const auto& initializer : initializer_names()) {
      if (initializer == "model" || !solver.complaint(initializer).empty()) continue;
      const auto settings = solver_settings(1e-6, initializer);
      const Solutions all = solve(solver, all_of(*population), settings);
      const Solutions part = solve(solver, {3, 5}, settings);
      const auto n = population->geometry.n;
      EXPECT_EQ(part.f, Values(all.f.begin() + 3 * n, all.f.begin() + 5 * n)) << initializer;
    }
  }
}

TEST(PopulationSolver, SaysWhyAnInitializerDoesNotFit) {
  const auto complaint = [](const Population& population, const std::string& initializer) {
    const PopulationSolver solver(population, epsilon);
    for (const char* any : {"zeros", "model", "previous_epsilon"})
      EXPECT_EQ(solver.complaint(any), "");
    return solver.complaint(initializer);
  };
  Population population = dense_population(5, 6, 2, 3);
  EXPECT_EQ(complaint(population, "gaussian"), "");
  EXPECT_EQ(complaint(population, "gaussian_mixture"), "");
  EXPECT_EQ(complaint(population, "sorting"), "needs one dimension; this population has 2");
  EXPECT_EQ(complaint(population, "subsample"),
            "needs a grid or a cloud of points; this population has a dense cost");
  const Population grid = blob_population(4, 2, 3);
  for (const char* fits : {"gaussian", "gaussian_mixture", "subsample"})
    EXPECT_EQ(complaint(grid, fits), "");
  EXPECT_EQ(complaint(grid, "sorting"), "needs one dimension; this population has 2");
  // A cost of the user's own on known points.
  population.geometry.ground_cost.reset();
  for (const char* gaussian : {"gaussian", "gaussian_mixture"})
    EXPECT_EQ(complaint(population, gaussian),
              "needs squared Euclidean costs; this population has 'matrix'");
  EXPECT_EQ(complaint(population, "sorting"),
            "needs costs that are convex in the distance; this population has 'matrix'");
  // No points at all.
  population.geometry.source_points.clear();
  population.geometry.target_points.clear();
  population.geometry.dimension = 0;
  EXPECT_NE(complaint(population, "gaussian"), "");
  // Points of four dimensions, at the distances they had in two.
  population = dense_population(5, 6, 2, 3);
  for (auto* points : {&population.geometry.source_points, &population.geometry.target_points}) {
    Values wide;
    for (std::size_t i = 0; i < points->size(); i += 2)
      wide.insert(wide.end(), {(*points)[i], (*points)[i + 1], 0.0, 0.0});
    *points = wide;
  }
  population.geometry.dimension = 4;
  EXPECT_EQ(complaint(population, "gaussian"), "");
  EXPECT_EQ(complaint(population, "gaussian_mixture"),
            "needs points of 1 to 3 dimensions; this population has 4");
  // Costs of distances on the line.
  for (const char* cost : {"squared_euclidean", "euclidean", "power"}) {
    const Population line = line_population(6, 2, 3, cost);
    EXPECT_EQ(complaint(line, "sorting"), "") << cost;
    EXPECT_EQ(complaint(line, "subsample"), "") << cost;
  }
  Population line = line_population(6, 2, 3, "power");
  line.geometry.ground_cost = kernels::PowerCost(0.5);
  EXPECT_EQ(complaint(line, "sorting"),
            "needs costs that are convex in the distance; this population has 'power' with power "
            "0.5");
  line.geometry.ground_cost = kernels::CosineCost();
  EXPECT_EQ(complaint(line, "sorting"),
            "needs costs that are convex in the distance; this population has 'cosine'");
}

TEST(PopulationSolver, FloatHasDoubleCertificates) {
  const Population grid = blob_population(6, 5, 9), dense = dense_population(11, 7, 4, 9);
  for (const Population* population : {&grid, &dense}) {
    const PopulationSolver solver(*population, epsilon);
    auto settings = solver_settings(1e-3);
    settings.precision = Precision::in_float;
    const Solutions solutions = solve(solver, all_of(*population), settings);
    expect_true_figures(*population, solutions);
    for (std::size_t k = 0; k < solutions.status.size(); ++k) {
      EXPECT_EQ(solutions.status[k], static_cast<int>(Status::converged));
      EXPECT_LT(solutions.marginal_error[k], 1e-3 * (1 + 1e-6));
    }
  }
}

/// Near the end of a float's digits the solver's own error and the true one part: the certificate
/// decides, and never calls an instance converged that is not.
TEST(PopulationSolver, FloatIsJudgedByItsCertificate) {
  const Population grid = blob_population(6, 5, 9), dense = dense_population(11, 7, 4, 9);
  int limited = 0;
  for (const Population* population : {&grid, &dense}) {
    const PopulationSolver solver(*population, epsilon);
    auto settings = solver_settings(1);
    settings.precision = Precision::in_float;
    settings.max_iterations = 400;
    for (const double threshold : {1e-5, 3e-6, 1e-6, 5e-7, 2e-7, 1e-7}) {
      settings.threshold = threshold;
      const Solutions solutions = solve(solver, all_of(*population), settings);
      expect_true_figures(*population, solutions);
      for (std::size_t k = 0; k < solutions.status.size(); ++k) {
        const auto status = static_cast<Status>(solutions.status[k]);
        const bool below = solutions.marginal_error[k] < threshold * (1 + 1e-6);
        if (status == Status::iteration_limit) {
          EXPECT_EQ(solutions.iterations[k], 400);
        } else {
          EXPECT_EQ(status, below ? Status::converged : Status::precision_limit)
              << "error " << solutions.marginal_error[k];
        }
        EXPECT_LT(solutions.marginal_error[k], 1e-5 * (1 + 1e-2));  // what floats can do, it does
        limited += status == Status::precision_limit;
      }
    }
    // Out of reach for floats, and not for doubles.
    settings.threshold = 1e-11;
    for (const auto status : solve(solver, all_of(*population), settings).status)
      EXPECT_NE(status, static_cast<int>(Status::converged));
    settings.precision = Precision::in_double;
    settings.max_iterations = 2000;
    for (const auto status : solve(solver, all_of(*population), settings).status)
      EXPECT_EQ(status, static_cast<int>(Status::converged));
  }
  EXPECT_GT(limited, 0);
}

TEST(PopulationSolver, IterationLimit) {
  const Population population = blob_population(6, 5, 9);
  const PopulationSolver solver(population, epsilon);
  auto settings = solver_settings(1e-9);
  for (const int limit : {0, 1, 3}) {
    settings.max_iterations = limit;
    const Solutions solutions = solve(solver, all_of(population), settings);
    expect_true_figures(population, solutions);
    for (std::size_t k = 0; k < solutions.status.size(); ++k) {
      EXPECT_EQ(solutions.status[k], static_cast<int>(Status::iteration_limit));
      EXPECT_EQ(solutions.iterations[k], limit);
    }
  }
}

/// More problems than the device gets at once.
TEST(PopulationSolver, RowsDoNotDependOnTheShard) {
  const Population population = dense_population(3, 4, 6, 9000);
  const PopulationSolver solver(population, 0.1);
  const auto settings = solver_settings(1e-4);
  const Solutions all = solve(solver, all_of(population), settings);
  ASSERT_EQ(all.f.size(), 9000u * 3);
  ASSERT_EQ(all.g.size(), 9000u * 4);
  for (const Shard shard : {Shard{0, 3}, Shard{4090, 4100}, Shard{8191, 8193}, Shard{8999, 9000}}) {
    const Solutions part = solve(solver, shard, settings);
    const auto expect_part = [&](const auto& found, const auto& whole, std::int64_t columns) {
      ASSERT_EQ(static_cast<std::int64_t>(found.size()), shard.size() * columns);
      EXPECT_TRUE(std::equal(found.begin(), found.end(), whole.begin() + shard.begin * columns))
          << "problems from " << shard.begin;
    };
    expect_part(part.f, all.f, 3);
    expect_part(part.g, all.g, 4);
    expect_part(part.dual_value, all.dual_value, 1);
    expect_part(part.marginal_error, all.marginal_error, 1);
    expect_part(part.iterations, all.iterations, 1);
    expect_part(part.status, all.status, 1);
  }
}

TEST(PopulationSolver, CountsTheSameIterations) {
  const Population population = blob_population(6, 5, 9);
  const PopulationSolver solver(population, epsilon);
  auto settings = solver_settings(1e-3);
  settings.max_iterations = 12;  // some make it, some do not
  const Solutions solutions = solve(solver, all_of(population), settings);
  SolveSeconds seconds;
  StatusCounts statuses;
  SolveCounts counts;
  EXPECT_EQ(
      solver.count_iterations(all_of(population), settings, nullptr, seconds, statuses, counts),
      solutions.iterations);
  EXPECT_EQ(statuses.converged(), std::count(solutions.status.begin(), solutions.status.end(), 0));
  EXPECT_EQ(statuses.total(), population.problems());
  EXPECT_GT(seconds.iterate, 0);
}

TEST(PopulationSolver, ErrorSumsAreTheReferencesErrors) {
  const Population population = dense_population(11, 7, 4, 6);
  const PopulationSolver solver(population, epsilon);
  constexpr int length = 15;
  Values expected(length, 0.0);
  for (std::int64_t k = 0; k < population.problems(); ++k) {
    const auto reference = kernels::test::solve_reference(dense_problem(population, k),
                                                          Values(11, 0.0), 0, 1, length - 1);
    for (int t = 0; t < length; ++t) expected[t] += reference.errors[t];
  }
  expect_near(solver.error_sums(all_of(population), solver_settings(1), nullptr, length), expected,
              1e-11);
}

TEST(PopulationSolver, MethodsAgreeAndAreCounted) {
  const Population population = blob_population(6, 5, 9);
  const PopulationSolver solver(population, epsilon);
  auto settings = solver_settings(1e-9);
  const Solutions plain = solve(solver, all_of(population), settings);
  EXPECT_EQ(plain.counts.newton, 0);
  const auto expect_same = [&](const Solutions& other) {
    for (std::size_t k = 0; k < plain.status.size(); ++k) {
      EXPECT_EQ(other.status[k], 0);
      EXPECT_LT(other.marginal_error[k], 1.001e-9);
      EXPECT_NEAR(other.dual_value[k], plain.dual_value[k], 1e-9);
    }
  };
  settings.method = "newton";
  const Solutions newton = solve(solver, all_of(population), settings);
  EXPECT_EQ(newton.counts.newton, population.problems());
  expect_same(newton);
  settings.method = "auto";
  settings.acceleration = Acceleration::momentum;
  expect_same(solve(solver, all_of(population), settings));
}

/// Sinkhorn gets as many iterations as Newton's work would buy; the rest is Newton's.
TEST(PopulationSolver, NewtonFinishesWhatSinkhornDoesNot) {
  const Population population = blob_population(6, 5, 9);
  const PopulationSolver solver(population, 1e-3);
  auto settings = solver_settings(1e-10);
  settings.method = "auto";
  const MethodChoice choice = solver.choose(settings);
  const Solutions solutions = solve(solver, all_of(population), settings);
  for (const auto status : solutions.status) EXPECT_EQ(status, 0);
  if (choice.name() == "sinkhorn, then newton") {
    std::int64_t beyond = 0;
    for (const auto iterations : solutions.iterations)
      beyond += iterations > choice.stages.front().most_iterations;
    EXPECT_EQ(solutions.counts.newton, beyond);
  }
  EXPECT_GT(solutions.counts.newton, 0);
}

TEST(PopulationSolver, CloudsOfPointsEqualTheirCostMatrix) {
  Population dense = dense_population(11, 7, 4, 6);
  for (const bool target : {false, true}) {
    auto& points = target ? dense.geometry.target_points : dense.geometry.source_points;
    points.clear();
    const auto count = target ? dense.geometry.m : dense.geometry.n;
    for (std::int64_t i = 0; i < 2 * count; ++i)
      points.push_back(std::sin(static_cast<double>(7 * i + 3 * target)));
  }
  dense.geometry.dimension = 2;
  dense.geometry.ground_cost = kernels::EuclideanCost();
  for (std::int64_t i = 0; i < dense.geometry.n; ++i)
    for (std::int64_t j = 0; j < dense.geometry.m; ++j)
      dense.geometry.cost[i * dense.geometry.m + j] =
          ground_cost(kernels::EuclideanCost(), &dense.geometry.source_points[2 * i],
                      &dense.geometry.target_points[2 * j], 2);
  Population points = dense;
  points.geometry.kind = Geometry::Kind::points;
  points.geometry.cost.clear();
  EXPECT_NO_THROW(points.validate("points"));
  const PopulationSolver one(dense, epsilon), other(points, epsilon);
  const auto settings = solver_settings(1e-8);
  const Solutions expected = solve(one, all_of(dense), settings);
  const Solutions found = solve(other, all_of(points), settings);
  EXPECT_EQ(found.iterations, expected.iterations);
  expect_near(found.transport_cost, expected.transport_cost, 1e-10);
  expect_near(found.upper_bound, expected.upper_bound, 1e-9);  // room for rounding
  expect_near(found.lower_bound, expected.lower_bound, 1e-10);
  EXPECT_EQ(other.choose(Job().solver).name(), "sinkhorn");
}

TEST(PopulationSolver, MassesMayDifferWhereMarginalsNeedNotBeExact) {
  Population population = dense_population(11, 7, 4, 9);
  for (double& weight : population.target_weights) weight *= 3;
  const PopulationSolver solver(population, epsilon);
  auto settings = solver_settings(1e-9);
  settings.max_iterations = 100000;
  SolveSeconds seconds;
  ProblemOptions problem;
  problem.tau_a = 0.95;
  problem.tau_b = 0.9;
  const Solutions penalties =
      solver.solve_unbalanced(all_of(population), problem, settings, nullptr, {}, seconds);
  problem.tau_a = problem.tau_b = 1;
  problem.transported_share = 0.75;
  const Solutions shares =
      solver.solve_unbalanced(all_of(population), problem, settings, nullptr, {}, seconds);
  for (const Solutions* found : {&penalties, &shares}) {
    ASSERT_EQ(found->status.size(), 9u);
    EXPECT_EQ(found->f.size(), 9u * 11);
    EXPECT_EQ(found->g.size(), 9u * 7);
    for (std::size_t k = 0; k < 9; ++k) {
      EXPECT_EQ(found->status[k], 0);
      EXPECT_LT(found->residual[k], 1e-9);
      EXPECT_NEAR(found->dual_value[k], found->primal_value[k], 1e-7);
      // The potentials are those of the plan whose mass and cost are given.
      const auto weights = dense_problem(population, static_cast<std::int64_t>(k));
      double mass = 0, cost = 0;
      for (int i = 0; i < 11; ++i)
        for (int j = 0; j < 7; ++j) {
          const double p = std::exp((found->f[k * 11 + i] + found->g[k * 7 + j] +
                                     found->mass_potential[k] - weights.c(i, j)) /
                                    epsilon);
          mass += p;
          cost += p * weights.c(i, j);
        }
      EXPECT_NEAR(found->transported_mass[k], mass, 1e-9);
      EXPECT_NEAR(found->transport_cost[k], cost, 1e-9);
    }
  }
  for (const double mass : shares.transported_mass) EXPECT_NEAR(mass, 0.75, 1e-9);
  // A shard's rows are those of the whole.
  SolutionOptions figures;
  figures.potentials = false;
  const Solutions part =
      solver.solve_unbalanced({3, 7}, problem, settings, nullptr, figures, seconds);
  EXPECT_TRUE(part.f.empty());
  EXPECT_EQ(part.dual_value, Values(shares.dual_value.begin() + 3, shares.dual_value.begin() + 7));
}

TEST(PopulationSolver, NoProblems) {
  Population population = blob_population(4, 3, 5);
  const PopulationSolver some(population, epsilon);
  EXPECT_TRUE(solve(some, {5, 5}, solver_settings(1e-3)).status.empty());
  population.source.clear();
  population.target.clear();
  const PopulationSolver solver(population, epsilon);
  const PotentialModel model = small_model(population);
  const auto predictor = solver.make_predictor(model);
  for (const char* initializer : {"zeros", "gaussian", "model"}) {
    const Solutions solutions =
        solve(solver, {0, 0}, solver_settings(1e-3, initializer), predictor.get());
    EXPECT_TRUE(solutions.f.empty());
    EXPECT_TRUE(solutions.dual_value.empty());
    EXPECT_TRUE(solutions.status.empty());
  }
}

TEST(PopulationSolver, PotentialsOnRequest) {
  const Population population = blob_population(4, 3, 5);
  const PopulationSolver solver(population, epsilon);
  const Solutions with = solve(solver, {0, 5}, solver_settings(1e-3));
  const Solutions without = solve(solver, {0, 5}, solver_settings(1e-3), nullptr, false);
  EXPECT_TRUE(without.f.empty());
  EXPECT_TRUE(without.g.empty());
  EXPECT_EQ(without.dual_value, with.dual_value);
  EXPECT_EQ(without.iterations, with.iterations);
}

}  // namespace
}  // namespace otfleet
