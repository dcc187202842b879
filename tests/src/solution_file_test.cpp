#include "src/solvers/solution_file.hpp"

#include <gtest/gtest.h>

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
                         ? solver.solve(rows, job.solver, nullptr, job.solution.potentials, seconds)
                         : solver.solve_unbalanced(rows, job.problem, job.solver,
                                                   job.solution.potentials, seconds));
  }
  file.commit();
}

/// Dataset by dataset and attribute by attribute, bit by bit.
void expect_same_files(const std::filesystem::path& first, const std::filesystem::path& second) {
  const auto a = Hdf5File::open(first), b = Hdf5File::open(second);
  EXPECT_EQ(a.string_attribute("/", "otfleet_kind"), "solution");
  EXPECT_EQ(a.number_attribute("/", "otfleet_version"), 1);
  EXPECT_EQ(a.attributes("/"), b.attributes("/"));
  EXPECT_EQ(a.attributes("/solution"), b.attributes("/solution"));
  const auto names = a.children("/solution");
  EXPECT_EQ(names, b.children("/solution"));
  for (const auto& name : names) {
    const auto dataset = "/solution/" + name;
    EXPECT_EQ(a.info(dataset).shape, b.info(dataset).shape) << name;
    if (a.info(dataset).is_integer)
      EXPECT_EQ(a.read<std::int32_t>(dataset), b.read<std::int32_t>(dataset)) << name;
    else
      EXPECT_EQ(a.read<double>(dataset), b.read<double>(dataset)) << name;
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
