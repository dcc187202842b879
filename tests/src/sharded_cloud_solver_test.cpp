#include "src/families/linear/sharded_cloud_solver.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "distributed/error.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/populations/any_population.hpp"
#include "src/populations/cloud_population_rows.hpp"
#include "src/runs/solution_file.hpp"
#include "tests/distributed/test_folder.hpp"
#include "tests/src/small_populations.hpp"

// Problems that all ranks solve together, against the solver of one rank.

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Hdf5File;
using distributed::Shard;
using test::TestFolder;
using testing::cloud_population;
using testing::points_population;
using Values = std::vector<double>;

SolverOptions settings_for(const std::string& precision, double threshold,
                           const std::string& acceleration = "momentum") {
  SolverOptions settings;
  settings.precision = *value_of<Precision>(precision);
  settings.threshold = threshold;
  settings.acceleration = *value_of<Acceleration>(acceleration);
  settings.max_iterations = 3000;
  return settings;
}

constexpr double epsilon = 0.05;

class ShardedCloudSolverTest : public ::testing::Test {
 protected:
  /// Both sides between -inf and inf, or close, or both NaN.
  static void expect_near(const Values& found, Shard rows, const Values& all, double tolerance,
                          const char* what) {
    ASSERT_EQ(static_cast<std::int64_t>(found.size()), rows.size()) << what;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double expected = all[static_cast<std::size_t>(rows.begin) + i];
      EXPECT_TRUE(found[i] == expected || (std::isnan(found[i]) && std::isnan(expected)) ||
                  std::abs(found[i] - expected) <= tolerance)
          << what << " " << i << ": " << found[i] << " instead of " << expected;
    }
  }

  void write(const AnyPopulation& population) {
    world_.agree([&] {
      if (world_.is_root()) write_any_population(path_, population);
    });
  }

  /// Every problem is what one rank makes of it.
  void expect_same_answers(const AnyPopulation& any, const SolverOptions& settings,
                           double tolerance, double eps = epsilon) {
    write(any);
    const auto rows = open_population_rows({}, path_, world_);
    ShardedCloudSolver solver(*rows, eps, world_);
    const PopulationView population = view_any(any);
    const auto dimension = population.geometry().coordinates;
    const PopulationSolver alone(population, eps);
    SolutionOptions wanted;
    wanted.projection = true;
    SolveSeconds seconds;
    for (std::int64_t k = 0; k < population.problems(); ++k) {
      SCOPED_TRACE("problem " + std::to_string(k));
      const auto part = solver.solve(k, {}, settings, wanted, seconds);
      const auto all = alone.solve({k, k + 1}, settings, nullptr, wanted, seconds);
      const auto& own = part.solutions;
      EXPECT_EQ(own.status, all.status);
      EXPECT_EQ(own.iterations, all.iterations);
      EXPECT_EQ(part.sources.end - part.sources.begin,
                distributed::block_shard(population.source_points(k), world_.rank(), world_.size())
                    .size());
      expect_near(own.f, part.sources, all.f, tolerance, "f");
      expect_near(own.g, part.targets, all.g, tolerance, "g");
      const Shard coordinates{part.sources.begin * dimension, part.sources.end * dimension};
      expect_near(own.plan.projection, coordinates, all.plan.projection, tolerance, "projection");
      for (const auto column :
           {&Solutions::dual_value, &Solutions::transport_cost, &Solutions::upper_bound,
            &Solutions::lower_bound, &Solutions::marginal_error})
        expect_near(own.*column, {0, 1}, all.*column, tolerance, "figures");
    }
  }

  void expect_same_unbalanced(const AnyPopulation& any) {
    write(any);
    const auto rows = open_population_rows({}, path_, world_);
    ShardedCloudSolver solver(*rows, epsilon, world_);
    const PopulationView population = view_any(any);
    const PopulationSolver alone(population, epsilon);
    SolutionOptions wanted;
    wanted.potentials = true;
    const auto settings = settings_for("double", 1e-9);
    for (const auto& [tau_a, tau_b, share] :
         {std::array{0.9, 0.6, 0.0}, {1.0, 0.8, 0.0}, {0.7, 1.0, 0.0}, {1.0, 1.0, 0.4}}) {
      ProblemOptions kind;
      kind.tau_a = tau_a;
      kind.tau_b = tau_b;
      kind.transported_share = share;
      for (std::int64_t k = 0; k < population.problems(); ++k) {
        SCOPED_TRACE(std::to_string(tau_a) + " problem " + std::to_string(k));
        SolveSeconds seconds;
        const auto part = solver.solve(k, kind, settings, wanted, seconds);
        const auto all =
            alone.solve_unbalanced({k, k + 1}, kind, settings, nullptr, wanted, seconds);
        const auto& own = part.solutions;
        EXPECT_EQ(own.status, all.status);
        EXPECT_NEAR(own.iterations[0], all.iterations[0], 1);
        expect_near(own.f, part.sources, all.f, 1e-7, "f");
        expect_near(own.g, part.targets, all.g, 1e-7, "g");
        for (const auto column :
             {&Solutions::dual_value, &Solutions::primal_value, &Solutions::transport_cost,
              &Solutions::transported_mass, &Solutions::mass_potential, &Solutions::residual})
          expect_near(own.*column, {0, 1}, all.*column, 1e-7, "figures");
      }
    }
  }

  const Communicator world_ = Communicator::world();
  const TestFolder folder_{world_};
  const std::filesystem::path path_ = folder_ / "clouds.h5";
};

