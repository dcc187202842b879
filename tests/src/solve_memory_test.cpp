#include "src/runs/solve_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "src/populations/cloud_population.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/temporary_folder.hpp"

// What is counted of memory before a solve begins.

namespace otfleet {
namespace {

using distributed::Hdf5File;

double bytes_of(const std::vector<MemoryPart>& parts) {
  double sum = 0;
  for (const auto& part : parts) sum += part.bytes;
  return sum;
}

Job job_with(const std::string& method, const std::string& initializer = "zeros") {
  Job job;
  job.solver.method = method;
  job.solver.initializer = initializer;
  return job;
}

TEST(SolveMemory, CellsAndLevelsAreCountedWhereCloudsAreCoarsened) {
  const testing::TemporaryFolder folder;
  const auto file = [&](int points, int dimension) {
    const auto path = folder / "clouds.h5";
    write_cloud_population(path, testing::large_problem(points, dimension));
    return path;
  };
  const auto large = file(6000, 3);
  const double points = 12000;
  const double counted = bytes_of(multiscale_memory(Hdf5File::open(large), job_with("auto")));
  // A million points a side took 386 bytes a point in all, 72 of which are copies of the points.
  EXPECT_GT(counted, 300 * points);
  EXPECT_LT(counted, 500 * points);
  const auto all = solve_memory(Hdf5File::open(large), job_with("auto"));
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [](const MemoryPart& part) {
                            return part.what == "cells and levels of the largest clouds";
                          }),
            1);
  for (const auto& job : {job_with("sinkhorn"), job_with("auto", "subsample")})
    EXPECT_EQ(bytes_of(multiscale_memory(Hdf5File::open(large), job)), 0);
  auto unbalanced = job_with("multiscale");
  unbalanced.problem.tau_a = 0.9;
  EXPECT_EQ(bytes_of(multiscale_memory(Hdf5File::open(large), unbalanced)), 0);
  EXPECT_EQ(bytes_of(multiscale_memory(Hdf5File::open(file(6000, 4)), job_with("auto"))), 0);
  const auto small = file(100, 3);
  EXPECT_EQ(bytes_of(multiscale_memory(Hdf5File::open(small), job_with("auto"))), 0);
  EXPECT_GT(bytes_of(multiscale_memory(Hdf5File::open(small), job_with("multiscale"))), 0);
}

}  // namespace
}  // namespace otfleet
