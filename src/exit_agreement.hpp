#pragma once
#include <string>

namespace otfleet {

/// How a rank ended: exit code 0, or a failure with the line to print.
struct Outcome {
  int code = 0;
  std::string message;
};

/// The last collective of a run, over all ranks of MPI_COMM_WORLD; between MPI_Init and
/// MPI_Finalize. The lowest rank that failed prints its message, alone, to stderr. Returns the exit
/// code that every rank ends with: the largest of all. When this rank failed and others do not come
/// within some seconds, because they wait for it elsewhere, it prints its message and ends them all
/// by MPI_Abort.
int agree_on_exit(const Outcome& outcome);

}  // namespace otfleet
