// Problems of sequences, each started from those before it.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "src/families/linear/population_solver.hpp"
#include "src/populations/any_population.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

constexpr double epsilon = 0.02;
constexpr int motions = 3, steps = 8;

/// Clouds that drift, of so many points.
CloudPopulation drifting(std::int64_t points) {
  Job job;
  job.problem.geometry = GeometryKind::clouds;
  job.make.drifting.points = points;
  job.make.test_problems = motions * steps;
  job.make.sequence_length = steps;
  auto population = std::get<CloudPopulation>(build_any_population(job, Split::test));
  population.validate("drifting");
  return population;
}

/// A blob that moves over a grid towards one that stays.
Population moving_blob() {
  auto population = testing::blob_population(12, 1, 0);
  const auto& axis = population.geometry.axes[0];
  population.source_weights.clear();
  const auto add = [&](double at) {
    std::vector<double> weights;
    for (const double v : axis)
      for (const double u : axis)
        weights.push_back(std::exp(-((v - at) * (v - at) + (u - 0.4) * (u - 0.4)) / 0.02));
    const double mass = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (const double weight : weights) population.source_weights.push_back(weight / mass);
  };
  population.source.clear();
  population.target.clear();
  for (int k = 0; k < steps; ++k) {
    add(0.3 + 0.01 * k);
    population.source.push_back(k);
    population.target.push_back(steps);
  }
  add(0.8);
  population.source_measures = steps + 1;
  population.sequence.assign(steps, 5);
  return population;
}

SolverOptions settings_for(const std::string& initializer, double threshold) {
  SolverOptions settings;
  settings.initializer = initializer;
  settings.threshold = threshold;
  settings.max_iterations = 20000;
  settings.method = "sinkhorn";
  return settings;
}

Solutions solve(const PopulationSolver& solver, Shard rows, const SolverOptions& settings) {
  SolutionOptions wanted;
  wanted.potentials = true;
  SolveSeconds seconds;
  return solver.solve(rows, settings, nullptr, wanted, seconds);
}

int sum(const std::vector<std::int32_t>& iterations) {
  return std::accumulate(iterations.begin(), iterations.end(), 0);
}

TEST(SequenceSolver, FindsTheSameSolutionsInFewerIterations) {
  for (const std::int64_t points : {30, 150}) {  // in lanes, in passes
    const auto population = drifting(points);
    const PopulationSolver solver(population, epsilon);
    const Shard all{0, population.problems()};
    const auto from_zeros = solve(solver, all, settings_for("zeros", 1e-8));
    const auto found = solve(solver, all, settings_for("previous", 1e-8));
    for (std::size_t k = 0; k < found.status.size(); ++k) {
      EXPECT_EQ(found.status[k], 0) << k;
      EXPECT_NEAR(found.dual_value[k], from_zeros.dual_value[k], 1e-9) << k;
      // The first of a sequence starts from zeros.
      if (k % steps == 0) {
        EXPECT_EQ(found.iterations[k], from_zeros.iterations[k]) << k;
      }
    }
    const auto loose = solve(solver, all, settings_for("previous", 1e-2));
    const auto loose_from_zeros = solve(solver, all, settings_for("zeros", 1e-2));
    EXPECT_LT(2 * sum(loose.iterations), sum(loose_from_zeros.iterations));
  }
}

TEST(SequenceSolver, PiecesOfASequenceAreSolvedAsTheWhole) {
  const auto population = drifting(150);
  const auto settings = settings_for("previous", 1e-4);
  const PopulationSolver solver(population, epsilon), other(population, epsilon);
  const auto whole = solve(solver, {0, motions * steps}, settings);
  std::vector<double> f;
  std::vector<std::int32_t> iterations;
  for (const Shard& rows : {Shard{0, 3}, Shard{3, 3}, Shard{3, 4}, Shard{4, 21}, Shard{21, 24}}) {
    const auto piece = solve(other, rows, settings);
    f.insert(f.end(), piece.f.begin(), piece.f.end());
    iterations.insert(iterations.end(), piece.iterations.begin(), piece.iterations.end());
  }
  EXPECT_EQ(f, whole.f);
  EXPECT_EQ(iterations, whole.iterations);
}

TEST(SequenceSolver, ABrokenSequenceBeginsAnew) {
  const auto population = drifting(150);
  const auto settings = settings_for("previous", 1e-4);
  const PopulationSolver solver(population, epsilon), other(population, epsilon);
  const auto whole = solve(solver, {0, steps}, settings);
  const auto rest = solve(other, {5, steps}, settings);
  const auto from_zeros = solve(other, {5, 6}, settings_for("zeros", 1e-4));
  EXPECT_EQ(rest.iterations[0], from_zeros.iterations[0]);
  for (std::size_t k = 5; k < steps; ++k) {
    EXPECT_EQ(rest.status[k - 5], 0);
    EXPECT_LT(rest.marginal_error[k - 5], 1e-4);
    // Two solutions of that error differ by no more than it times the range of potentials.
    EXPECT_NEAR(rest.dual_value[k - 5], whole.dual_value[k], 1e-4);
  }
}

TEST(SequenceSolver, CommonPointsHaveSequencesToo) {
  const auto population = moving_blob();
  const PopulationSolver solver(population, epsilon);
  const auto from_zeros = solve(solver, {0, steps}, settings_for("zeros", 1e-3));
  const auto found = solve(solver, {0, steps}, settings_for("previous", 1e-3));
  for (const int status : found.status) EXPECT_EQ(status, 0);
  EXPECT_LT(2 * sum(found.iterations), sum(from_zeros.iterations));
}

TEST(SequenceSolver, TheFirstStartIsWhatTheJobSays) {
  const auto population = drifting(150);
  const PopulationSolver solver(population, epsilon);
  auto settings = settings_for("previous", 1e-4);
  settings.first_initializer = "gaussian";
  const auto found = solve(solver, {0, 2}, settings);
  const auto gaussian = solve(solver, {0, 1}, settings_for("gaussian", 1e-4));
  EXPECT_EQ(found.iterations[0], gaussian.iterations[0]);
  EXPECT_NE(found.iterations[0], solve(solver, {0, 1}, settings_for("zeros", 1e-4)).iterations[0]);
}

TEST(SequenceSolver, TracesBeginAtTheStart) {
  const auto population = drifting(150);
  const PopulationSolver solver(population, epsilon);
  const Shard all{0, population.problems()};
  const auto zeros = solver.error_sums(all, settings_for("zeros", 1e-3), nullptr, 3);
  const auto previous = solver.error_sums(all, settings_for("previous", 1e-3), nullptr, 3);
  ASSERT_EQ(previous.size(), 3u);
  EXPECT_LT(2 * previous[0], zeros[0]);
  EXPECT_LT(previous[2], previous[0]);
}

TEST(SequenceSolver, WithoutSequencesThereIsAComplaint) {
  auto population = drifting(5);
  EXPECT_EQ(PopulationSolver(population, epsilon).complaint("previous"), "");
  EXPECT_EQ(PopulationSolver(population, epsilon).sequences(settings_for("zeros", 1)).size(), 0u);
  EXPECT_EQ(PopulationSolver(population, epsilon).sequences(settings_for("previous", 1)),
            (std::vector<std::int64_t>{0, 8, 16, 24}));
  population.sequence.clear();
  const auto complaint = PopulationSolver(population, epsilon).complaint("previous");
  EXPECT_NE(complaint.find("/problems/sequence"), std::string::npos) << complaint;
  EXPECT_NE(complaint.find("make.sequence_length"), std::string::npos) << complaint;
}

}  // namespace
}  // namespace otfleet