TEST_F(ShardedCloudSolverTest, AnswersAreThoseOfOneRank) {
  for (const char* cost : {"squared_euclidean", "euclidean", "power", "cosine"})
    for (const bool shared : {true, false}) {
      SCOPED_TRACE(cost);
      const auto population = cloud_population(4, 300, 3, shared, cost, 5);
      expect_same_answers(population, settings_for("double", 1e-6), 1e-10);
    }
}

TEST_F(ShardedCloudSolverTest, MeasuresMaySharePoints) {
  for (const char* cost : {"squared_euclidean", "euclidean", "cosine"}) {
    SCOPED_TRACE(cost);
    expect_same_answers(points_population(300, 257, 3, 4, cost), settings_for("double", 1e-6),
                        1e-10);
  }
}

TEST_F(ShardedCloudSolverTest, PlainIterationsLooksInBetweenAndLimits) {
  const auto population = cloud_population(3, 200, 2, false);
  auto settings = settings_for("double", 1e-7, "none");
  settings.inner_iterations = 7;
  expect_same_answers(population, settings, 1e-10);
  settings.max_iterations = 5;
  expect_same_answers(population, settings, 1e-10);
  settings.max_iterations = 0;
  expect_same_answers(population, settings, 1e-10);
}

TEST_F(ShardedCloudSolverTest, StartsFromLargerEpsilons) {
  auto settings = settings_for("double", 1e-6);
  settings.initializer = "previous_epsilon";
  expect_same_answers(cloud_population(4, 300, 3, false), settings, 1e-9, 5e-3);
}

TEST_F(ShardedCloudSolverTest, ProblemsThatAreNotBalanced) {
  expect_same_unbalanced(cloud_population(4, 300, 3, false));
  expect_same_unbalanced(points_population(150, 130, 2, 2, "squared_euclidean"));
}

TEST_F(ShardedCloudSolverTest, SmallEpsilon) {
  // Potentials move by far more than the range of exp, so that sums need new shifts.
  auto settings = settings_for("double", 1e-3);
  settings.max_iterations = 60;
  expect_same_answers(cloud_population(3, 150, 2, false), settings, 1e-10, 2e-4);
}

