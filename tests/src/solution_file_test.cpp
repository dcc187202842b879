#include "src/runs/solution_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "src/families/linear/population_solver.hpp"
#include "src/runs/solve_store.hpp"
#include "tests/distributed/test_folder.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/same_solutions.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Hdf5File;
using test::TestFolder;
using testing::blob_population;
using testing::dense_population;
using testing::expect_same_solutions;

Job small_job(bool potentials = true) {
  Job job;
  job.problem.epsilon = 0.02;
  job.solver.threshold = 1e-4;
  job.solver.precision = Precision::in_double;
  job.solver.initializer = "gaussian";
  job.solution.potentials = potentials;
  return job;
}

Job top_k_job(int count, bool potentials = true) {
  Job job = small_job(potentials);
  job.solution.plan = PlanRule::top_k;
  job.solution.top_k = count;
  job.solution.projection = true;
  return job;
}

Job threshold_job(double share) {
  Job job = small_job();
  job.solution.plan = PlanRule::threshold;
  job.solution.plan_threshold = share;
  return job;
}

Solutions solve(const PopulationSolver& solver, const Job& job, distributed::Shard rows) {
  SolveSeconds seconds;
  return job.problem.balanced() ? solver.solve(rows, job.solver, nullptr, job.solution, seconds)
                                : solver.solve_unbalanced(rows, job.problem, job.solver, nullptr,
                                                          job.solution, seconds);
}

/// Which rank solves a block: not the one that a contiguous split would give it.
bool is_mine(std::int64_t block, const Communicator& communicator) {
  return (block * 7 + 3) % communicator.size() == communicator.rank();
}

/// Solves blocks of `block` problems, those that `store` has not found and `wanted` names.
void solve_some(SolveStore& store, const Communicator& communicator, const Population& population,
                const Job& job, std::int64_t block, distributed::Shard wanted) {
  const PopulationSolver solver(population, job.problem.epsilon);
  const LinearSchema schema(job, population, "test.h5");
  std::int64_t number = 0;
  for (const auto& gap : distributed::uncovered(wanted, store.found()))
    for (std::int64_t begin = gap.begin; begin < gap.end; begin += block) {
      const distributed::Shard rows{begin, std::min(begin + block, gap.end)};
      if (is_mine(number++, communicator)) store.add(rows, schema.table(solve(solver, job, rows)));
    }
}

void write_all(const std::filesystem::path& path, const Communicator& communicator,
               const Population& population, const Job& job, SolveStore& store) {
  const auto counted = store.place_counted_rows();
  SolutionFile file(path, communicator, LinearSchema(job, population, "test.h5").layout(), counted);
  store.for_each(
      [&](distributed::Shard rows, SolutionTable table, const std::vector<std::int64_t>& first) {
        file.write(rows, std::move(table), first);
      });
  file.commit();
  store.remove();
}

/// Solves and writes a population the way the command does, in blocks of `block` problems.
void write_solution(const std::filesystem::path& path, const Communicator& communicator,
                    const Population& population, const Job& job, std::int64_t block) {
  SolveStore store(path.string() + ".parts", communicator,
                   LinearSchema(job, population, "test.h5").layout(), "this job",
                   job.solver.checkpoint_seconds);
  solve_some(store, communicator, population, job, block, {0, population.problems()});
  write_all(path, communicator, population, job, store);
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
      expect_same_solutions(together, alone);
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
      const Geometry& geometry = population->geometry;
      const auto most =
          plan_output_bytes(job.solution, geometry.n, geometry.m, geometry.coordinates());
      EXPECT_LE(bytes, 20 * (most + 16u));
      EXPECT_EQ(bytes == 0, most == 0);
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
  EXPECT_EQ(file.string_attribute("/solution/f", "rows"), "source point");
  EXPECT_EQ(file.string_attribute("/solution/status", "rows"), "problem");
  EXPECT_EQ(file.string_attribute("/solution/f", "unit"), "cost");
  for (const auto& name : file.children("/solution"))
    EXPECT_TRUE(file.string_attribute("/solution/" + name, "meaning"));
}

class SolveStoreTest : public SolutionFileTest {
 protected:
  std::vector<std::filesystem::path> parts() const {
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "parts", ignored))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  SolveStore store(const Job& job, const Population& population,
                   const std::string& identity = "this job") const {
    return SolveStore(folder_ / "parts", world_, LinearSchema(job, population, "test.h5").layout(),
                      identity, job.solver.checkpoint_seconds);
  }

  /// Every rank sees what one rank does before it goes on.
  void on_root(const std::function<void()>& work) const {
    world_.barrier();
    if (world_.is_root()) work();
    world_.barrier();
  }

  /// Compares with what one rank writes in one go.
  /// `left`: files of others that stay.
  void expect_unbroken(SolveStore& store, const Population& population, const Job& job,
                       std::size_t left = 0) {
    write_all(folder_ / "solution.h5", world_, population, job, store);
    on_root([&] {
      EXPECT_EQ(parts().size(), left);
      EXPECT_EQ(std::filesystem::exists(folder_ / "parts"), left > 0);
      write_solution(folder_ / "alone.h5", Communicator::self(), population, job, 1000);
      expect_same_solutions(folder_ / "solution.h5", folder_ / "alone.h5");
    });
  }
};

