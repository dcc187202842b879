#include "distributed/work_queue.hpp"

#include <algorithm>
#include <span>

namespace otfleet::distributed {
namespace {

/// Past every range, with room for what is still added.
constexpr std::int64_t past_all = std::int64_t{1} << 62;

}  // namespace

WorkQueue::WorkQueue(const Communicator& communicator, Shard mine)
    : communicator_(communicator),
      ends_(static_cast<std::size_t>(communicator.size()), 0),
      empty_(ends_.size(), false) {
  ends_[static_cast<std::size_t>(communicator.rank())] = mine.end;
  communicator.all_reduce(std::span<std::int64_t>(ends_), Reduction::sum);
  MPI_Win_allocate(sizeof *next_, sizeof *next_, MPI_INFO_NULL, communicator.handle(), &next_,
                   &window_);
  MPI_Win_lock_all(MPI_MODE_NOCHECK, window_);
  change(communicator.rank(), mine.begin, MPI_REPLACE);
  communicator.barrier();
}

WorkQueue::~WorkQueue() {
  MPI_Win_unlock_all(window_);
  MPI_Win_free(&window_);
}

/// Changes a rank's counter and returns what it was. Fetch-and-op alone: Open MPI 4.1 crashes in a
/// compare-and-swap on a rank's own memory.
std::int64_t WorkQueue::change(int rank, std::int64_t by, MPI_Op operation) const {
  std::int64_t before = 0;
  MPI_Fetch_and_op(&by, &before, MPI_INT64_T, rank, 0, operation, window_);
  MPI_Win_flush(rank, window_);
  return before;
}

Shard WorkQueue::take_from(int rank, std::int64_t smallest, std::int64_t largest) {
  const auto which = static_cast<std::size_t>(rank);
  const std::int64_t left = ends_[which] - change(rank, 0, MPI_NO_OP);
  if (left <= 0) return {};
  std::int64_t count = left;
  if (communicator_.size() > 1 && left > smallest + smallest / 2)
    count = std::max(smallest, left / 2);
  count = std::min(count, largest);
  // Others may have been quicker: then less is left, or nothing.
  const std::int64_t begin = change(rank, count, MPI_SUM);
  return {begin, std::max(begin, std::min(begin + count, ends_[which]))};
}

Shard WorkQueue::take(std::int64_t smallest, std::int64_t largest) {
  const int self = communicator_.rank(), ranks = communicator_.size();
  for (int step = 0; step < ranks; ++step) {
    const int rank = (self + step) % ranks;
    const auto which = static_cast<std::size_t>(rank);
    if (empty_[which]) continue;
    const Shard taken = take_from(rank, smallest, largest);
    if (taken.size() > 0) {
      if (rank != self) taken_over_ += taken.size();
      return taken;
    }
    empty_[which] = true;
  }
  return {};
}

void WorkQueue::close() {
  for (int rank = 0; rank < communicator_.size(); ++rank) change(rank, past_all, MPI_REPLACE);
}

bool WorkQueue::closed() const {
  return change(communicator_.rank(), 0, MPI_NO_OP) >= past_all;
}

}  // namespace otfleet::distributed
