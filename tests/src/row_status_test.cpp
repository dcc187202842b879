#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/families/linear/initializers.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/linear/population_solver.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using kernels::Status;
using testing::blob_population;
using testing::dense_population;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Rows that stopped for `why` with this error, two potentials a side.
Solutions rows(const std::vector<Status>& why, const std::vector<double>& errors) {
  Solutions solutions;
  for (std::size_t k = 0; k < why.size(); ++k) {
    solutions.status.push_back(static_cast<std::int32_t>(why[k]));
    for (auto* figures : {&solutions.dual_value, &solutions.transport_cost, &solutions.upper_bound,
                          &solutions.lower_bound})
      figures->push_back(1);
    for (auto* potentials : {&solutions.f, &solutions.g})
      potentials->insert(potentials->end(), {0.5, -std::numeric_limits<double>::infinity()});
  }
  solutions.marginal_error = errors;
  return solutions;
}

TEST(RowStatus, IsDecidedByTheTrueErrorWhateverTheSolverSays) {
  const Status all[] = {Status::converged, Status::iteration_limit, Status::precision_limit,
                        Status::not_finite};
  Solutions good = rows({all[0], all[1], all[2], all[3]}, {1e-3, 2e-16, 0, 1e-9});
  good.set_status(1e-3);
  EXPECT_EQ(good.status, (std::vector<std::int32_t>{0, 0, 0, 0}));
  Solutions bad = rows({all[0], all[1], all[2], all[3]}, {1.1e-3, 2, 0.1, 0.1});
  bad.set_status(1e-3);
  EXPECT_EQ(bad.status, (std::vector<std::int32_t>{2, 1, 2, 3}));
}

TEST(RowStatus, NanAnywhereIsNotFinite) {
  const std::vector<Status> converged(3, Status::converged);
  const std::vector<double> errors(3, 1e-9);
  const std::vector<std::int32_t> second = {0, 3, 0};
  for (auto figures : {&Solutions::dual_value, &Solutions::transport_cost, &Solutions::upper_bound,
                       &Solutions::lower_bound, &Solutions::marginal_error}) {
    for (const double value : {nan, HUGE_VAL}) {
      Solutions solutions = rows(converged, errors);
      (solutions.*figures)[1] = value;
      solutions.set_status(1e-3);
      EXPECT_EQ(solutions.status, second);
    }
  }
  for (auto potentials : {&Solutions::f, &Solutions::g}) {
    Solutions solutions = rows(converged, errors);
    (solutions.*potentials)[3] = nan;
    solutions.set_status(1e-3);
    EXPECT_EQ(solutions.status, second);
    // The same where problems have points of their own.
    Solutions flat = rows(converged, errors);
    (flat.*potentials)[1] = nan;
    flat.set_status(1e-3, {0, 1, 5, 6}, {0, 1, 5, 6});
    EXPECT_EQ(flat.status, second);
  }
}

Solutions solve(const Population& population, double epsilon, const SolverOptions& settings) {
  SolveSeconds seconds;
  return PopulationSolver(population, epsilon)
      .solve({0, population.problems()}, settings, nullptr, SolutionOptions(), seconds);
}

TEST(RowStatus, SinkhornAndNewtonTogetherStayWithinTheIterationLimit) {
  const Population population = blob_population(6, 5, 9);
  std::int64_t finished_by_newton = 0;
  for (const double epsilon : {1e-3, 2e-3, 5e-3, 1e-2})
    for (const char* precision : {"double", "float"}) {
      SolverOptions settings;
      settings.method = "auto";
      settings.precision = *value_of<Precision>(precision);
      settings.threshold = 1e-10;
      const MethodChoice choice = PopulationSolver(population, epsilon).choose(settings);
      if (choice.name() != "sinkhorn, then newton") continue;
      for (const int more : {1, 2, 5, 9, 20}) {
        settings.max_iterations = choice.stages.front().most_iterations + more;
        const Solutions solutions = solve(population, epsilon, settings);
        finished_by_newton += solutions.counts.newton;
        for (std::size_t k = 0; k < solutions.status.size(); ++k) {
          EXPECT_LE(solutions.iterations[k], settings.max_iterations);
          EXPECT_EQ(solutions.status[k] == 0, solutions.marginal_error[k] <= settings.threshold);
        }
      }
    }
  EXPECT_GT(finished_by_newton, 0);
}

TEST(RowStatus, FloatThatNoLongerMovesEndsWithinTensOfIterations) {
  const Population grid = blob_population(6, 5, 9), dense = dense_population(11, 7, 4, 9);
  for (const Population* population : {&grid, &dense})
    for (const char* acceleration : {"none", "momentum"})
      for (const int inner : {1, 5}) {
        SolverOptions settings;
        settings.method = "sinkhorn";
        settings.precision = Precision::in_float;
        settings.acceleration = *value_of<Acceleration>(acceleration);
        settings.inner_iterations = inner;
        settings.threshold = 1e-12;
        settings.max_iterations = 100000;
        const Solutions solutions = solve(*population, 0.2, settings);
        for (std::size_t k = 0; k < solutions.status.size(); ++k) {
          EXPECT_EQ(solutions.status[k], solutions.marginal_error[k] <= 1e-12 ? 0 : 2);
          EXPECT_LT(solutions.iterations[k], 300);
        }
      }
}

/// Whatever the start: the same iterations, the same costs times the mass.
TEST(RowStatus, ThresholdsAreSharesOfTheMassForEveryStart) {
  Population grid = blob_population(6, 5, 9), dense = dense_population(11, 7, 4, 9);
  for (Population* population : {&grid, &dense})
    population->sequence.assign(population->source.size(), 0);
  for (const Population* population : {&grid, &dense})
    for (const auto& initializer : initializer_names()) {
      if (initializer == "model" ||
          !initializer_named(initializer).complaint(facts_of(population->geometry)).empty())
        continue;
      for (const char* precision : {"double", "float"}) {
        SolverOptions settings;
        settings.initializer = initializer;
        settings.precision = *value_of<Precision>(precision);
        const Solutions expected = solve(*population, 0.01, settings);
        for (const double factor : {0x1p-40, 0x1p900, 1e-300}) {
          Population heavy = *population;
          for (auto* weights : {&heavy.source_weights, &heavy.target_weights})
            for (double& weight : *weights) weight *= factor;
          const Solutions found = solve(heavy, 0.01, settings);
          EXPECT_EQ(found.iterations, expected.iterations) << initializer << " " << factor;
          EXPECT_EQ(found.status, expected.status);
          for (std::size_t k = 0; k < found.status.size(); ++k)
            EXPECT_NEAR(found.transport_cost[k] / factor, expected.transport_cost[k], 1e-6);
        }
      }
    }
}

TEST(RowStatus, MassesWhoseProductIsNoNumberAreAMistakeOfTheUser) {
  Population population = dense_population(5, 5, 2, 3);
  for (auto* weights : {&population.source_weights, &population.target_weights})
    for (double& weight : *weights) weight *= 1e200;
  ProblemOptions problem;
  problem.tau_a = problem.tau_b = 0.9;
  SolveSeconds seconds;
  const PopulationSolver solver(population, 0.01);
  testing::expect_error(
      [&] {
        with_population_named("given.h5", 0.01, [&] {
          return solver.solve_unbalanced({0, 3}, problem, {}, nullptr, SolutionOptions{}, seconds);
        });
      },
      "given.h5", "product of the masses");
}

}  // namespace
}  // namespace otfleet
