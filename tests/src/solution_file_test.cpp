#include "src/solvers/solution_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "src/solvers/population_solver.hpp"
#include "tests/distributed/test_folder.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Hdf5File;
using test::TestFolder;
using testing::blob_population;
using testing::dense_population;

Job small_job(bool potentials = true) {
  Job job;
  job.problem.epsilon = 0.02;
  job.solver.threshold = 1e-4;
  job.solver.precision = "double";
  job.solver.initializer = "gaussian";
  job.solution.potentials = potentials;
  return job;
}

Job top_k_job(int count, bool potentials = true) {
  Job job = small_job(potentials);
  job.solution.plan = "top_k";
  job.solution.top_k = count;
  job.solution.projection = true;
  return job;
}

Job threshold_job(double share) {
  Job job = small_job();
  job.solution.plan = "threshold";
  job.solution.plan_threshold = share;
  return job;
}

/// Solves and writes a population the way the command does, in blocks of `block` problems a rank.
void write_solution(const std::filesystem::path& path, const Communicator& communicator,
                    const Population& population, const Job& job, std::int64_t block) {
  const PopulationSolver solver(population, job.problem.epsilon);
  const auto shard =
      distributed::block_shard(population.problems(), communicator.rank(), communicator.size());
  SolutionFile file(path, communicator, population, job, "test.h5");
  const auto longest = communicator.all_reduce(shard.size(), distributed::Reduction::max);
  for (std::int64_t done = 0; done < longest; done += block) {
    const distributed::Shard rows{std::min(shard.begin + done, shard.end),
                                  std::min(shard.begin + done + block, shard.end)};
    SolveSeconds seconds;
    file.write(rows, job.problem.balanced()
                         ? solver.solve(rows, job.solver, nullptr, job.solution, seconds)
                         : solver.solve_unbalanced(rows, job.problem, job.solver,
                                                   job.solution.potentials, seconds));
  }
  file.commit();
}

/// The same bits, or NaN in both.
void expect_same_numbers(const std::vector<double>& a, const std::vector<double>& b,
                         const std::string& name) {
  ASSERT_EQ(a.size(), b.size()) << name;
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) << name << " at " << i;
}

/// Dataset by dataset and attribute by attribute, bit by bit.
void expect_same_files(const std::filesystem::path& first, const std::filesystem::path& second) {
  const auto a = Hdf5File::open(first), b = Hdf5File::open(second);
  EXPECT_EQ(a.string_attribute("/", "otfleet_kind"), "solution");
  EXPECT_EQ(a.number_attribute("/", "otfleet_version"), 1);
  EXPECT_EQ(a.attributes("/"), b.attributes("/"));
  EXPECT_EQ(a.children("/"), b.children("/"));
  for (const auto& group : a.children("/")) {
    EXPECT_EQ(a.attributes("/" + group), b.attributes("/" + group));
    const auto names = a.children("/" + group);
    EXPECT_EQ(names, b.children("/" + group));
    for (const auto& name : names) {
      const auto dataset = "/" + group + "/" + name;
      EXPECT_EQ(a.info(dataset).shape, b.info(dataset).shape) << dataset;
      if (a.info(dataset).is_integer) {
        EXPECT_EQ(a.read<std::int64_t>(dataset), b.read<std::int64_t>(dataset)) << dataset;
      } else {
        expect_same_numbers(a.read<double>(dataset), b.read<double>(dataset), dataset);
      }
    }
  }
}

class SolutionFileTest : public ::testing::Test {
 protected:
  /// Writes on all ranks and on rank 0 alone, and compares.
  void expect_as_alone(const Population& population, const Job& job, std::int64_t block) {
    const auto together = folder_ / "solution.h5", alone = folder_ / "alone.h5";
    write_solution(together, world_, population, job, block);
    world_.barrier();
    if (world_.is_root()) {
      write_solution(alone, Communicator::self(), population, job, 1000);
      expect_same_files(together, alone);
      int files = 0;
      for ([[maybe_unused]] const auto& entry :
           std::filesystem::directory_iterator(together.parent_path()))
        ++files;
      EXPECT_EQ(files, 2) << "a temporary file is left";
    }
    world_.barrier();
  }

  const Communicator world_ = Communicator::world();
  const TestFolder folder_{world_};
};

