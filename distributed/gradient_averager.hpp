#pragma once
#include <cstddef>
#include <memory>
#include <span>

#include "distributed/communicator.hpp"

namespace otfleet::distributed {

/// Sums float gradients over the ranks, in place. One interface, two ways to move the data: MPI on
/// host memory, NCCL on device memory (builds with OTFLEET_NCCL).
class GradientAverager {
 public:
  virtual ~GradientAverager() = default;

  /// values[i] <- sum over ranks of values[i]. Collective; `values` has one size on all ranks and
  /// lies in host memory for MPI, in device memory for NCCL. Returns when the result is readable.
  virtual void sum(std::span<float> values) = 0;

  /// "mpi" or "nccl", for reports.
  virtual const char* name() const = 0;
};

/// MPI on host memory. Collective over `communicator`.
std::unique_ptr<GradientAverager> make_mpi_averager(Communicator communicator);

#ifdef OTFLEET_NCCL
/// NCCL on the current CUDA device, one rank per GPU; the NCCL id travels over `communicator`.
/// Collective. Throws std::runtime_error with NCCL's own words when it refuses.
std::unique_ptr<GradientAverager> make_nccl_averager(Communicator communicator);
#endif

}  // namespace otfleet::distributed
