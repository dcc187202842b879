#pragma once
#include <cstddef>
#include <functional>
#include <vector>

#include "distributed/communicator.hpp"

namespace otfleet::distributed {

/// Shows every rank the messages of all ranks, one after the other, where no rank could hold them
/// all: every rank passes to its right what it got from its left, until each message has been
/// everywhere. A message travels on while it is looked at.
///
/// Memory: two messages of the largest rank, kept from one round to the next. Traffic: every rank
/// sends and receives everybody else's message once, and never to any but its two neighbors.
class RingExchange {
 public:
  /// Writes this rank's message.
  using Fill = std::function<void(std::byte*)>;
  /// Looks at a message; it is gone when the call returns.
  using Visit = std::function<void(const std::byte*, std::size_t)>;

  explicit RingExchange(const Communicator& communicator) : communicator_(communicator) {}

  /// Calls fill(message) once, for `bytes` bytes, then visit(message, bytes) once for every rank:
  /// its own first, then those of rank − 1, rank − 2 … around the ring. Sizes of ranks may differ,
  /// and may be 0; messages begin on a cache line. Collective. What fill or visit throws is thrown
  /// when the round is over, which the other ranks complete without knowing: agree() afterwards.
  void exchange(std::size_t bytes, const Fill& fill, const Visit& visit);

  /// Wall seconds that this rank has waited for messages that were not there yet, or not gone, and
  /// for ranks that began a round later. Local.
  double wait_seconds() const { return wait_seconds_; }

  /// Largest piece in bytes that travels in one call into MPI, which counts in an int; 1 GiB unless
  /// set, to the same on all ranks.
  void limit_pieces(std::size_t bytes) { piece_bytes_ = bytes; }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  void begin_shift(const std::byte* send, std::size_t send_bytes, std::byte* receive,
                   std::size_t receive_bytes);
  void finish_shift();

  Communicator communicator_;
  std::vector<Line> present_, next_;
  std::vector<MPI_Request> requests_;
  std::size_t piece_bytes_ = std::size_t{1} << 30;
  double wait_seconds_ = 0;
};

}  // namespace otfleet::distributed
