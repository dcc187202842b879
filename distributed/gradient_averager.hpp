#pragma once
#include <cstddef>
#include <memory>
#include <span>

#include "distributed/communicator.hpp"

namespace otfleet::distributed {

/// Sums float gradients over the ranks, in place and piece by piece, while others are still being
/// computed. One interface, two ways to move the data: MPI on host memory, NCCL on device memory
/// (builds with OTFLEET_NCCL).
///
/// A sum is some begin() and one finish(). All ranks begin the same pieces in the same order, and
/// that order is the array's, not that of events: from its end to its front, as a backward pass
/// completes layers, each piece up to where the one before it began.
class GradientAverager {
 public:
  virtual ~GradientAverager() = default;

  /// Begins values[i] <- sum over ranks of values[i]; `values` stays and is left alone until
  /// finish(). In device memory it may still be on its way, by work queued on the default stream.
  /// Collective. Throws std::logic_error: the piece does not end where the last one began; MPI:
  /// from another thread than the averager was made on.
  void begin(std::span<float> values);

  /// Moves on what was begun, without waiting: MPI has no thread of its own. Local.
  virtual void progress() = 0;

  /// Returns when all that was begun is summed and readable. Collective.
  void finish();

  /// Does it sum values in the memory of a GPU, not of the host?
  virtual bool sums_in_device_memory() const = 0;

  /// "mpi" or "nccl", for reports.
  virtual const char* name() const = 0;

 private:
  virtual void start(std::span<float> values) = 0;
  virtual void wait() = 0;

  const float* front_ = nullptr;  ///< of the piece begun last; null: none since finish()
};

/// MPI on host memory. Collective over `communicator`.
std::unique_ptr<GradientAverager> make_mpi_averager(Communicator communicator);

#ifdef OTFLEET_NCCL
/// NCCL on the current CUDA device, one rank per GPU; the NCCL id travels over `communicator`.
/// Collective. Throws std::runtime_error with NCCL's own words when it refuses.
std::unique_ptr<GradientAverager> make_nccl_averager(Communicator communicator);
#endif

}  // namespace otfleet::distributed