TEST_F(SolutionFileTest, RanksWriteWhatOneRankWrites) {
  for (const std::int64_t block : {1, 4, 1000}) {
    expect_as_alone(blob_population(5, 6, 20), small_job(), block);
    expect_as_alone(dense_population(7, 4, 5, 20), small_job(), block);
  }
}

TEST_F(SolutionFileTest, ProblemsThatAreNotBalancedHaveFiguresOfTheirOwn) {
  Job job = small_job();
  job.problem.tau_a = 0.9;
  expect_as_alone(blob_population(5, 6, 10), job, 4);
  const auto file = Hdf5File::open(folder_ / "solution.h5");
  for (const char* name : {"dual_value", "primal_value", "transport_cost", "transported_mass",
                           "mass_potential", "residual", "iterations", "status"})
    EXPECT_EQ(file.info(std::string("/solution/") + name).shape, (std::vector<std::int64_t>{10}));
  EXPECT_EQ(file.children("/solution").size(), 10u);
  EXPECT_EQ(file.number_attribute("/solution", "tau_a"), 0.9);
  EXPECT_EQ(file.number_attribute("/solution", "tau_b"), 1);
  EXPECT_EQ(file.number_attribute("/solution", "transported_share"), 0);
}

TEST_F(SolutionFileTest, MoreRanksThanProblems) {
  for (const int problems : {1, 2})
    expect_as_alone(blob_population(5, 6, problems), small_job(), 1000);
}

TEST_F(SolutionFileTest, NoProblems) {
  expect_as_alone(blob_population(5, 6, 0), small_job(), 1000);
  const auto file = Hdf5File::open(folder_ / "solution.h5");
  EXPECT_EQ(file.info("/solution/f").shape, (std::vector<std::int64_t>{0, 25}));
  EXPECT_EQ(file.info("/solution/status").shape, (std::vector<std::int64_t>{0}));
}

TEST_F(SolutionFileTest, PotentialsLeftOut) {
  expect_as_alone(blob_population(5, 6, 10), small_job(false), 4);
  const auto file = Hdf5File::open(folder_ / "solution.h5");
  EXPECT_FALSE(file.has("/solution/f"));
  EXPECT_FALSE(file.has("/solution/g"));
  EXPECT_EQ(file.children("/solution").size(), 7u);
}

TEST_F(SolutionFileTest, RanksWriteThePlansOfOneRank) {
  for (const std::int64_t block : {1, 4, 1000})
    for (const Job& job : {top_k_job(3, false), threshold_job(0.2)}) {
      expect_as_alone(blob_population(5, 6, 20), job, block);
      expect_as_alone(dense_population(7, 4, 5, 20), job, block);
    }
  for (const int problems : {0, 1, 2})
    expect_as_alone(blob_population(5, 6, problems), top_k_job(2), 1000);
}

/// Every entry, every share and every projection, from the potentials in the file.
TEST_F(SolutionFileTest, PlansAreThoseOfTheirPotentials) {
  const Population population = dense_population(7, 4, 5, 6);
  const std::int64_t n = 7, m = 4;
  const auto cost = testing::cost_matrix(population.geometry);
  const auto y = population.geometry.points(false);
  for (const int top_k : {2, 4}) {
    write_solution(folder_ / "solution.h5", world_, population, top_k_job(top_k), 2);
    world_.barrier();
    const auto file = Hdf5File::open(folder_ / "solution.h5");
    const auto f = file.read<double>("/solution/f"), g = file.read<double>("/solution/g");
    const auto moved = file.read<double>("/solution/projection");
    const auto offsets = file.read<std::int64_t>("/plan/offsets");
    const auto columns = file.read<std::int32_t>("/plan/columns");
    const auto values = file.read<double>("/plan/values");
    const auto shares = file.read<double>("/plan/kept_mass");
    EXPECT_EQ(file.string_attribute("/plan", "rule"), "top_k");
    EXPECT_EQ(file.number_attribute("/plan", "top_k"), top_k);
    EXPECT_EQ(offsets.back(), static_cast<std::int64_t>(values.size()));
    ASSERT_EQ(moved.size(), static_cast<std::size_t>(6 * n * 2));
    for (std::int64_t k = 0; k < 6; ++k) {
      double kept = 0, all = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        std::vector<double> row;
        double mass = 0, mean[2] = {0, 0};
        for (std::int64_t j = 0; j < m; ++j) {
          row.push_back(std::exp((f[k * n + i] + g[k * m + j] - cost[i * m + j]) / 0.02));
          mass += row.back();
          for (int c = 0; c < 2; ++c) mean[c] += row.back() * y[2 * j + c];
        }
        all += mass;
        const auto first = offsets[k * (n + 1) + i], last = offsets[k * (n + 1) + i + 1];
        const auto support = std::count_if(row.begin(), row.end(), [](double p) { return p > 0; });
        EXPECT_EQ(last - first, std::min<std::int64_t>(support, top_k));
        double least = INFINITY;
        for (auto at = first; at < last; ++at) {
          EXPECT_NEAR(values[at], row[columns[at]], 1e-12);
          kept += values[at];
          least = std::min(least, values[at]);
          row[columns[at]] = 0;
        }
        EXPECT_GE(least, *std::max_element(row.begin(), row.end()));
        for (int c = 0; c < 2; ++c) {
          const double found = moved[(k * n + i) * 2 + c];
          if (mass > 0)
            EXPECT_NEAR(found, mean[c] / mass, 1e-11);
          else
            EXPECT_TRUE(std::isnan(found));
        }
      }
      EXPECT_NEAR(shares[k], kept / all, 1e-12);
    }
    world_.barrier();
  }
}

