#include <gtest/gtest.h>
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#ifdef OTFLEET_TEST_KOKKOS
#include "kernels/runtime.hpp"
#endif

namespace {

/// What ranks other than 0 print: their failures only.
class FailuresOnly : public testing::EmptyTestEventListener {
 public:
  explicit FailuresOnly(int rank) : rank_(rank) {}

 private:
  // Kept here because a listener that asks GoogleTest for the current test in OnTestPartResult
  // waits for a lock that its own caller holds.
  void OnTestStart(const testing::TestInfo& test) override {
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }

  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d] %s: %s:%d: %s\n", rank_, test_.c_str(),
                 result.file_name() ? result.file_name() : "", result.line_number(),
                 result.message());
  }

  void OnTestEnd(const testing::TestInfo&) override { test_ = "(outside a test)"; }

  std::string test_ = "(outside a test)";
  int rank_;
};

/// True if the ranks are as many as CTest meant to start; a mismatched mpirun starts lone ranks.
bool has_expected_ranks(int rank, int ranks) {
  const char* expected = std::getenv("OTFLEET_TEST_RANKS");
  if (!expected || std::atoi(expected) == ranks) return true;
  if (rank == 0) {
    std::fprintf(stderr, "%d ranks run, but OTFLEET_TEST_RANKS is %s\n", ranks, expected);
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  testing::InitGoogleTest(&argc, argv);
  if (rank != 0) {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly(rank));
  }
  int result = 1;
  {
#ifdef OTFLEET_TEST_KOKKOS
    const otfleet::kernels::Runtime runtime(argc, argv);
#endif
    if (has_expected_ranks(rank, ranks)) result = RUN_ALL_TESTS();
  }
  MPI_Allreduce(MPI_IN_PLACE, &result, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return result;
}
