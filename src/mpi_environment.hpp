#pragma once

namespace otfleet {

/// A process that no launcher started is a rank alone: tells Open MPI to start no daemon and no
/// network for it, which takes most of a start. What the environment says already stays. To be
/// called before MPI_Init.
void prepare_mpi_environment();

}  // namespace otfleet