TEST_F(SolutionFileTest, PlanOutputsTakeNoMoreThanSaid) {
  const Population grid = blob_population(5, 6, 20), dense = dense_population(7, 4, 5, 20);
  for (const Population* population : {&grid, &dense})
    for (const Job& job : {top_k_job(3), top_k_job(1000), threshold_job(0.01), small_job()}) {
      SolveSeconds seconds;
      const PopulationSolver solver(*population, job.problem.epsilon);
      const auto found = solver.solve({0, 20}, job.solver, nullptr, job.solution, seconds).plan;
      const std::size_t bytes = 12 * found.entries.values.size() + 8 * found.projection.size() +
                                8 * found.entries.offsets.size();
      // An offset and a share of kept mass a problem are not worth counting.
      EXPECT_LE(bytes, 20 * (plan_output_bytes(job.solution, population->geometry) + 16u));
      EXPECT_EQ(bytes == 0, plan_output_bytes(job.solution, population->geometry) == 0);
    }
}

TEST_F(SolutionFileTest, ShapesAndAttributes) {
  const Population population = dense_population(7, 4, 5, 6);
  write_solution(folder_ / "solution.h5", world_, population, small_job(), 1000);
  world_.barrier();
  const auto file = Hdf5File::open(folder_ / "solution.h5");
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(file.info("/solution/f").shape, (Shape{6, 7}));
  EXPECT_EQ(file.info("/solution/g").shape, (Shape{6, 4}));
  for (const char* name : {"dual_value", "transport_cost", "upper_bound", "lower_bound",
                           "marginal_error", "iterations", "status"})
    EXPECT_EQ(file.info(std::string("/solution/") + name).shape, (Shape{6}));
  EXPECT_EQ(file.number_attribute("/solution", "epsilon"), 0.02);
  EXPECT_EQ(file.number_attribute("/solution", "threshold"), 1e-4);
  EXPECT_EQ(file.string_attribute("/solution", "initializer"), "gaussian");
  EXPECT_EQ(file.string_attribute("/solution", "precision"), "double");
  EXPECT_EQ(file.string_attribute("/solution", "population"), "test.h5");
  EXPECT_EQ(file.string_attribute("/solution", "geometry"), population.geometry.fingerprint());
  EXPECT_EQ(file.string_attribute("/solution", "status_0"), "converged");
  EXPECT_EQ(file.string_attribute("/solution", "status_3"), "not finite");
}

/// Who never commits, because a solve failed somewhere, leaves the older file as it was.
TEST_F(SolutionFileTest, WithoutCommitNothingIsLeft) {
  const Population population = blob_population(5, 6, 10);
  { const SolutionFile file(folder_ / "solution.h5", world_, population, small_job(), "test.h5"); }
  world_.barrier();
  if (world_.is_root()) {
    EXPECT_TRUE(std::filesystem::is_empty((folder_ / "solution.h5").parent_path()));
  }
  EXPECT_THROW(SolutionFile(folder_ / "none/solution.h5", world_, population, small_job(), "x"),
               std::exception);
}

}  // namespace
}  // namespace otfleet