TEST_F(ShardedCloudSolverTest, FloatsAgreeToTheirDigits) {
  write(cloud_population(4, 300, 3, false));
  const CloudPopulationRows rows(path_, world_);
  ShardedCloudSolver solver(rows, epsilon, world_);
  const auto population = read_cloud_population(path_);
  const PopulationSolver alone(population, epsilon);
  SolveSeconds seconds;
  for (std::int64_t k = 0; k < population.problems(); ++k) {
    const auto settings = settings_for("float", 1e-3);
    const auto part = solver.solve(k, {}, settings, {}, seconds);
    const auto all = alone.solve({k, k + 1}, settings, nullptr, {}, seconds);
    EXPECT_EQ(part.solutions.status, all.status);
    EXPECT_NEAR(part.solutions.dual_value[0], all.dual_value[0], 1e-5);
    EXPECT_LT(part.solutions.marginal_error[0], 1e-3 * (1 + 1e-6));
  }
}

/// One problem between points on a line.
CloudPopulation line_problem(const Values& source, const Values& source_weights,
                             const Values& target, const Values& target_weights) {
  CloudPopulation population;
  population.dimension = 1;
  population.shared_measures = false;
  population.sources = {source_weights, source, {0, static_cast<std::int64_t>(source.size())}};
  population.targets = {target_weights, target, {0, static_cast<std::int64_t>(target.size())}};
  population.source = population.target = {0};
  return population;
}

TEST_F(ShardedCloudSolverTest, FewerPointsThanRanks) {
  const auto settings = settings_for("double", 1e-8);
  expect_same_answers(line_problem({0.3}, {1}, {0.5}, {1}), settings, 1e-12);
  expect_same_answers(line_problem({0.3}, {2}, {0.5, 0.1, 0.9}, {0.5, 1, 0.5}), settings, 1e-10);
  expect_same_answers(line_problem({0.3, 0.6}, {0.25, 0.75}, {0.5}, {1}), settings, 1e-10);
}

TEST_F(ShardedCloudSolverTest, RanksWithoutWeight) {
  // All weight lies on the first rank's sources and on the last one's targets.
  Values source, target, a(40), b(50);
  for (int i = 0; i < 40; ++i) source.push_back(std::sin(i));
  for (int j = 0; j < 50; ++j) target.push_back(std::cos(3 * j));
  a[0] = a[2] = 0.25;
  a[7] = 0.5;
  b[49] = 0.75;
  b[44] = 1e-300;
  b[45] = 0.25;
  const auto settings = settings_for("double", 1e-8);
  expect_same_answers(line_problem(source, a, target, b), settings, 1e-10);
}

/// What is saved of a problem that is not balanced is f alone.
TEST_F(ShardedCloudSolverTest, ProblemsThatAreNotBalancedGoOnFromWhatWasSaved) {
  write(cloud_population(2, 200, 2, false));
  const CloudPopulationRows rows(path_, world_);
  ShardedCloudSolver solver(rows, epsilon, world_);
  const auto settings = settings_for("double", 1e-9, "none");
  auto few = settings;
  few.max_iterations = 7;
  int number = 0;
  for (const auto& [tau_a, tau_b, share] :
       {std::array{0.9, 0.95, 0.0}, {1.0, 0.97, 0.0}, {0.97, 1.0, 0.0}, {1.0, 1.0, 0.98}}) {
    SCOPED_TRACE(std::to_string(tau_a) + " " + std::to_string(tau_b));
    ProblemOptions kind;
    kind.tau_a = tau_a;
    kind.tau_b = tau_b;
    kind.transported_share = share;
    SolveSeconds seconds;
    const auto unbroken = solver.solve(1, kind, settings, {}, seconds);
    EXPECT_GT(unbroken.solutions.iterations[0], 10);
    const auto parts = folder_ / ("parts" + std::to_string(number++));
    for (const auto& limits : {few, settings}) {
      SolveStore store(parts, world_, {}, "this job", 0, SolveStore::Iterated::by_all_ranks);
      const auto part = solver.solve(1, kind, limits, {}, seconds, &store);
      if (limits.max_iterations == 7) {
        EXPECT_EQ(part.solutions.iterations[0], 7);
        continue;
      }
      EXPECT_EQ(part.solutions.status, unbroken.solutions.status);
      EXPECT_NEAR(part.solutions.iterations[0], unbroken.solutions.iterations[0], 1);
      EXPECT_NEAR(part.solutions.dual_value[0], unbroken.solutions.dual_value[0], 1e-8);
      EXPECT_NEAR(part.solutions.transported_mass[0], unbroken.solutions.transported_mass[0], 1e-8);
    }
  }
}

