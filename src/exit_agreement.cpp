#include "src/exit_agreement.hpp"

#include <mpi.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <limits>

#include "src/interruption.hpp"

namespace otfleet {
namespace {

// Ranks that fail together do so within moments; those that wait elsewhere never come.
constexpr auto patience = std::chrono::seconds(10);

void print(const Outcome& outcome, const std::string& where = {}) {
  if (outcome.code == interrupted_exit_code && !replace_last_words()) return;
  std::fprintf(stderr, "otfleet: %s%s\n", outcome.message.c_str(), where.c_str());
  std::fflush(stderr);
}

}  // namespace

int agree_on_exit(const Outcome& outcome) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  // From here mpirun may end this rank because another has left with an error: the words of an
  // early end would then stand beside that error.
  if (outcome.code != interrupted_exit_code) replace_last_words();
  // Largest code, and the lowest failed rank as the largest of the negatives.
  constexpr int nobody = std::numeric_limits<int>::min();
  const int mine[2] = {outcome.code, outcome.code == 0 ? nobody : -rank};
  int all[2] = {};
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(mine, all, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD, &request);
  const auto begin = std::chrono::steady_clock::now();
  for (int done = 0; done == 0;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) break;
    if (outcome.code != 0 && std::chrono::steady_clock::now() - begin > patience) {
      print(outcome, " (on rank " + std::to_string(rank) + " alone)");
      MPI_Abort(MPI_COMM_WORLD, outcome.code);
    }
    usleep(1000);
  }
  if (outcome.code != 0 && all[1] == -rank) print(outcome);
  return all[0];
}

}  // namespace otfleet
