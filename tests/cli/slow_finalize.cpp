// Preloaded into a program: its rank 0 takes two seconds to leave MPI, as on a busy machine. That
// is longer than mpirun waits before it ends the ranks that are left.
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>
#include <unistd.h>

extern "C" int MPI_Finalize() {
  int rank = 0;
  PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) sleep(2);
  return PMPI_Finalize();
}
