#pragma once

namespace otfleet::distributed {

enum class Answer { no, yes, unknown };

/// Does this MPI take pointers to the memory of CUDA devices? Open MPI says so of itself; others
/// have no common way to. Nothing here hands it any: it is for reports. Local; between MPI_Init and
/// MPI_Finalize.
Answer mpi_takes_device_memory();

}  // namespace otfleet::distributed