TEST_F(ShardedCloudSolverTest, GoesOnFromWhatWasSaved) {
  const auto population = cloud_population(2, 200, 2, false);
  write(population);
  const CloudPopulationRows rows(path_, world_);
  ShardedCloudSolver solver(rows, epsilon, world_);
  const auto settings = settings_for("double", 1e-9, "none");
  SolveSeconds seconds;
  const auto unbroken = solver.solve(1, {}, settings, {}, seconds);
  const auto parts = folder_ / "parts";
  auto few = settings;
  few.max_iterations = 7;
  {
    SolveStore store(parts, world_, {}, "this job", 1e9, SolveStore::Iterated::by_all_ranks);
    const auto part = solver.solve(1, {}, few, {}, seconds, &store);
    EXPECT_EQ(part.solutions.iterations[0], 7);
    EXPECT_FALSE(part.ended);
  }
  {
    SolveStore store(parts, world_, {}, "another job", 1e9, SolveStore::Iterated::by_all_ranks);
    EXPECT_EQ(solver.solve(1, {}, few, {}, seconds, &store).solutions.iterations[0], 7);
  }
  EXPECT_EQ(SolveStore::has_shared_potentials(parts), world_.size() > 1);
  SolveStore store(parts, world_, {}, "another job", 0,
                   SolveStore::Iterated::by_all_ranks);  // saves every iteration
  const auto resumed = solver.solve(1, {}, settings, {}, seconds, &store);
  EXPECT_EQ(resumed.solutions.iterations, unbroken.solutions.iterations);
  EXPECT_EQ(resumed.solutions.status, unbroken.solutions.status);
  // Potentials are then shifted by a constant.
  EXPECT_NEAR(resumed.solutions.dual_value[0], unbroken.solutions.dual_value[0], 1e-12);
  EXPECT_NEAR(resumed.solutions.transport_cost[0], unbroken.solutions.transport_cost[0], 1e-12);
  // On one rank alone, from what all have saved.
  SolveStore again(parts, Communicator::self(), {}, "another job", 1e9);
  const CloudPopulationRows own_rows(path_, Communicator::self());
  const auto self = Communicator::self();
  ShardedCloudSolver alone(own_rows, epsilon, self);
  auto none = settings;
  none.max_iterations = 0;
  const auto known = alone.solve(1, {}, none, {}, seconds, &again);
  EXPECT_EQ(known.solutions.status[0], static_cast<int>(kernels::Status::converged));
  EXPECT_EQ(known.solutions.iterations, unbroken.solutions.iterations);
  world_.barrier();
  // A damaged file is passed over.
  world_.agree([&] {
    if (!world_.is_root()) return;
    for (const auto& entry : std::filesystem::directory_iterator(parts))
      std::filesystem::resize_file(entry.path(), 100);
  });
  SolveStore damaged(parts, world_, {}, "another job", 1e9, SolveStore::Iterated::by_all_ranks);
  EXPECT_EQ(solver.solve(1, {}, few, {}, seconds, &damaged).solutions.iterations[0], 7);
}