TEST_F(SolveStoreTest, RunsThatEndEarlyMakeUpAWhole) {
  const Population population = dense_population(7, 4, 5, 40);
  Job unbalanced = small_job();
  unbalanced.problem.tau_b = 0.8;
  for (Job job : {small_job(), threshold_job(0.2), top_k_job(2, false), unbalanced}) {
    job.solver.checkpoint_seconds = 0;
    // Three runs that each end after some of the problems, and one that finishes.
    for (const distributed::Shard some : {distributed::Shard{5, 12}, {30, 40}, {3, 9}}) {
      auto one = store(job, population);
      solve_some(one, world_, population, job, 2, some);
      EXPECT_EQ(one.solved(some), some.size());
      world_.barrier();
    }
    auto last = store(job, population);
    EXPECT_EQ(distributed::total_size(last.found()), 7 + 10 + 2);
    EXPECT_EQ(last.solved({0, 40}), 19);
    EXPECT_EQ(last.solved({0, 6}), 3);
    solve_some(last, world_, population, job, 4, {0, 40});
    expect_unbroken(last, population, job);
  }
}

TEST_F(SolveStoreTest, WhatIsInMemoryIsSavedWhenAskedTo) {
  const Population population = blob_population(5, 6, 20);
  const Job job = small_job();
  auto first = store(job, population);
  solve_some(first, world_, population, job, 4, {0, 20});
  on_root([&] { EXPECT_TRUE(parts().empty()); });
  first.save();
  world_.barrier();
  EXPECT_FALSE(parts().empty());
  auto second = store(job, population);
  EXPECT_EQ(second.solved({0, 20}), 20);
  EXPECT_TRUE(distributed::uncovered({0, 20}, second.found()).empty());
  expect_unbroken(second, population, job);
}

TEST_F(SolveStoreTest, DamagedAndForeignFilesAreNotUsed) {
  const Population population = blob_population(5, 6, 20);
  Job job = small_job();
  job.solver.checkpoint_seconds = 0;
  for (const std::string identity : {"another job", "this job"}) {
    auto one = store(job, population, identity);
    // Six files of this job; one of another.
    for (std::int64_t k = 0; k < (identity == "this job" ? 6 : 1); ++k)
      if (k % world_.size() == world_.rank()) {
        const PopulationSolver solver(population, job.problem.epsilon);
        one.add({3 * k + 1, 3 * k + 3}, LinearSchema(job, population, "test.h5")
                                            .table(solve(solver, job, {3 * k + 1, 3 * k + 3})));
      }
    world_.barrier();
    on_root([&] {
      if (identity != "another job") return;
      std::filesystem::rename(parts()[0], folder_ / "parts/rows-000000000018-000000000020.h5");
    });
  }
  on_root([&] {
    auto files = parts();
    ASSERT_EQ(files.size(), 7u);
    std::filesystem::resize_file(files[0], 0);
    std::filesystem::resize_file(files[1], std::filesystem::file_size(files[1]) / 2);
    auto bytes = testing::read_bytes(files[2]);
    bytes[bytes.size() - 100] ^= 1;
    testing::write_bytes(files[2], bytes);
    // Under another name it holds other problems than it says; a copy of one overlaps.
    std::filesystem::rename(files[3], folder_ / "parts/rows-000000000002-000000000004.h5");
    testing::write_bytes(folder_ / "parts/rows-000000000013-000000000099.h5", "no HDF5");
  });
  auto last = store(job, population);
  EXPECT_EQ(last.solved({0, 20}), 4);
  ASSERT_EQ(last.found().size(), 2u);
  EXPECT_EQ(last.found()[0].begin, 13);
  EXPECT_EQ(last.found()[1].begin, 16);
  solve_some(last, world_, population, job, 1000, {0, 20});
  // That of another job, and the two whose names are not those of this job.
  expect_unbroken(last, population, job, 3);
}

TEST_F(SolveStoreTest, AFolderThatCannotBeMadeIsAnError) {
  on_root([&] { testing::write_bytes(folder_ / "parts", "a file"); });
  const Population population = blob_population(5, 6, 4);
  auto one = store(small_job(), population);
  const PopulationSolver solver(population, 0.02);
  one.add(
      {0, 2},
      LinearSchema(small_job(), population, "test.h5").table(solve(solver, small_job(), {0, 2})));
  testing::expect_error([&] { one.save(); }, "parts");
  world_.barrier();
}

/// Who never commits, because a solve failed somewhere, leaves the older file as it was.
TEST_F(SolutionFileTest, WithoutCommitNothingIsLeft) {
  const Population population = blob_population(5, 6, 10);
  const SolutionLayout layout = LinearSchema(small_job(), population, "test.h5").layout();
  { const SolutionFile file(folder_ / "solution.h5", world_, layout, {0, 0, 0, 0}); }
  world_.barrier();
  if (world_.is_root()) {
    EXPECT_TRUE(std::filesystem::is_empty((folder_ / "solution.h5").parent_path()));
  }
  EXPECT_THROW(SolutionFile(folder_ / "none/solution.h5", world_, layout, {0, 0, 0, 0}),
               std::exception);
}

}  // namespace
}  // namespace otfleet
