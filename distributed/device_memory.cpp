#include "distributed/device_memory.hpp"

#include <mpi.h>
#if __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

namespace otfleet::distributed {

Answer mpi_takes_device_memory() {
#ifdef OMPI_HAVE_MPI_EXT_CUDA
  return MPIX_Query_cuda_support() == 1 ? Answer::yes : Answer::no;
#else
  return Answer::unknown;
#endif
}

}  // namespace otfleet::distributed