TEST_F(ShardedCloudSolverTest, FaultsAreThoseOfAllRanks) {
  const auto message = [&](const CloudPopulation& population) -> std::string {
    write(population);
    try {
      const CloudPopulationRows rows(path_, world_);
      ShardedCloudSolver(rows, epsilon, world_).load(0);
    } catch (const UserError& error) {
      return error.what();
    }
    return "nothing";
  };
  const Values points = {0.1, 0.2, 0.3, 0.4, 0.5}, weights(5, 0.2);
  const auto good = line_problem(points, weights, points, weights);
  EXPECT_EQ(message(good), "nothing");
  const std::string file = path_.string() + ": ";
  auto bad = good;
  bad.sources.weights[4] = -1;
  EXPECT_EQ(message(bad), file +
                              "/measures/source_weights measure 0 has a negative weight (-1 at "
                              "point 4); weights are finite and not negative");
  bad = good;
  bad.targets.points[3] = NAN;
  EXPECT_EQ(message(bad),
            file + "/measures/target_points measure 0 has the coordinate nan (at point 3)");
  bad = good;
  bad.targets.weights = Values(5);
  EXPECT_EQ(message(bad),
            file + "/measures/target_weights measure 0 has only zero weights; leave it out");
  bad = good;
  bad.targets.weights[0] = 0.3;
  EXPECT_EQ(message(bad).substr(0, file.size() + 36),
            file + "problem 0 pairs masses that differ: ");
  bad = good;
  bad.ground_cost = kernels::CosineCost();
  bad.targets.points[3] = bad.targets.points[4] = 0;
  EXPECT_EQ(message(bad), file +
                              "/measures/target_points measure 0 point 3 is the zero vector, which "
                              "has no angle: leave it out, or take another cost than 'cosine'");
}

TEST_F(ShardedCloudSolverTest, TheFileIsThatOfOneRank) {
  const AnyPopulation populations[] = {cloud_population(5, 90, 4, true),
                                       points_population(90, 80, 3, 4, "squared_euclidean")};
  for (const int which : {0, 1, 2, 3}) {
    const bool all = which % 2 == 0;
    const AnyPopulation& any = populations[which / 2];
    write(any);
    const auto rows = open_population_rows({}, path_, world_);
    const PopulationView population = view_any(any);
    Job job;
    job.problem.epsilon = epsilon;
    job.solver = settings_for("double", 1e-8);
    job.solution.potentials = job.solution.projection = all;
    SolveSeconds seconds;
    const LinearSchema schema(job, rows->view(), "clouds.h5");
    const std::vector<std::int64_t> none(schema.layout().spaces.size(), 0);
    const auto one = folder_ / "one.h5", other = folder_ / "other.h5";
    if (world_.is_root()) {
      const PopulationSolver solver(population, epsilon);
      const auto self = Communicator::self();
      SolutionFile file(one, self, schema.layout(), none);
      file.write({0, 4},
                 schema.table(solver.solve({0, 4}, job.solver, nullptr, job.solution, seconds)),
                 none);
      file.commit();
    }
    {
      ShardedCloudSolver solver(*rows, epsilon, world_);
      SolutionFile file(other, world_, schema.layout(), none);
      for (std::int64_t k = 0; k < 4; ++k) {
        const auto part = solver.solve(k, {}, job.solver, job.solution, seconds);
        file.write_together(k, {{}, part.sources, part.targets, {}}, schema.table(part.solutions));
      }
      file.commit();
    }
    world_.barrier();
    const auto a = Hdf5File::open(one), b = Hdf5File::open(other);
    EXPECT_EQ(a.children("/"), b.children("/"));
    EXPECT_EQ(a.children("/solution"), b.children("/solution"));
    for (const char* object : {"/", "/solution"}) {
      EXPECT_EQ(a.attributes(object), b.attributes(object));
      for (const auto& name : a.attributes(object))
        EXPECT_EQ(a.attribute_text(object, name), b.attribute_text(object, name));
    }
    for (const auto& name : a.children("/solution")) {
      const auto dataset = "/solution/" + name;
      EXPECT_EQ(a.info(dataset).shape, b.info(dataset).shape) << name;
      EXPECT_EQ(a.info(dataset).is_float, b.info(dataset).is_float) << name;
      EXPECT_EQ(a.info(dataset).bytes_per_value, b.info(dataset).bytes_per_value) << name;
      const auto values = b.read<double>(dataset);
      expect_near(values, {0, static_cast<std::int64_t>(values.size())}, a.read<double>(dataset),
                  1e-10, name.c_str());
    }
    world_.barrier();
  }
}

}  // namespace
}  // namespace otfleet
