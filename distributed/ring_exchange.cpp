#include "distributed/ring_exchange.hpp"

#include <algorithm>
#include <exception>

namespace otfleet::distributed {
namespace {

constexpr int ring_tag = 2;

/// Calls move(first byte, count) for consecutive pieces of a message.
template <class Move>
void in_pieces(std::size_t bytes, std::size_t most, Move&& move) {
  for (std::size_t begin = 0; begin < bytes; begin += most)
    move(begin, static_cast<int>(std::min(most, bytes - begin)));
}

}  // namespace

void RingExchange::begin_shift(const std::byte* send, std::size_t send_bytes, std::byte* receive,
                               std::size_t receive_bytes) {
  const int rank = communicator_.rank(), ranks = communicator_.size();
  const int right = (rank + 1) % ranks, left = (rank + ranks - 1) % ranks;
  in_pieces(receive_bytes, piece_bytes_, [&](std::size_t begin, int count) {
    MPI_Irecv(receive + begin, count, MPI_BYTE, left, ring_tag, communicator_.handle(),
              &requests_.emplace_back());
  });
  in_pieces(send_bytes, piece_bytes_, [&](std::size_t begin, int count) {
    MPI_Isend(send + begin, count, MPI_BYTE, right, ring_tag, communicator_.handle(),
              &requests_.emplace_back());
  });
}

void RingExchange::finish_shift() {
  const double begin = MPI_Wtime();
  MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
  wait_seconds_ += MPI_Wtime() - begin;
  requests_.clear();
}

void RingExchange::exchange(std::size_t bytes, const Fill& fill, const Visit& visit) {
  const int rank = communicator_.rank(), ranks = communicator_.size();
  const double begin = MPI_Wtime();
  const std::vector<std::int64_t> lengths =
      communicator_.all_gather(static_cast<std::int64_t>(bytes));
  wait_seconds_ += MPI_Wtime() - begin;
  const auto length_of = [&](int owner) {
    return static_cast<std::size_t>(lengths[static_cast<std::size_t>((owner + ranks) % ranks)]);
  };
  const auto longest = static_cast<std::size_t>(*std::max_element(lengths.begin(), lengths.end()));
  const std::size_t lines = (longest + sizeof(Line) - 1) / sizeof(Line);
  present_.resize(std::max(present_.size(), lines));
  if (ranks > 1) next_.resize(std::max(next_.size(), lines));
  const auto bytes_of = [](std::vector<Line>& lines_of) {
    return reinterpret_cast<std::byte*>(lines_of.data());
  };

  std::exception_ptr failure;
  const auto attempt = [&](const auto& work) {
    if (failure) return;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  };
  attempt([&] { fill(bytes_of(present_)); });
  for (int step = 0; step < ranks; ++step) {
    const int owner = rank - step;
    const bool last = step + 1 == ranks;
    if (!last)
      begin_shift(bytes_of(present_), length_of(owner), bytes_of(next_), length_of(owner - 1));
    attempt([&] { visit(bytes_of(present_), length_of(owner)); });
    if (last) break;
    finish_shift();
    std::swap(present_, next_);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace otfleet::distributed
