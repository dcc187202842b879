#pragma once
#include <mpi.h>

#include <cstdint>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/shard.hpp"

namespace otfleet::distributed {

/// Instances that the ranks still have to work on. Every rank begins with a range of its own; one
/// that has none left takes over from what another has. Nobody waits: how far a range is used up is
/// a counter in MPI memory of its rank, which any rank adds to (one-sided, MPI-3). Where the
/// network cannot do that by itself, the rank that it is taken from answers at its next call into
/// MPI.
class WorkQueue {
 public:
  /// The ranges of different ranks must not overlap. Collective.
  WorkQueue(const Communicator& communicator, Shard mine);
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  /// Collective.
  ~WorkQueue();

  /// Instances that are now this rank's to work on, none when no rank has any left: half of what is
  /// left of a range, but not less than `smallest` nor more than `largest` (both at least 1), so
  /// that there is something to take over for as long as possible. A rank that is alone takes
  /// `largest`. Local.
  Shard take(std::int64_t smallest, std::int64_t largest);

  /// From now on no rank gets anything. Local.
  void close();

  /// Whether some rank has closed it. Local.
  bool closed() const;

  /// Instances that this rank took over from others. Local.
  std::int64_t taken_over() const { return taken_over_; }

 private:
  std::int64_t change(int rank, std::int64_t by, MPI_Op operation) const;
  Shard take_from(int rank, std::int64_t smallest, std::int64_t largest);

  Communicator communicator_;
  MPI_Win window_ = MPI_WIN_NULL;
  std::int64_t* next_ = nullptr;    ///< in the window: the first instance of this rank that is left
  std::vector<std::int64_t> ends_;  ///< of every rank's range
  std::vector<bool> empty_;         ///< ranges that are known to be used up
  std::int64_t taken_over_ = 0;
};

}  // namespace otfleet::distributed
